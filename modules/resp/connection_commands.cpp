// Commands about the client's own connection, and about those of other clients.

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <functional>
#include <optional>
#include <vector>

#include "config/text/quoted.h"
#include "modules/resp/client_text.h"
#include "modules/resp/command.h"
#include "modules/resp/protocol.h"
#include "modules/resp/session.h"
#include "modules/system/call/caller.h"
#include "modules/system/module/abi.h"
#include "modules/system/rights/access.h"
#include "modules/system/rights/login_source.h"

namespace weir::resp {

namespace {

std::optional<std::uint64_t> to_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (wrong != std::errc() || end != text.data() + text.size()) {
        return {};
    }
    return number;
}

// --- greeting

void ping(Session& session, const Request& request) {
    if (request.size() == 2) {
        session.reply().bulk(request[1]);
    } else {
        session.reply().simple("PONG");
    }
}

void echo(Session& session, const Request& request) {
    session.reply().bulk(request[1]);
}

// Makes the client the user, and returns true; otherwise answers what is wrong.
Task<bool> authenticate(Session& session, std::string_view user, std::string_view password) {
    const RespProtocol& protocol = session.protocol();
    Login login{
        .user = std::string(user),
        .password = std::string(password),
        .source = login_source(session.connection().remote(), session.connection().peer_user()),
        .own_user = protocol.own_user()};
    if (!login.own_user && !protocol.access().has_users()) {
        session.error("AUTH was sent, but there are no users (server.users, module." +
                      std::string(protocol.log().module()) + ".password)");
        co_return false;
    }
    if (!co_await session.begin_waiting("login")) {
        co_return false;
    }
    const ApiResult<Ref<Caller>> caller =
        co_await session.protocol().access().log_in(std::move(login));
    session.end_waiting();
    if (caller) {
        session.set_caller(caller.value());
    } else if (caller.error().code == Access::wrong_login) {
        session.reply().error("WRONGPASS", "invalid username-password pair");
    } else {
        session.refuse(caller.error());
    }
    co_return caller.ok();
}

Task<> auth(Session& session, const Request& request) {
    const bool with_user = request.size() == 3;
    if (co_await authenticate(session, with_user ? request[1] : "default",
                              request[with_user ? 2 : 1])) {
        session.ok();
    }
}

// The name of the user, as clients of Redis ask for it. One that has not logged in is "default" in
// Redis; here that may be a user.
void acl(Session& session, const Request& request) {
    if (same_word(request[1], "WHOAMI") && request.size() == 2) {
        session.reply().bulk(session.caller()->user());
    } else {
        session.error(unknown_option("subcommand", request[1], "ACL", {"WHOAMI"}));
    }
}

// All names are in CLIENT LIST, and those of owners in listings of locks.
constexpr std::size_t longest_name = 256;

bool set_name(Session& session, std::string_view name) {
    if (name.size() > longest_name) {
        session.error("a client's name cannot be longer than " + std::to_string(longest_name) +
                      " bytes");
        return false;
    }
    if (!is_client_name(name)) {
        session.error("a client's name cannot contain spaces or special characters");
        return false;
    }
    session.set_name(name);
    return true;
}

void answer_hello(Session& session) {
    ReplyWriter& reply = session.reply();
    reply.map(7);
    reply.bulk("server");
    reply.bulk("weir");
    reply.bulk("version");
    reply.bulk(own_abi.weir);
    reply.bulk("proto");
    reply.integer(reply.version());
    reply.bulk("id");
    reply.integer(static_cast<std::int64_t>(session.id()));
    reply.bulk("mode");
    reply.bulk("standalone");
    reply.bulk("role");
    reply.bulk("master");
    reply.bulk("modules");
    reply.array(0);
}

// All or nothing: a wrong option is found before any option takes effect, except for the password,
// which must be checked first.
Task<> hello(Session& session, const Request& request) {
    std::optional<std::uint64_t> version;
    if (request.size() > 1) {
        version = to_number(request[1]);
        if (!version || *version < ReplyWriter::oldest_version ||
            *version > ReplyWriter::newest_version) {
            session.reply().error("NOPROTO", "unsupported protocol version");
            co_return;
        }
    }
    std::optional<std::string_view> name;
    for (std::size_t i = 2; i < request.size();) {
        const std::size_t left = request.size() - i - 1;
        if (same_word(request[i], "AUTH") && left >= 2) {
            if (!co_await authenticate(session, request[i + 1], request[i + 2])) {
                co_return;
            }
            i += 3;
        } else if (same_word(request[i], "SETNAME") && left >= 1) {
            name = request[i + 1];
            i += 2;
        } else {
            session.error("syntax error in HELLO at '" + config::printable(request[i]) + "'");
            co_return;
        }
    }
    if (!session.caller()->has_roles()) {
        session.reply().error("NOAUTH",
                              "HELLO must be called with the client already authenticated, or "
                              "with AUTH <user> <password>");
        co_return;
    }
    if (name && !set_name(session, *name)) {
        co_return;
    }
    if (version) {
        session.reply().set_version(static_cast<int>(*version));
    }
    answer_hello(session);
}

void quit(Session& session, const Request&) {
    session.ok();
    session.close_after_reply();
}

void reset(Session& session, const Request&) {
    session.reset();
    session.reply().simple("RESET");
}

void select(Session& session, const Request& request) {
    if (request[1] == "0") {
        session.ok();
    } else {
        session.error("DB index is out of range: there is only 0");
    }
}

// --- CLIENT

void client_id(Session& session, const Request&) {
    session.reply().integer(static_cast<std::int64_t>(session.id()));
}

void client_info(Session& session, const Request&) {
    session.reply().bulk(client_text(session) + "\n");
}

// Which clients CLIENT LIST and CLIENT KILL are about.
struct ClientFilter {
    std::optional<std::vector<std::uint64_t>> ids = {};  // in order
    std::optional<std::string_view> address = {};
    std::optional<std::string_view> local_address = {};
    std::optional<std::string_view> user = {};
    std::optional<Duration> age = {};  // at least
    bool is_normal = true;             // not replicas, of which there are none
    bool skip_own = true;

    bool chooses(const Session& client, const Session& own) const {
        return is_normal && !(skip_own && &client == &own) &&
               (!ids || std::ranges::binary_search(*ids, client.id())) &&
               (!address || client_address(client) == *address) &&
               (!local_address || client_local_address(client) == *local_address) &&
               (!user || *user == client.caller()->user()) &&
               (!age || client.scheduler().now() - client.connected_at() >= *age);
    }
};

// Reads the numbers of clients that follow; answers what is wrong.
bool read_ids(Session& session, const Request& request, std::size_t& at, ClientFilter& filter) {
    filter.ids.emplace();
    for (; at < request.size(); ++at) {
        const auto id = to_number(request[at]);
        if (!id && !filter.ids->empty()) {
            break;  // another filter
        }
        if (!id || *id == 0) {
            session.error("client-id should be a number from 1 on, found '" +
                          config::printable(request[at]) + "'");
            return false;
        }
        filter.ids->push_back(*id);
    }
    std::ranges::sort(*filter.ids);
    return true;
}

// Reads the type of client at `at`; answers what is wrong.
bool read_type(Session& session, const Request& request, std::size_t& at, ClientFilter& filter) {
    const std::string_view type = request[at++];
    filter.is_normal = same_word(type, "NORMAL");
    const auto is = [type](std::string_view other) { return same_word(type, other); };
    if (filter.is_normal || is("MASTER") || is("REPLICA") || is("SLAVE") || is("PUBSUB")) {
        return true;
    }
    session.error("unknown client type '" + config::printable(type) + "'");
    return false;
}

// Reads the filter of CLIENT LIST; answers what is wrong.
bool read_list_filter(Session& session, const Request& request, ClientFilter& filter) {
    for (std::size_t at = 2; at < request.size();) {
        const std::string_view word = request[at++];
        const bool has_value = at < request.size();
        if (has_value && same_word(word, "ID")) {
            if (!read_ids(session, request, at, filter)) {
                return false;
            }
        } else if (has_value && same_word(word, "TYPE")) {
            if (!read_type(session, request, at, filter)) {
                return false;
            }
        } else {
            session.error("syntax error in CLIENT LIST at '" + config::printable(word) + "'");
            return false;
        }
    }
    return true;
}

Task<> client_list(Session& session, const Request& request) {
    ClientFilter filter{.skip_own = false};
    if (!read_list_filter(session, request, filter)) {
        co_return;
    }
    co_await session.flush();
    const std::function<bool(const Session&)> chosen = [&](const Session& client) {
        return filter.chooses(client, session);
    };
    const std::vector<std::string> lines =
        co_await list_clients(session.protocol(), *session.caller(), chosen);
    if (lines.size() >= LongWork::per_round && session.refuse_long_reply()) {
        co_return;
    }
    std::string text;
    for (const std::string& line : lines) {
        text.append(line).push_back('\n');
    }
    session.reply().bulk(text);
}

// For commands that look at all clients.
std::size_t all_clients(const Session& session, const Request& /*request*/) {
    return session.protocol().clients();
}

// For options of Redis that change nothing here: memory is not evicted, and keys have no age.
void client_no(Session& session, const Request& request) {
    if (same_word(request[2], "ON") || same_word(request[2], "OFF")) {
        session.ok();
    } else {
        session.error(unknown_option("value", request[2], "CLIENT", {"ON", "OFF"}));
    }
}

void client_reply(Session& session, const Request& request) {
    if (session.in_exec()) {
        session.error("CLIENT REPLY is not allowed between MULTI and EXEC");
    } else if (same_word(request[2], "ON")) {
        session.set_reply_mode(ReplyMode::on);
        session.ok();
    } else if (same_word(request[2], "OFF")) {
        session.set_reply_mode(ReplyMode::off);
    } else if (same_word(request[2], "SKIP")) {
        session.set_reply_mode(ReplyMode::skip_next);
    } else {
        session.error(unknown_option("mode", request[2], "CLIENT REPLY", {"ON", "OFF", "SKIP"}));
    }
}

void client_get_name(Session& session, const Request&) {
    if (session.name().empty()) {
        session.reply().nil();
    } else {
        session.reply().bulk(session.name());
    }
}

void client_set_name(Session& session, const Request& request) {
    if (set_name(session, request[2])) {
        session.ok();
    }
}

// Libraries send their name and version, which nothing here uses.
void client_set_info(Session& session, const Request& request) {
    if (same_word(request[2], "LIB-NAME") || same_word(request[2], "LIB-VER")) {
        session.ok();
    } else {
        session.error(
            unknown_option("attribute", request[2], "CLIENT SETINFO", {"LIB-NAME", "LIB-VER"}));
    }
}

std::size_t kill(Session& killer, const ClientFilter& filter) {
    std::size_t killed = 0;
    for (Session& client : killer.protocol().sessions()) {
        if (!filter.chooses(client, killer)) {
            continue;
        }
        ++killed;
        if (&client == &killer) {
            killer.close_after_reply();
        } else {
            client.connection().shutdown(true);
        }
    }
    return killed;
}

// Reads the filter of CLIENT KILL at `at`; answers what is wrong.
bool read_kill_filter(Session& session, const Request& request, std::size_t& at,
                      ClientFilter& filter) {
    const std::string_view word = request[at++];
    if (at == request.size()) {
        session.error("a value is missing after " + config::printable(word));
        return false;
    }
    if (same_word(word, "ID")) {
        return read_ids(session, request, at, filter);
    }
    if (same_word(word, "TYPE")) {
        return read_type(session, request, at, filter);
    }
    const std::string_view value = request[at++];
    if (same_word(word, "ADDR")) {
        filter.address = value;
    } else if (same_word(word, "LADDR")) {
        filter.local_address = value;
    } else if (same_word(word, "USER")) {
        filter.user = value;
    } else if (same_word(word, "SKIPME") && (same_word(value, "YES") || same_word(value, "NO"))) {
        filter.skip_own = same_word(value, "YES");
    } else if (same_word(word, "MAXAGE") && to_number(value) && *to_number(value) < 1'000'000'000) {
        filter.age = std::chrono::seconds(*to_number(value));
    } else if (same_word(word, "SKIPME") || same_word(word, "MAXAGE")) {
        session.error("wrong value of " + std::string(word) + ": '" + config::printable(value) +
                      "'");
        return false;
    } else {
        session.error(unknown_option("filter", word, "CLIENT KILL",
                                     {"ID", "TYPE", "USER", "ADDR", "LADDR", "SKIPME", "MAXAGE"}));
        return false;
    }
    return true;
}

// CLIENT KILL address answers OK; CLIENT KILL with filters answers how many clients were closed.
void client_kill(Session& session, const Request& request) {
    if (request.size() == 3) {
        if (kill(session, {.address = request[2], .skip_own = false}) == 0) {
            session.error("No such client");
        } else {
            session.ok();
        }
        return;
    }
    ClientFilter filter;
    for (std::size_t at = 2; at < request.size();) {
        if (!read_kill_filter(session, request, at, filter)) {
            return;
        }
    }
    session.reply().integer(static_cast<std::int64_t>(kill(session, filter)));
}

constexpr std::array client_commands{
    Command{.name = "ID", .least = 2, .most = 2, .needs = Needs::nothing(), .run = client_id},
    Command{.name = "INFO", .least = 2, .most = 2, .needs = Needs::nothing(), .run = client_info},
    Command{.name = "LIST",
            .usage = "[TYPE type] [ID id ...]",
            .least = 2,
            .most = any_number,
            .needs = {{}, "clients", true},
            .run_long = client_list},
    Command{.name = "GETNAME",
            .least = 2,
            .most = 2,
            .needs = Needs::nothing(),
            .run = client_get_name},
    Command{.name = "SETNAME",
            .usage = "name",
            .least = 3,
            .most = 3,
            .needs = Needs::nothing(),
            .run = client_set_name},
    Command{.name = "SETINFO",
            .usage = "LIB-NAME name | LIB-VER version",
            .least = 4,
            .most = 4,
            .needs = Needs::nothing(),
            .run = client_set_info},
    Command{.name = "KILL",
            .usage = "address | [ID id ...] [TYPE type] [USER user] [ADDR address] "
                     "[LADDR address] [SKIPME yes|no] [MAXAGE seconds]",
            .least = 3,
            .most = any_number,
            .needs = {{}, "kill_client"},
            .items = all_clients,
            .run = client_kill},
    Command{.name = "NO-EVICT",
            .usage = "ON | OFF",
            .least = 3,
            .most = 3,
            .needs = Needs::nothing(),
            .run = client_no},
    Command{.name = "NO-TOUCH",
            .usage = "ON | OFF",
            .least = 3,
            .most = 3,
            .needs = Needs::nothing(),
            .run = client_no},
    Command{.name = "REPLY",
            .usage = "ON | OFF | SKIP",
            .least = 3,
            .most = 3,
            .needs = Needs::nothing(),
            .run = client_reply},
};
static_assert(all_say_what_they_need(client_commands));

Task<> client(Session& session, const Request& request) {
    for (const Command& command : client_commands) {
        if (same_word(command.name, request[1])) {
            if (request.size() < command.least || request.size() > command.most) {
                session.error(wrong_arity(command));
            } else if (const auto error = session.refusal(command)) {
                session.refuse(*error);
            } else {
                co_await session.carry_out(command, request);
            }
            co_return;
        }
    }
    session.error(unknown_option("subcommand", request[1], "CLIENT",
                                 {"ID", "INFO", "LIST", "GETNAME", "SETNAME", "SETINFO", "KILL",
                                  "NO-EVICT", "NO-TOUCH", "REPLY"}));
}

constexpr std::array connection_table{
    Command{.name = "ACL",
            .usage = "WHOAMI",
            .summary = "Answers with the user that the client is; empty if it has not logged in",
            .group = "connection",
            .least = 2,
            .most = any_number,
            .needs = Needs::nothing(),
            .run = acl},
    Command{.name = "AUTH",
            .usage = "[username] password",
            .summary = "Makes the client a user, by the user's password",
            .group = "connection",
            .least = 2,
            .most = 3,
            .before_auth = true,
            .needs = Needs::nothing(),
            .run_long = auth},
    Command{.name = "CLIENT",
            .usage =
                "ID | INFO | LIST [filter] | GETNAME | SETNAME name | SETINFO attribute value | "
                "KILL filter | REPLY mode | NO-EVICT mode | NO-TOUCH mode",
            .summary = "Shows, names and closes clients",
            .group = "connection",
            .least = 2,
            .most = any_number,
            .needs = Needs::checked_by_the_command(),
            .run_long = client},
    Command{.name = "ECHO",
            .usage = "message",
            .summary = "Answers with the message",
            .group = "connection",
            .least = 2,
            .most = 2,
            .needs = Needs::nothing(),
            .run = echo},
    Command{.name = "HELLO",
            .usage = "[version [AUTH username password] [SETNAME name]]",
            .summary = "Chooses the version of the protocol, and describes the server",
            .group = "connection",
            .least = 1,
            .most = 7,
            .before_auth = true,
            .needs = Needs::nothing(),
            .run_long = hello},
    Command{.name = "PING",
            .usage = "[message]",
            .summary = "Answers PONG, or with the message",
            .group = "connection",
            .least = 1,
            .most = 2,
            .needs = Needs::nothing(),
            .run = ping},
    Command{.name = "QUIT",
            .summary = "Gives back all locks and closes the connection",
            .group = "connection",
            .before_auth = true,
            .needs = Needs::nothing(),
            .ends_transaction = true,
            .run = quit},
    Command{.name = "RESET",
            .summary = "Gives back all locks and forgets name and user",
            .group = "connection",
            .before_auth = true,
            .needs = Needs::nothing(),
            .ends_transaction = true,
            .run = reset},
    Command{.name = "SELECT",
            .usage = "0",
            .summary = "For clients that insist on choosing a database: there is one, 0",
            .group = "connection",
            .least = 2,
            .most = 2,
            .needs = Needs::nothing(),
            .run = select},
};
static_assert(all_say_what_they_need(connection_table));

}  // namespace

std::span<const Command> connection_commands() noexcept {
    return connection_table;
}

}  // namespace weir::resp
