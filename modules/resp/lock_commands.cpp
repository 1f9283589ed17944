// Commands for locks and semaphores.

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "config/text/quoted.h"
#include "modules/lock/errors.h"
#include "modules/lock/fencing.h"
#include "modules/lock/key.h"
#include "modules/lock/listing_size.h"
#include "modules/lock/semaphore.h"
#include "modules/lock/session.h"
#include "modules/lock/table.h"
#include "modules/resp/command.h"
#include "modules/resp/lock_options.h"
#include "modules/resp/protocol.h"
#include "modules/resp/session.h"
#include "modules/system/call/caller.h"
#include "modules/system/call/client_name.h"

namespace weir::resp {

namespace {

// Answers with the exception that is being handled.
void answer_failure(Session& session) {
    try {
        throw;
    } catch (const DeadlockError& error) {
        session.reply().error("DEADLOCK", error.what());
    } catch (const NotExclusive& error) {
        session.reply().error("SEMAPHORE",
                              std::string(error.what()) + " (add SHARED to take one of its slots)");
    } catch (const NoSemaphore& error) {
        session.reply().error(
            "SEMAPHORE", std::string(error.what()) + " (leave SHARED out, or SEMAPHORE CREATE it)");
    } catch (const UpgradeRefused& error) {
        session.reply().error("UPGRADE", error.what());
    } catch (const LocksInUse& error) {
        session.reply().error("INUSE", error.what());
    } catch (const LockLost& error) {
        session.reply().error("LOCKLOST", error.what());
    } catch (const LockBackendUnavailable& error) {
        session.reply().error("UNAVAILABLE", error.what());
    } catch (const std::exception& error) {
        session.error(error.what());
    }
}

// Whether the client may do that with the lock; answers why not.
bool allowed(Session& session, std::string_view function, std::string_view key,
             const std::string& context) {
    const auto error = session.caller()->refusal({"lock", function}, {context, key});
    if (error) {
        session.refuse(*error);
    }
    return !error;
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
                  " locks already, as many as are allowed (max_locks)");
    return false;
}

Task<> take(Session& session, const Request& request, LockOptions options) {
    if (!may_hold_one_more(session)) {
        co_return;
    }
    try {
        auto acquiring = session.locks().acquire(IndexValue(request[1]), options.context,
                                                 options.timeout, options.mode());
        if (acquiring.await_ready()) {
            answer_token(session, acquiring.await_resume());
            co_return;
        }
        if (!co_await session.begin_waiting("lock " + config::printable(request[1]))) {
            co_return;
        }
        answer_token(session, co_await acquiring);
    } catch (const QuitException&) {
        throw;
    } catch (...) {
        answer_failure(session);
    }
    session.end_waiting();
}

Task<> nothing() {
    co_return;
}

// No coroutine: take() is the only frame that each LOCK needs.
Task<> lock(Session& session, const Request& request) {
    std::optional<LockOptions> options = read_options(session, request, 2, OptionsTaken::all);
    if (!options || !allowed(session, "acquire", request[1], options->context)) {
        return nothing();
    }
    return take(session, request, *std::move(options));
}

Task<> try_lock(Session& session, const Request& request) {
    std::optional<LockOptions> options =
        read_options(session, request, 2, OptionsTaken::context_and_mode);
    if (!options || !allowed(session, "try", request[1], options->context)) {
        co_return;
    }
    const LockTable* const table = LockTable::find(session.scheduler());
    if (table != nullptr && table->backend() != nullptr) {
        options->timeout = Duration::zero();  // waits for the servers, and for no other holder
        co_await take(session, request, *options);
        co_return;
    }
    if (!may_hold_one_more(session)) {
        co_return;
    }
    try {
        answer_token(session, session.locks().try_acquire(IndexValue(request[1]), options->context,
                                                          options->mode()));
    } catch (...) {
        answer_failure(session);
    }
}

void unlock(Session& session, const Request& request) {
    if (const auto options = read_options(session, request, 2, OptionsTaken::context)) {
        try {
            const bool held = session.locks().release(IndexValue(request[1]), options->context);
            session.reply().integer(held ? 1 : 0);
        } catch (...) {
            answer_failure(session);
        }
    }
}

// A client that is told so gives up in time, although this process does not answer any more.
void validity(Session& session, const Request& request) {
    const std::optional<LockOptions> options =
        read_options(session, request, 2, OptionsTaken::context);
    if (!options || !allowed(session, "acquire", request[1], options->context)) {
        return;
    }
    const Duration left = session.locks().confirmed_for(IndexValue(request[1]), options->context);
    if (left == Duration::max()) {
        session.reply().nil();
    } else {
        session.reply().integer(
            std::chrono::duration_cast<std::chrono::milliseconds>(left).count());
    }
}

// --- BREAK

void break_lock(Session& session, const Request& request) {
    const std::optional<LockOptions> options =
        read_options(session, request, 2, OptionsTaken::context);
    if (!options || !allowed(session, "break", request[1], options->context)) {
        return;
    }
    const std::string& user = session.caller()->user();
    const std::string by =
        session.locks().name() + (user.empty() ? "" : " as user '" + user + "'") + " has broken it";
    try {
        session.reply().integer(static_cast<std::int64_t>(
            LockTable::of(session.scheduler())
                .break_locks(options->context, IndexValue(request[1]), std::nullopt, by)));
    } catch (...) {
        answer_failure(session);
    }
}

// --- LOCKS and WAITERS

std::string seconds(Duration duration) {
    const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(duration);
    const std::string fraction = std::to_string(milliseconds.count() % 1000 + 1000);
    return std::to_string(milliseconds.count() / 1000) + "." + fraction.substr(1);
}

void write_use(ReplyWriter& reply, const LockOwner& owner, const LockContext& context,
               Duration since, bool reads, const char* number, std::uint64_t value) {
    reply.map(5);
    reply.bulk("owner");
    reply.bulk(owner.describe());
    reply.bulk("context");
    reply.bulk(context.name());
    reply.bulk("seconds");
    reply.bulk(seconds(since));
    reply.bulk("reads");
    reply.integer(reads ? 1 : 0);
    reply.bulk(number);
    reply.integer(static_cast<std::int64_t>(value));
}

void write_semaphore(ReplyWriter& reply, const SemaphoreRecord* semaphore, Time now) {
    if (semaphore == nullptr) {
        reply.nil();
        return;
    }
    reply.map(2);
    reply.bulk("made_by");
    reply.bulk(semaphore->made_by);
    reply.bulk("seconds");
    reply.bulk(seconds(now - semaphore->made));
}

void write_keys(Session& session, const std::vector<const LockKey*>& keys) {
    const Time now = session.scheduler().now();
    ReplyWriter& reply = session.reply();
    reply.array(keys.size());
    for (const LockKey* key : keys) {
        reply.map(6);
        reply.bulk("key");
        reply.bulk(key_text(key->key()));
        reply.bulk("context");
        reply.bulk(key->context() == nullptr ? "" : key->context()->name());
        reply.bulk("size");
        reply.integer(static_cast<std::int64_t>(key->size()));
        reply.bulk("semaphore");
        write_semaphore(reply, key->semaphore(), now);
        reply.bulk("holders");
        reply.array(key->holding());
        for (const LockEvent& holder : key->holders()) {
            write_use(reply, holder.owner, *holder.group, now - holder.since, holder.reads, "token",
                      holder.token);
        }
        reply.bulk("waiters");
        reply.integer(static_cast<std::int64_t>(key->waiting()));
    }
}

void add_holders(ListingSize& size, const LockKey& key) {
    for (const LockEvent& holder : key.holders()) {
        if (size.too_large()) {
            return;
        }
        size.add(holder.owner.describe());
        size.add(holder.group->name());
    }
}

// For listings, which look at all keys that there are.
std::size_t all_keys(const Session& session, const Request& /*request*/) {
    const LockTable* const table = LockTable::find(session.scheduler());
    return table == nullptr ? 0 : table->holding() + table->waiting() + table->semaphores();
}

// Lists the keys that match. If the pattern is too long, or too many match, answers that.
void list_keys(Session& session, std::string_view pattern, bool only_semaphores) {
    const LockTable* const table = LockTable::find(session.scheduler());
    if (table == nullptr) {
        session.reply().array(0);
        return;
    }
    std::vector<const LockKey*> keys;
    ListingSize size;
    try {
        keys = table->find(
            KeyPattern(std::string(pattern)), ListingSize::most_keys, [&](const LockKey& key) {
                if (size.too_large() || (only_semaphores && key.semaphore() == nullptr)) {
                    return false;
                }
                // Without contexts, keys are listed with an empty one.
                const std::string context = key.context() == nullptr ? "" : key.context()->name();
                const std::string text = key_text(key.key());
                if (!session.caller()->may({"lock", "list", true}, {context, text})) {
                    return false;
                }
                size.add(context);
                size.add(text);
                add_holders(size, key);
                return true;
            });
    } catch (const std::invalid_argument& error) {
        session.error(error.what());
        return;
    }
    if (keys.size() > ListingSize::most_keys) {
        session.error("more than " + std::to_string(ListingSize::most_keys) +
                      " keys match, which are not listed: give a narrower pattern");
        return;
    }
    if (size.too_large()) {
        session.error(ListingSize::refusal);
        return;
    }
    write_keys(session, keys);
}

void locks(Session& session, const Request& request) {
    list_keys(session, request.size() > 1 ? request[1] : "*", false);
}

// For a listing of the waiters of a key.
std::size_t all_waiters(const Session& session, const Request& /*request*/) {
    const LockTable* const table = LockTable::find(session.scheduler());
    return table == nullptr ? 0 : table->waiting();
}

bool allowed_to_list(Session& session, std::string_view key, const std::string& context) {
    const auto error = session.caller()->refusal({"lock", "list", true}, {context, key});
    if (error) {
        session.refuse(*error);
    }
    return !error;
}

void waiters(Session& session, const Request& request) {
    const std::optional<LockOptions> options =
        read_options(session, request, 2, OptionsTaken::context);
    if (!options || !allowed_to_list(session, request[1], options->context)) {
        return;
    }
    std::vector<std::pair<const LockRequest*, std::size_t>> waits;  // with their positions
    ListingSize size;
    const auto too_many = [&] { return size.too_large() || waits.size() > ListingSize::most_keys; };
    if (const LockTable* table = LockTable::find(session.scheduler())) {
        const std::string* const context = options->context_given ? &options->context : nullptr;
        for (const LockKey* key : table->find(IndexValue(request[1]), context)) {
            std::size_t position = key->waiting() == 0 ? 0 : key->waiters().front().ahead();
            for (const LockRequest& wait : key->waiters()) {
                ++position;
                if (!too_many() &&
                    (context == nullptr || wait.state().context->name() == *context)) {
                    waits.emplace_back(&wait, position);
                    size.add(wait.owner().describe());
                    size.add(wait.state().context->name());
                }
            }
        }
    }
    if (too_many()) {
        session.error(
            "there are more than " + std::to_string(ListingSize::most_keys) +
            " waiters, or their names have more than 1 MiB, which are not listed: CALL lock list "
            "with \"most\" lists the first");
        return;
    }
    const Time now = session.scheduler().now();
    session.reply().array(waits.size());
    for (const auto& [wait, position] : waits) {
        write_use(session.reply(), wait->owner(), *wait->state().context, now - wait->since(),
                  wait->state().reads, "position", position);
    }
}

// --- SEMAPHORE

std::optional<std::size_t> read_size(Session& session, std::string_view text) {
    std::size_t size = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), size);
    if (wrong != std::errc() || end != text.data() + text.size() || size == 0 ||
        size > LockTable::largest_semaphore) {
        session.error("the size is not a number from 1 to " +
                      std::to_string(LockTable::largest_semaphore) + ", but '" +
                      config::printable(text) + "'");
        return {};
    }
    return size;
}

Task<> destroy(Session& session, const Request& request) {
    const std::optional<LockOptions> options =
        read_options(session, request, 3, OptionsTaken::context);
    if (!options || !allowed(session, "destroy_semaphore", request[2], options->context)) {
        co_return;
    }
    try {
        co_await destroy_semaphore(session.scheduler(), IndexValue(request[2]), options->context);
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
    if (request[2].empty()) {
        session.error("the key is empty");
        return;
    }
    const std::optional<LockOptions> options =
        read_options(session, request, 4, OptionsTaken::context);
    if (!options || !allowed(session, creates ? "create_semaphore" : "resize_semaphore", request[2],
                             options->context)) {
        return;
    }
    try {
        LockTable& table = LockTable::of(session.scheduler());
        if (creates) {
            table.create_semaphore_of_client(options->context, IndexValue(request[2]), *size,
                                             session.locks().name(),
                                             client_name(*session.caller()));
        } else {
            table.resize_semaphore(options->context, IndexValue(request[2]), *size);
        }
        session.ok();
    } catch (...) {
        answer_failure(session);
    }
}

Task<> semaphore(Session& session, const Request& request) {
    if (request.size() == 2 && !same_word(request[1], "LIST")) {
        session.error(wrong_arity(*find_command(request[0])));
    } else if (same_word(request[1], "DESTROY")) {
        co_await destroy(session, request);
    } else if (same_word(request[1], "CREATE") || same_word(request[1], "RESIZE")) {
        create_or_resize(session, request, same_word(request[1], "CREATE"));
    } else if (same_word(request[1], "LIST") && request.size() <= 3) {
        const bool may_list = co_await session.begin_long(all_keys(session, request));
        if (may_list) {
            list_keys(session, request.size() == 3 ? request[2] : "*", true);
        }
    } else {
        session.error(resp::unknown_option("subcommand", request[1], "SEMAPHORE",
                                           {"CREATE", "RESIZE", "DESTROY", "LIST"}));
    }
}

constexpr std::array lock_table{
    Command{.name = "BREAK",
            .usage = "key [CONTEXT context]",
            .summary = "Takes the lock away from its holders, who are told that it is lost; "
                       "answers with how many there were",
            .group = "lock",
            .least = 2,
            .most = 4,
            .needs = {"lock", "break"},
            .run = break_lock},
    Command{.name = "LOCK",
            .usage = "key [TIMEOUT seconds] [CONTEXT context] [SHARED | READ]",
            .summary = "Waits until the client holds the lock; answers with the fencing token, or "
                       "nil if the timeout expired before",
            .group = "lock",
            .least = 2,
            .most = 7,
            .needs = {"lock", "acquire"},
            .run_long = lock},
    Command{.name = "LOCKS",
            .usage = "[pattern]",
            .summary = "Lists the keys that are held, waited for or have a semaphore",
            .group = "lock",
            .least = 1,
            .most = 2,
            .needs = {"lock", "list", true},
            .items = all_keys,
            .run = locks},
    Command{.name = "SEMAPHORE",
            .usage = "CREATE key size [CONTEXT context] | RESIZE key size [CONTEXT context] | "
                     "DESTROY key [CONTEXT context] | LIST [pattern]",
            .summary = "Makes semaphores, whose slots clients hold by LOCK key SHARED",
            .group = "lock",
            .least = 2,
            .most = 6,
            .needs = Needs::checked_by_the_command(),
            .run_long = semaphore},
    Command{
        .name = "TRYLOCK",
        .usage = "key [CONTEXT context] [SHARED | READ]",
        .summary = "Takes the lock if that needs no wait; answers with the fencing token or nil",
        .group = "lock",
        .least = 2,
        .most = 5,
        .needs = {"lock", "try"},
        .run_long = try_lock},
    Command{.name = "UNLOCK",
            .usage = "key [CONTEXT context]",
            .summary = "Gives the lock back; answers 1, or 0 if the client did not hold it",
            .group = "lock",
            .least = 2,
            .most = 4,
            .needs = {"lock", "release"},
            .run = unlock},
    Command{.name = "VALIDITY",
            .usage = "key [CONTEXT context]",
            .summary = "Tells for how many milliseconds the client certainly holds the lock, if "
                       "other servers decide about locks, 0 if it does not hold it; nil if none do",
            .group = "lock",
            .least = 2,
            .most = 4,
            .needs = {"lock", "acquire"},
            .run = validity},
    Command{.name = "WAITERS",
            .usage = "key [CONTEXT context]",
            .summary = "Lists the waiters for the key, the next one first",
            .group = "lock",
            .least = 2,
            .most = 4,
            .needs = {"lock", "list", true},
            .items = all_waiters,
            .run = waiters},
};
static_assert(all_say_what_they_need(lock_table));

}  // namespace

std::span<const Command> lock_commands() noexcept {
    return lock_table;
}

}  // namespace weir::resp
