#include "modules/resp/lock_options.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <string_view>

#include "config/text/quoted.h"
#include "modules/resp/command.h"
#include "modules/resp/session.h"

namespace weir::resp {

namespace {

// Reads "2" or "0.5"; returns nothing if it is not a number of seconds from 0 to 10 years.
std::optional<Duration> to_duration(std::string_view text) {
    double seconds = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), seconds);
    constexpr double longest = 10.0 * 365 * 24 * 3600;
    if (wrong != std::errc() || end != text.data() + text.size() || !std::isfinite(seconds) ||
        std::signbit(seconds) || seconds > longest) {
        return {};
    }
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

std::string unknown_lock_option(std::string_view word, std::string_view command,
                                OptionsTaken takes) {
    switch (takes) {
        case OptionsTaken::context:
            return resp::unknown_option("option", word, command, {"CONTEXT"});
        case OptionsTaken::context_and_mode:
            return resp::unknown_option("option", word, command, {"CONTEXT", "SHARED", "READ"});
        case OptionsTaken::all:
            break;
    }
    return resp::unknown_option("option", word, command, {"TIMEOUT", "CONTEXT", "SHARED", "READ"});
}

}  // namespace

std::optional<LockOptions> read_options(Session& session, const Request& request, std::size_t at,
                                        OptionsTaken takes) {
    LockOptions options;
    if (request[at - 1].empty()) {
        session.error("the key is empty");
        return {};
    }
    for (; at < request.size(); at += 2) {
        const bool is_shared = takes != OptionsTaken::context && same_word(request[at], "SHARED");
        const bool is_read = takes != OptionsTaken::context && same_word(request[at], "READ");
        if (is_shared || is_read) {
            options.shared = options.shared || is_shared;
            options.read = options.read || is_read;
            if (options.shared && options.read) {
                session.error("READ and SHARED exclude each other: SHARED is for semaphores");
                return {};
            }
            --at;  // it has no value
            continue;
        }
        const bool is_timeout = takes == OptionsTaken::all && same_word(request[at], "TIMEOUT");
        if (!is_timeout && !same_word(request[at], "CONTEXT")) {
            session.error(unknown_lock_option(request[at], request[0], takes));
            return {};
        }
        if (at + 1 == request.size()) {
            session.error("a value is missing after " + std::string(request[at]));
            return {};
        }
        if (!is_timeout && request[at + 1].empty()) {
            session.error("the context is empty");
            return {};
        }
        if (!is_timeout) {
            options.context = request[at + 1];
            options.context_given = true;
            continue;
        }
        options.timeout = to_duration(request[at + 1]);
        if (!options.timeout) {
            session.error("the timeout is not a number of seconds, as 2 or 0.5, but '" +
                          config::printable(request[at + 1]) + "'");
            return {};
        }
    }
    return options;
}

}  // namespace weir::resp
