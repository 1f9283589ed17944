// Commands about the server, and the way to the API of all modules.

#include <array>
#include <chrono>
#include <optional>
#include <vector>

#include "config/text/quoted.h"
#include "core/base/ascii.h"
#include "modules/resp/command.h"
#include "modules/resp/info.h"
#include "modules/resp/protocol.h"
#include "modules/resp/session.h"
#include "modules/system/call/call.h"
#include "modules/system/call/json.h"
#include "modules/system/call/json_writer.h"

namespace weir::resp {

namespace {

// --- CALL

// What JSON text is an item of long work: it is written, or read, in some microseconds.
constexpr std::size_t item_of_text = 256;

constexpr std::size_t long_reply = LongWork::per_round * item_of_text;

std::size_t items_of_parameters(const Session& /*session*/, const Request& request) {
    return 4 + request.bytes() / item_of_text;
}

// The text of a result, written in pieces of long work. What is long in results are lists.
class ResultText {
public:
    explicit ResultText(Session& session) noexcept : session_(session) {}

    // Destroys the elements of a list meanwhile, which takes as long as writing them.
    Task<> append(Json value) {
        if (!value.is_array()) {
            text_ += json_text(value);
            co_return;
        }
        text_ += '[';
        const char* before = "";
        for (Json& element : value) {
            text_ += before + json_text(element);
            element = nullptr;
            before = ",";
            if (text_.size() - written_ >= long_reply) {
                written_ = text_.size();
                co_await session_.turn(LongWork::per_round, LongWork::Piece::next);
            }
        }
        text_ += ']';
    }
    Task<> append_members(Json object) {
        text_ += '{';
        const char* before = "";
        for (auto member = object.begin(); member != object.end(); ++member) {
            text_ += before + json_text(member.key()) + ':';
            before = ",";
            co_await append(std::move(*member));
        }
        text_ += '}';
    }
    std::size_t size() const noexcept { return text_.size(); }
    std::string take() noexcept { return std::move(text_); }

private:
    Session& session_;
    std::string text_;
    std::size_t written_ = 0;  // of it, in earlier turns
};

Task<> call_module(Session& session, const Request& request) {
    const std::string module(request[1]);
    const std::string function(request[2]);
    JsonText parameters{std::string(request.size() > 3 ? request[3] : std::string_view())};
    if (!co_await session.begin_waiting("call of " + module + "." + function)) {
        co_return;
    }
    const auto limit = session.protocol().settings().call_timeout;
    std::optional<Duration> timeout;
    if (limit.count() > 0) {
        timeout = limit;
    }
    ApiResult<Json> result = co_await call_for(session.caller(), ApiName(module, function),
                                               std::move(parameters), timeout);
    session.end_waiting();
    if (!result) {
        session.refuse(result.error());
        co_return;
    }
    ResultText text(session);
    Json value = std::move(result).value();
    if (value.is_object()) {
        co_await text.append_members(std::move(value));
    } else {
        co_await text.append(std::move(value));
    }
    if (text.size() < long_reply || !session.refuse_long_reply()) {
        session.reply().bulk(text.take());
    }
}

// --- INFO, and what clients of Redis ask about replicas

void info(Session& session, const Request& request) {
    std::vector<std::string_view> sections;
    for (std::size_t i = 1; i != request.size(); ++i) {
        sections.push_back(request[i]);
    }
    session.reply().bulk(info_text(session.protocol(), session.scheduler(), sections));
}

// INFO looks at all clients.
std::size_t items_of_info(const Session& session, const Request& /*request*/) {
    return 16 + session.protocol().clients() / 100;
}

void role(Session& session, const Request&) {
    ReplyWriter& reply = session.reply();
    reply.array(3);
    reply.bulk("master");
    reply.integer(0);
    reply.array(0);
}

void accept(Session& session, const Request&) {
    session.ok();
}

// --- COMMAND

std::size_t items_of_commands(const Session& /*session*/, const Request& request) {
    return all_commands().size() + request.size();
}

// As Redis describes its commands: name, arity, flags, the first and last argument that is a key,
// and the step from one key to the next.
void write_command(ReplyWriter& reply, const Command& command) {
    reply.array(6);
    reply.bulk(in_lower_case(command.name));
    reply.integer(command.arity());
    reply.array(command.before_auth ? 1 : 0);
    if (command.before_auth) {
        reply.simple("no_auth");
    }
    reply.integer(0);
    reply.integer(0);
    reply.integer(0);
}

void write_docs(ReplyWriter& reply, const Command& command) {
    reply.bulk(in_lower_case(command.name));
    reply.map(3);
    reply.bulk("summary");
    reply.bulk(std::string(command.summary) +
               (command.usage.empty() ? "" : ": " + std::string(command.usage)));
    reply.bulk("since");
    reply.bulk("0.1.0");
    reply.bulk("group");
    reply.bulk(command.group);
}

void command_docs(Session& session, const Request& request) {
    std::vector<const Command*> chosen;
    if (request.size() == 2) {
        chosen.assign(all_commands().begin(), all_commands().end());
    }
    for (std::size_t i = 2; i < request.size(); ++i) {
        if (const Command* command = find_command(request[i])) {
            chosen.push_back(command);
        }
    }
    session.reply().map(chosen.size());
    for (const Command* command : chosen) {
        write_docs(session.reply(), *command);
    }
}

void command_info(Session& session, const Request& request) {
    ReplyWriter& reply = session.reply();
    if (request.size() <= 2) {
        reply.array(all_commands().size());
        for (const Command* command : all_commands()) {
            write_command(reply, *command);
        }
        return;
    }
    reply.array(request.size() - 2);
    for (std::size_t i = 2; i < request.size(); ++i) {
        if (const Command* command = find_command(request[i])) {
            write_command(reply, *command);
        } else {
            reply.nil();
        }
    }
}

void command(Session& session, const Request& request) {
    if (request.size() == 1 || same_word(request[1], "INFO")) {
        command_info(session, request);
    } else if (same_word(request[1], "COUNT") && request.size() == 2) {
        session.reply().integer(static_cast<std::int64_t>(all_commands().size()));
    } else if (same_word(request[1], "DOCS")) {
        command_docs(session, request);
    } else {
        session.error(
            unknown_option("subcommand", request[1], "COMMAND", {"COUNT", "DOCS", "INFO"}));
    }
}

constexpr std::array server_table{
    Command{.name = "CALL",
            .usage = "module function [json]",
            .summary = "Calls a function of a module's API, and answers with its result as JSON",
            .group = "server",
            .least = 3,
            .most = 4,
            .needs = Needs::checked_by_the_command(),
            .items = items_of_parameters,
            .run_long = call_module},
    Command{.name = "COMMAND",
            .usage = "[COUNT | DOCS [name ...] | INFO [name ...]]",
            .summary = "Describes the commands",
            .group = "server",
            .least = 1,
            .most = any_number,
            .needs = Needs::nothing(),
            .items = items_of_commands,
            .run = command},
    Command{.name = "INFO",
            .usage = "[section ...]",
            .summary = "Shows the state of the server",
            .group = "server",
            .least = 1,
            .most = any_number,
            .needs = {{}, "info", true},
            .items = items_of_info,
            .run = info},
    Command{.name = "READONLY",
            .summary = "Accepted for clients that send it; changes nothing",
            .group = "server",
            .needs = Needs::nothing(),
            .run = accept},
    Command{.name = "READWRITE",
            .summary = "Accepted for clients that send it; changes nothing",
            .group = "server",
            .needs = Needs::nothing(),
            .run = accept},
    Command{.name = "ROLE",
            .summary = "Answers master, without replicas",
            .group = "server",
            .needs = Needs::nothing(),
            .run = role},
};
static_assert(all_say_what_they_need(server_table));

}  // namespace

std::span<const Command> server_commands() noexcept {
    return server_table;
}

}  // namespace weir::resp
