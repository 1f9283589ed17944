// Commands for locks and semaphores.

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <optional>
#include <string>

#include "config/text/quoted.h"
#include "modules/lock/errors.h"
#include "modules/lock/fencing.h"
#include "modules/lock/semaphore.h"
#include "modules/lock/session.h"
#include "modules/lock/table.h"
#include "modules/resp/command.h"
#include "modules/resp/protocol.h"
#include "modules/resp/session.h"

namespace weir::resp {

namespace {

// More lines no listing has: it would be gone through in one go, and be in memory at once.
constexpr std::size_t longest_listing = 10'000;

// What may follow a key.
struct Options {
    std::string context = "default";
    std::optional<Duration> timeout;
};

// "2", "0.5"; nothing if it is no number of seconds from 0 to 10 years.
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

// The options from the argument `at` on; if they are wrong, answers why and gives nothing.
std::optional<Options> read_options(Session& session, const Request& request, std::size_t at,
                                    bool takes_timeout) {
    Options options;
    const std::string_view command = request[0];
    for (; at < request.size(); at += 2) {
        const bool is_timeout = takes_timeout && same_word(request[at], "TIMEOUT");
        if (!is_timeout && !same_word(request[at], "CONTEXT")) {
            session.error(
                takes_timeout
                    ? unknown_option("option", request[at], command, {"TIMEOUT", "CONTEXT"})
                    : unknown_option("option", request[at], command, {"CONTEXT"}));
            return {};
        }
        if (at + 1 == request.size()) {
            session.error("a value is missing after " + std::string(request[at]));
            return {};
        }
        if (!is_timeout) {
            options.context = request[at + 1];
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

// Answers with the exception that is being handled.
void answer_failure(Session& session) {
    try {
        throw;
    } catch (const DeadlockError& error) {
        session.reply().error("DEADLOCK", error.what());
    } catch (const std::exception& error) {
        session.error(error.what());
    }
}

void answer_token(Session& session, std::optional<std::uint64_t> token) {
    if (token) {
        session.reply().integer(static_cast<std::int64_t>(*token));
    } else {
        session.reply().nil();
    }
}

bool may_hold_one_more(Session& session) {
    const std::size_t limit = session.protocol().settings().max_locks;
    if (session.locks().held() < limit) {
        return true;
    }
    session.error("this client holds " + std::to_string(limit) +
                  " locks already, as many as are allowed");
    return false;
}

// Whether there was an answer without waiting: granted, or wrong.
bool lock_at_once(Session& session, const IndexValue& key, const Options& options) {
    if (!may_hold_one_more(session)) {
        return true;
    }
    try {
        if (const auto token = session.locks().try_acquire(key, options.context)) {
            answer_token(session, token);
            return true;
        }
    } catch (...) {
        answer_failure(session);
        return true;
    }
    return false;
}

Task<> lock(Session& session, const Request& request) {
    const std::optional<Options> options = read_options(session, request, 2, true);
    if (!options) {
        co_return;
    }
    const IndexValue key(request[1]);
    if (lock_at_once(session, key, *options)) {
        co_return;
    }
    const bool connected = co_await session.begin_waiting("lock " + config::printable(request[1]));
    if (!connected) {
        co_return;
    }
    try {
        Task<std::optional<std::uint64_t>> acquiring =
            session.locks().acquire(key, options->context, options->timeout);
        const std::optional<std::uint64_t> token = co_await acquiring;
        answer_token(session, token);
    } catch (const QuitException&) {
        throw;
    } catch (...) {
        answer_failure(session);
    }
    session.end_waiting();
}

void try_lock(Session& session, const Request& request) {
    const std::optional<Options> options = read_options(session, request, 2, false);
    if (options && !lock_at_once(session, IndexValue(request[1]), *options)) {
        session.reply().nil();
    }
}

void unlock(Session& session, const Request& request) {
    if (const auto options = read_options(session, request, 2, false)) {
        const bool held = session.locks().release(IndexValue(request[1]), options->context);
        session.reply().integer(held ? 1 : 0);
    }
}

// --- SEMAPHORE

std::optional<std::size_t> read_size(Session& session, std::string_view text) {
    std::size_t size = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (wrong != std::errc() || end != text.data() + text.size() || size == 0) {
        session.error("the size is not a number from 1 on, but '" + config::printable(text) + "'");
        return {};
    }
    return size;
}

Task<> destroy(Session& session, const Request& request) {
    const std::optional<Options> options = read_options(session, request, 3, false);
    if (!options) {
        co_return;
    }
    try {
        Task<> destroying =
            destroy_semaphore(session.scheduler(), IndexValue(request[2]), options->context);
        co_await destroying;
        session.ok();
    } catch (const QuitException&) {
        throw;
    } catch (...) {
        answer_failure(session);
    }
}

void create_or_resize(Session& session, const Request& request, bool creates) {
    if (request.size() < 4) {
        session.error("a size is missing");
        return;
    }
    const std::optional<std::size_t> size = read_size(session, request[3]);
    if (!size) {
        return;
    }
    const std::optional<Options> options = read_options(session, request, 4, false);
    if (!options) {
        return;
    }
    try {
        if (creates) {
            Semaphore(session.scheduler(), IndexValue(request[2]), *size, options->context)
                .create();
        } else {
            LockTable::of(session.scheduler())
                .resize_semaphore(options->context, IndexValue(request[2]), *size);
        }
        session.ok();
    } catch (...) {
        answer_failure(session);
    }
}

Task<> semaphore(Session& session, const Request& request) {
    if (same_word(request[1], "DESTROY")) {
        co_await destroy(session, request);
    } else if (same_word(request[1], "CREATE") || same_word(request[1], "RESIZE")) {
        create_or_resize(session, request, same_word(request[1], "CREATE"));
    } else {
        session.error(
            unknown_option("subcommand", request[1], "SEMAPHORE", {"CREATE", "RESIZE", "DESTROY"}));
    }
}

// --- LOCKS and WAITERS

std::string seconds(Duration duration) {
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(duration);
    const std::string fraction = std::to_string(milliseconds.count() % 1000 + 1000);
    return std::to_string(milliseconds.count() / 1000) + "." + fraction.substr(1);
}

void write_uses(ReplyWriter& reply, const std::vector<LockUse>& uses, bool hold) {
    reply.array(uses.size());
    for (const LockUse& use : uses) {
        reply.map(hold ? 4 : 3);
        reply.bulk("owner");
        reply.bulk(use.owner);
        reply.bulk("context");
        reply.bulk(use.context);
        reply.bulk("seconds");
        reply.bulk(seconds(use.since));
        if (hold) {
            reply.bulk("token");
            reply.integer(static_cast<std::int64_t>(use.token));
        }
    }
}

void locks(Session& session, const Request& request) {
    const KeyPattern pattern(request.size() > 1 ? std::string(request[1]) : "*");
    const LockTable* table = LockTable::find(session.scheduler());
    const std::vector<LockListing> listings =
        table == nullptr ? std::vector<LockListing>() : table->list(pattern);
    if (listings.size() > longest_listing) {
        session.error(std::to_string(listings.size()) + " keys are in use, more than " +
                      std::to_string(longest_listing) + " are not listed: give a pattern");
        return;
    }
    ReplyWriter& reply = session.reply();
    reply.array(listings.size());
    for (const LockListing& listing : listings) {
        reply.map(5);
        reply.bulk("key");
        reply.bulk(listing.key);
        reply.bulk("context");
        reply.bulk(listing.context);
        reply.bulk("size");
        reply.integer(static_cast<std::int64_t>(listing.size));
        reply.bulk("holders");
        write_uses(reply, listing.holders, true);
        reply.bulk("waiters");
        reply.integer(static_cast<std::int64_t>(listing.waiters.size()));
    }
}

// The pattern that only this key matches.
KeyPattern exactly(std::string_view key) {
    std::string text;
    for (const char c : key) {
        if (c == '*' || c == '?' || c == '\\') {
            text += '\\';
        }
        text += c;
    }
    return KeyPattern(std::move(text));
}

void waiters(Session& session, const Request& request) {
    const std::optional<Options> options = read_options(session, request, 2, false);
    if (!options) {
        return;
    }
    const bool all_contexts = request.size() == 2;
    std::vector<LockUse> waiting;
    if (const LockTable* table = LockTable::find(session.scheduler())) {
        for (LockListing& listing : table->list(exactly(request[1]))) {
            std::ranges::copy_if(listing.waiters, std::back_inserter(waiting),
                                 [&](const LockUse& use) {
                                     return all_contexts || use.context == options->context;
                                 });
        }
    }
    write_uses(session.reply(), waiting, false);
}

constexpr std::array lock_table{
    Command{.name = "LOCK",
            .usage = "key [TIMEOUT seconds] [CONTEXT context]",
            .summary = "Waits until the client holds the lock; answers with the fencing token, or "
                       "nil if the time was over before",
            .group = "lock",
            .least = 2,
            .most = 6,
            .run_long = lock},
    Command{.name = "LOCKS",
            .usage = "[pattern]",
            .summary = "Lists the keys that are held or waited for",
            .group = "lock",
            .least = 1,
            .most = 2,
            .run = locks},
    Command{.name = "SEMAPHORE",
            .usage = "CREATE key size | RESIZE key size | DESTROY key [CONTEXT context]",
            .summary = "Lets several clients hold a lock at a time",
            .group = "lock",
            .least = 3,
            .most = 6,
            .run_long = semaphore},
    Command{.name = "TRYLOCK",
            .usage = "key [CONTEXT context]",
            .summary = "Takes the lock if that is possible at once; answers with the fencing token "
                       "or nil",
            .group = "lock",
            .least = 2,
            .most = 4,
            .run = try_lock},
    Command{.name = "UNLOCK",
            .usage = "key [CONTEXT context]",
            .summary = "Gives the lock back; answers 1, or 0 if the client did not hold it",
            .group = "lock",
            .least = 2,
            .most = 4,
            .run = unlock},
    Command{.name = "WAITERS",
            .usage = "key [CONTEXT context]",
            .summary = "Lists who waits for the key, the next one first",
            .group = "lock",
            .least = 2,
            .most = 4,
            .run = waiters},
};

}  // namespace

std::span<const Command> lock_commands() noexcept {
    return lock_table;
}

}  // namespace weir::resp
