// Commands that send and watch events as data. They translate; weir::EventExchange does the work.

#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <vector>

#include "config/text/quoted.h"
#include "modules/resp/command.h"
#include "modules/resp/protocol.h"
#include "modules/resp/session.h"
#include "modules/system/call/api_error.h"
#include "modules/system/event/event_exchange.h"

namespace weir::resp {

namespace {

// --- EVENTS

void events(Session& session, const Request& request) {
    const EventExchange& exchange = session.protocol().events();
    const Caller& client = *session.caller();
    try {
        session.reply().bulk(config::to_json(
            request.size() == 1 ? exchange.types(client) : exchange.type(client, request[1])));
    } catch (const ApiException& error) {
        session.refuse(error.error());
    }
}

// --- SEND

// Returns nothing for what is no number of seconds.
std::optional<Duration> to_seconds(std::string_view text) {
    constexpr double most = 10.0 * 365 * 86400;
    double seconds = -1;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, seconds);
    if (error != std::errc() || stop != end || !(seconds >= 0 && seconds <= most)) {
        return std::nullopt;
    }
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

Task<> send_event(Session& session, const Request& request) {
    PublishOptions options;
    if (request.size() == 4 || (request.size() == 5 && !same_word(request[3], "TIMEOUT"))) {
        session.error(request.size() == 4
                          ? "syntax error in SEND at '" + config::printable(request[3]) + "'"
                          : unknown_option("option", request[3], "SEND", {"TIMEOUT"}));
        co_return;
    }
    if (request.size() == 5) {
        options.timeout = to_seconds(request[4]);
        if (!options.timeout) {
            session.error("TIMEOUT of SEND is a number of seconds, found '" +
                          config::printable(request[4]) + "'");
            co_return;
        }
    }
    std::string type(request[1]);
    if (!co_await session.begin_waiting("room for " + type)) {
        co_return;
    }
    std::optional<ApiError> failure;
    try {
        Task<> sending = session.protocol().events().publish(*session.caller(), std::move(type),
                                                             std::string(request[2]), options);
        co_await sending;
    } catch (const ApiException& error) {
        failure = error.error();
    }
    session.end_waiting();
    if (failure) {
        session.refuse(*failure);
    } else {
        session.ok();
    }
}

// --- WATCH

// Types and values of all watches of a client: each is several times in memory.
constexpr std::size_t most_watched = 16 * 1024;

// Returns the name under which the client gets the events.
std::string name_of(const Request& request) {
    std::string name(request[1]);
    for (std::size_t i = 2; i < request.size(); ++i) {
        name.append(" ").append(request[i]);
    }
    return name;
}

void answer(Session& session, std::string_view kind, std::string_view name) {
    ReplyWriter& reply = session.reply();
    reply.array(3);
    reply.bulk(kind);
    reply.bulk(name);
    reply.integer(static_cast<std::int64_t>(session.watches().size()));
}

// Returns the values of indices; answers what is wrong.
std::optional<std::vector<IndexFilter>> filters_of(Session& session, const Request& request) {
    std::vector<IndexFilter> filters;
    for (std::size_t i = 2; i < request.size(); ++i) {
        const std::size_t equals = request[i].find('=');
        if (equals == std::string_view::npos) {
            session.error("WATCH expects INDEX=VALUE after the type, found '" +
                          config::printable(request[i]) + "'");
            return std::nullopt;
        }
        filters.push_back({std::string(request[i].substr(0, equals)),
                           std::string(request[i].substr(equals + 1))});
    }
    return filters;
}

void watch(Session& session, const Request& request) {
    if (session.in_exec()) {
        session.error("WATCH is not allowed between MULTI and EXEC");
        return;
    }
    const std::size_t most = session.protocol().settings().max_watches;
    std::string name = name_of(request);
    if (session.watches().has(name)) {
        answer(session, "watch", name);
        return;
    }
    if (session.watches().size() >= most) {
        session.error("the client has " + std::to_string(most) + " watches, which are max_watches");
        return;
    }
    if (session.watches().bytes() + name.size() > most_watched) {
        session.error("the watches of this client would have more than " +
                      std::to_string(most_watched) + " bytes");
        return;
    }
    const auto filters = filters_of(session, request);
    if (!filters) {
        return;
    }
    std::unique_ptr<EventWatch> made;
    try {
        made = session.protocol().events().watch(*session.caller(), request[1], *filters);
    } catch (const ApiException& error) {
        session.refuse(error.error());
        return;
    }
    session.watches().add({name, std::move(made)});
    answer(session, "watch", name);
}

void unwatch(Session& session, const Request& request) {
    const std::string name = request.size() == 1 ? std::string() : name_of(request);
    if (request.size() == 1) {
        session.watches().clear();
    } else if (!session.watches().remove(name)) {
        session.error("the client does not watch '" + config::printable(name) + "'");
        return;
    }
    answer(session, "unwatch", name);
}

constexpr std::array event_table{
    Command{.name = "EVENTS",
            .usage = "[type]",
            .summary = "Describes the event types that may be sent and watched, as JSON",
            .group = "events",
            .least = 1,
            .most = 2,
            .needs = Needs::checked_by_the_command(),
            .items = [](const Session&, const Request&) { return LongWork::per_round; },
            .run = events},
    Command{.name = "SEND",
            .usage = "type json [TIMEOUT seconds]",
            .summary = "Sends an event; waits for room in its queue, 10 seconds unless TIMEOUT is "
                       "given",
            .group = "events",
            .least = 3,
            .most = 5,
            .needs = Needs::checked_by_the_command(),
            .run_long = send_event},
    Command{.name = "UNWATCH",
            .usage = "[type [index=value ...]]",
            .summary = "Ends a watch, as WATCH named it, or all",
            .group = "events",
            .least = 1,
            .most = any_number,
            .needs = Needs::nothing(),
            .run = unwatch},
    Command{.name = "WATCH",
            .usage = "type [index=value ...]",
            .summary = "Sends the client a message for each event of the type with these values",
            .group = "events",
            .least = 2,
            .most = any_number,
            .needs = Needs::checked_by_the_command(),
            .run = watch},
};
static_assert(all_say_what_they_need(event_table));

}  // namespace

std::span<const Command> event_commands() noexcept {
    return event_table;
}

}  // namespace weir::resp
