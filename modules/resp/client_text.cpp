#include "modules/resp/client_text.h"

#include <algorithm>
#include <chrono>

#include "config/text/quoted.h"
#include "core/base/ascii.h"
#include "modules/resp/command.h"
#include "modules/resp/protocol.h"
#include "modules/system/call/caller.h"
#include "modules/system/call/long_turn.h"

namespace weir::resp {

namespace {

std::string short_address(std::string text) {
    constexpr std::string_view scheme = "tcp://";
    return text.starts_with(scheme) ? text.substr(scheme.size()) : text;
}

std::string whole_seconds(Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

// Spaces would look like the next field.
std::string one_word(std::string text) {
    std::ranges::replace(text, ' ', '_');
    return text;
}

}  // namespace

std::string client_text(const Session& session) {
    const Connection& connection = session.connection();
    const Time now = session.scheduler().now();
    std::string command = "none";
    if (session.last_command() != nullptr) {
        command = in_lower_case(session.last_command()->name);
    }
    std::string text = "id=" + std::to_string(session.id());
    const auto field = [&text](std::string_view name, const std::string& value) {
        text.append(" ").append(name).append("=").append(value);
    };
    field("addr", one_word(client_address(session)));
    field("laddr", one_word(client_local_address(session)));
    field("name", session.name());
    field("user", one_word(config::printable(session.caller()->user())));
    field("age", whole_seconds(now - session.connected_at()));
    field("idle", whole_seconds(now - session.last_request_at()));
    // What libraries of Redis expect to find, and here is none of.
    for (const std::string_view none :
         {"db", "sub", "psub", "qbuf-free", "obl", "argv-mem", "oll", "tot-mem"}) {
        field(none, "0");
    }
    const bool collects = session.transaction().has_value();
    field("multi", collects ? std::to_string(session.transaction()->requests().size()) : "-1");
    field("locks", std::to_string(session.locks().held()));
    field("watch", std::to_string(session.watches().size()));
    field("waiting", one_word(config::printable(session.waiting_for())));
    field("qbuf", std::to_string(connection.input_size()));
    field("omem", std::to_string(connection.output_size()));
    field("cmd", command);
    return text;
}

Task<std::vector<std::string>> list_clients(RespProtocol& protocol, const Caller& caller,
                                            std::function<bool(const Session&)> chosen) {
    std::vector<std::string> lines;
    RespProtocol::Visit visit(protocol);
    const std::size_t most = std::min(protocol.clients(), LongWork::per_round);
    co_await long_turn(protocol.long_work(), caller, most);
    std::size_t done = 0;
    while (const Session* client = visit.next()) {
        if (chosen(*client)) {
            lines.push_back(client_text(*client));
        }
        if (++done == LongWork::per_round) {
            done = 0;
            co_await long_turn(protocol.long_work(), caller, LongWork::per_round,
                               LongWork::Piece::next);
        }
    }
    co_return lines;
}

std::string client_address(const Session& session) {
    return short_address(session.connection().remote().text());
}

std::string client_local_address(const Session& session) {
    return short_address(session.connection().local().text());
}

bool is_client_name(std::string_view name) noexcept {
    return std::ranges::all_of(name, [](char c) { return c >= '!' && c <= '~'; });
}

}  // namespace weir::resp
