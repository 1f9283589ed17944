// Commands about the connection itself, and about other clients'.

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <optional>

#include "config/text/quoted.h"
#include "modules/resp/client_text.h"
#include "modules/resp/command.h"
#include "modules/resp/protocol.h"
#include "modules/resp/session.h"
#include "modules/system/module/abi.h"

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

// --- who is there

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

// Takes as long for a wrong password as for the right one, wherever they differ.
bool same_secret(std::string_view given, std::string_view secret) noexcept {
    unsigned difference = given.size() == secret.size() ? 0 : 1;
    for (std::size_t i = 0; i != secret.size(); ++i) {
        const char c = i < given.size() ? given[i] : '\0';
        difference |= static_cast<unsigned char>(c ^ secret[i]);
    }
    return difference == 0;
}

// Whether the password is right; otherwise answers what is wrong.
bool authenticate(Session& session, std::string_view user, std::string_view password) {
    const auto& secret = session.protocol().settings().password;
    if (!secret) {
        session.error("AUTH is given, but no password is set");
        return false;
    }
    if (user != "default" || !same_secret(password, *secret)) {
        session.reply().error("WRONGPASS", "invalid username-password pair");
        return false;
    }
    session.set_authenticated(true);
    return true;
}

void auth(Session& session, const Request& request) {
    const bool with_user = request.size() == 3;
    if (authenticate(session, with_user ? request[1] : "default", request[with_user ? 2 : 1])) {
        session.ok();
    }
}

bool set_name(Session& session, std::string_view name) {
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

// All or nothing: what is wrong in the options is found before any of them takes effect, but for
// the password, that must come first.
void hello(Session& session, const Request& request) {
    std::optional<std::uint64_t> version;
    if (request.size() > 1) {
        version = to_number(request[1]);
        if (!version || *version < ReplyWriter::oldest_version ||
            *version > ReplyWriter::newest_version) {
            session.reply().error("NOPROTO", "unsupported protocol version");
            return;
        }
    }
    std::optional<std::string_view> name;
    for (std::size_t i = 2; i < request.size();) {
        const std::size_t left = request.size() - i - 1;
        if (same_word(request[i], "AUTH") && left >= 2) {
            if (!authenticate(session, request[i + 1], request[i + 2])) {
                return;
            }
            i += 3;
        } else if (same_word(request[i], "SETNAME") && left >= 1) {
            name = request[i + 1];
            i += 2;
        } else {
            session.error("syntax error in HELLO at '" + config::printable(request[i]) + "'");
            return;
        }
    }
    if (!session.authenticated()) {
        session.reply().error("NOAUTH",
                              "HELLO must be called with the client already authenticated, or "
                              "with AUTH default <password>");
        return;
    }
    if (name && !set_name(session, *name)) {
        return;
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

void client_list(Session& session, const Request&) {
    std::string text;
    for (const Session& client : session.protocol().sessions()) {
        text += client_text(client) + "\n";
    }
    session.reply().bulk(text);
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

// Libraries say what they are; nobody asks.
void client_set_info(Session& session, const Request& request) {
    if (same_word(request[2], "LIB-NAME") || same_word(request[2], "LIB-VER")) {
        session.ok();
    } else {
        session.error(
            unknown_option("attribute", request[2], "CLIENT SETINFO", {"LIB-NAME", "LIB-VER"}));
    }
}

std::size_t kill(Session& killer, const std::function<bool(const Session&)>& chosen) {
    std::size_t killed = 0;
    for (Session& client : killer.protocol().sessions()) {
        if (!chosen(client)) {
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

// CLIENT KILL address, and CLIENT KILL ID id | ADDR address, that answers how many.
void client_kill(Session& session, const Request& request) {
    const std::string_view value = request[request.size() - 1];
    const auto has_address = [value](const Session& client) {
        return client_address(client) == value;
    };
    if (request.size() == 3) {
        if (kill(session, has_address) == 0) {
            session.error("No such client");
        } else {
            session.ok();
        }
    } else if (same_word(request[2], "ADDR")) {
        session.reply().integer(static_cast<std::int64_t>(kill(session, has_address)));
    } else if (same_word(request[2], "ID")) {
        const auto id = to_number(value);
        if (!id) {
            session.error("client-id should be a number, found '" + config::printable(value) + "'");
            return;
        }
        const std::size_t killed =
            kill(session, [id](const Session& client) { return client.id() == *id; });
        session.reply().integer(static_cast<std::int64_t>(killed));
    } else {
        session.error(unknown_option("filter", request[2], "CLIENT KILL", {"ID", "ADDR"}));
    }
}

constexpr std::array client_commands{
    Command{.name = "ID", .least = 2, .most = 2, .run = client_id},
    Command{.name = "INFO", .least = 2, .most = 2, .run = client_info},
    Command{.name = "LIST", .least = 2, .most = 2, .run = client_list},
    Command{.name = "GETNAME", .least = 2, .most = 2, .run = client_get_name},
    Command{.name = "SETNAME", .usage = "name", .least = 3, .most = 3, .run = client_set_name},
    Command{.name = "SETINFO",
            .usage = "LIB-NAME name | LIB-VER version",
            .least = 4,
            .most = 4,
            .run = client_set_info},
    Command{.name = "KILL",
            .usage = "address | ID id | ADDR address",
            .least = 3,
            .most = 4,
            .run = client_kill},
};

void client(Session& session, const Request& request) {
    for (const Command& command : client_commands) {
        if (same_word(command.name, request[1])) {
            if (request.size() < command.least || request.size() > command.most) {
                session.error(wrong_arity(command));
            } else {
                command.run(session, request);
            }
            return;
        }
    }
    session.error(unknown_option("subcommand", request[1], "CLIENT",
                                 {"ID", "INFO", "LIST", "GETNAME", "SETNAME", "SETINFO", "KILL"}));
}

constexpr std::array connection_table{
    Command{.name = "AUTH",
            .usage = "[username] password",
            .summary = "Proves that the client knows the password",
            .group = "connection",
            .least = 2,
            .most = 3,
            .before_auth = true,
            .run = auth},
    Command{.name = "CLIENT",
            .usage = "ID | INFO | LIST | GETNAME | SETNAME name | SETINFO attribute value | KILL "
                     "filter",
            .summary = "Shows, names and closes clients",
            .group = "connection",
            .least = 2,
            .most = 4,
            .run = client},
    Command{.name = "ECHO",
            .usage = "message",
            .summary = "Answers with the message",
            .group = "connection",
            .least = 2,
            .most = 2,
            .run = echo},
    Command{.name = "HELLO",
            .usage = "[version [AUTH username password] [SETNAME name]]",
            .summary = "Chooses the version of the protocol, and tells about the server",
            .group = "connection",
            .least = 1,
            .most = 7,
            .before_auth = true,
            .run = hello},
    Command{.name = "PING",
            .usage = "[message]",
            .summary = "Answers PONG, or with the message",
            .group = "connection",
            .least = 1,
            .most = 2,
            .run = ping},
    Command{.name = "QUIT",
            .summary = "Gives back all locks and closes the connection",
            .group = "connection",
            .before_auth = true,
            .run = quit},
    Command{.name = "RESET",
            .summary = "Gives back all locks and forgets name and password",
            .group = "connection",
            .before_auth = true,
            .run = reset},
    Command{.name = "SELECT",
            .usage = "0",
            .summary = "For clients that insist on choosing a database: there is one, 0",
            .group = "connection",
            .least = 2,
            .most = 2,
            .run = select},
};

}  // namespace

std::span<const Command> connection_commands() noexcept {
    return connection_table;
}

}  // namespace weir::resp
