#include "modules/lock/plugin/module.h"

#include <algorithm>
#include <exception>
#include <sstream>
#include <stdexcept>
#include <string>

#include "config/document/value.h"
#include "config/settings/changes.h"
#include "core/simulation/failpoint.h"
#include "core/wait/run_in_scheduler.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/lock/errors.h"
#include "modules/lock/events.h"
#include "modules/lock/listing_size.h"
#include "modules/lock/plugin/backend.h"
#include "modules/lock/plugin/json.h"
#include "modules/lock/plugin/lock_changes.h"
#include "modules/lock/program_tokens.h"
#include "modules/lock/semaphore.h"
#include "modules/lock/table.h"
#include "modules/system/call/client_name.h"
#include "modules/system/call/json.h"
#include "modules/system/call/long_turn.h"
#include "modules/system/module/plugin.h"

namespace weir {

namespace {

using std::chrono::milliseconds;

// Throws the exception that is being handled anew, with a code for programs.
[[noreturn]] void refuse() {
    try {
        throw;
    } catch (const LockError& error) {
        throw ApiException(error.code(), error.what());
    }
}

LockMode mode_of(bool shared, bool read) {
    if (shared && read) {
        throw ApiException(ApiError::bad_parameter,
                           "read: a lock to read is no slot of a semaphore (shared)");
    }
    return shared ? LockMode::shared : read ? LockMode::read : LockMode::exclusive;
}

}  // namespace

ModuleDeclaration<LockModule> LockModule::declare() {
    return declare_module<LockModule>("lock", "Gives out locks and semaphores")
        .single("all locks of a server are in one table")
        .event<LockEvent>()
        .event<LockLostEvent>()
        .event<LockChanged>()
        .makes_queue<LockEvent>("lock", "one slot for each key; its priority is a setting")
        .hands_over<LockHandover>(&LockModule::hand_over, &LockModule::take_over,
                                  CallsUnderWay::go_on)
        .function("open_session", &LockModule::open_session)
        .function("renew_session", &LockModule::renew_session)
        .function("close_session", "Gives back all locks of the session, and ends its waits",
                  &LockModule::close_session)
        .function("sessions", &LockModule::sessions)
        .function("acquire", &LockModule::acquire)
        .function("try", &LockModule::try_acquire)
        .function(
            "position",
            "Returns the position of the session's wait for the lock: 1 is the next one, 0 it "
            "does not wait; with a backend, a lower limit",
            &LockModule::position)
        .function("release", "Gives the lock back; returns whether the session held it",
                  &LockModule::release)
        .function("break", &LockModule::break_locks)
        .function("list", &LockModule::list)
        .function("deadlocks", "Lists owners that wait for each other in a circle, and their locks",
                  &LockModule::deadlocks)
        .function("statistics", "Counts locks that were taken, and how long that took",
                  &LockModule::statistics)
        .function("create_semaphore", &LockModule::create_semaphore)
        .function("resize_semaphore", &LockModule::resize_semaphore)
        .function("semaphores", "Lists the semaphores that were created, and by whom",
                  &LockModule::semaphores)
        .function("destroy_semaphore", &LockModule::destroy_semaphore)
        .counter("acquired", "Locks and slots of semaphores that were taken",
                 &LockModule::add_by_context<&LockStatistics::acquired>)
        .counter("contended", "Locks and slots that were waited for",
                 &LockModule::add_by_context<&LockStatistics::contended>)
        .counter("refused", "Waits that a limit did not allow",
                 &LockModule::add_by_context<&LockStatistics::refused>)
        .counter("timed_out", "Waits that ended without the lock, when their time was over",
                 &LockModule::add_by_context<&LockStatistics::timed_out>)
        .counter("failed", "Waits that ended by a deadlock, or because the locks were removed",
                 &LockModule::add_by_context<&LockStatistics::failed>)
        .counter("lost", "Locks that were taken away from their holders",
                 &LockModule::add_by_context<&LockStatistics::lost>)
        .histogram("wait", "Time from asking for a lock until it was there",
                   &LockModule::add_by_context<&LockStatistics::wait_time>)
        .histogram("hold", "Time for which locks were held",
                   &LockModule::add_by_context<&LockStatistics::hold_time>)
        .gauge("held", "Locks and slots that are held", &LockModule::in_table<&LockTable::holding>)
        .gauge("waiting", "Requests that wait for a lock",
               &LockModule::in_table<&LockTable::waiting>)
        .gauge("semaphores", "Semaphores that exist", &LockModule::in_table<&LockTable::semaphores>)
        .reads({"sessions", "position", "list", "deadlocks", "statistics", "semaphores"})
        .rights({"sessions_of_others"})
        .needs_unloading_for_fixed_settings();
}

// --- metrics

template <auto Member>
void LockModule::add_by_context(MetricFamily& values) const {
    const LockTable* const table = LockTable::find(scheduler());
    if (table == nullptr) {
        return;
    }
    for (const auto& [context, statistics] : table->statistics_by_context()) {
        values.add(statistics.*Member, {{"context", context}});
    }
    values.add(table->statistics_of_others().*Member, {{"context", "(others)"}});
}

template <auto Count>
std::size_t LockModule::in_table() const {
    const LockTable* const table = LockTable::find(scheduler());
    return table == nullptr ? 0 : (table->*Count)();
}

// --- loading and unloading

Task<> LockModule::load() {
    if (replaces()) {
        co_return;  // the lock queue exists already
    }
    std::unique_ptr<LockBackend> backend;
    if (settings().backend) {
        Task<std::unique_ptr<LockBackend>> making = make_backend();
        backend = co_await making;
    }
    // Made by the library, which stays when this plugin is reloaded.
    add_lock_queue(scheduler(), settings().to_lock_settings(),
                   program_tokens(scheduler(), backend == nullptr ? settings().state_dir : ""));
    LockTable::of(scheduler()).set_backend(std::move(backend));
    co_return;
}

Task<std::unique_ptr<LockBackend>> LockModule::make_backend() {
    return weir::make_backend({scheduler(), name(), settings().state_dir}, *settings().backend);
}

void LockModule::begin() {
    start(keep_expiring_sessions(), {.name = "lock.expire_sessions", .daemon = true});
    expire_semaphores();
    end_holds();
    tell_changes();
}

// The calls that still wait here keep the sessions that they use. The others may be closed in the
// new version before these calls end.
void LockModule::retire() {
    ModuleOf::retire();
    looks_.clear();
    sessions_.clear();
}

Task<> LockModule::unload() {
    if (handed_over_) {
        co_return;
    }
    const std::unique_ptr<LockBackend> backend = co_await detach_lock_queue(scheduler(), true);
    commit_unload();
    open_by_opener_.clear();
    looks_.clear();
    for (const auto& [id, lease] : std::exchange(sessions_, {})) {
        lease->locks().close();
    }
    if (backend != nullptr) {
        co_await backend->close();
    }
}

std::vector<std::string> LockModule::in_use() const {
    const LockTable* table = handed_over_ ? nullptr : LockTable::find(scheduler());
    std::vector<std::string> uses;
    if (table != nullptr) {
        for (const LockListing& listing : table->list_used()) {
            uses.push_back(weir::describe({listing}));
        }
    }
    return uses;
}

namespace {

// Returns the names of the settings of which the lines of the two texts differ.
std::string changed_settings(const std::string& before, const std::string& after) {
    std::istringstream old_lines(before);
    std::istringstream new_lines(after);
    std::string names;
    std::string old_line;
    std::string new_line;
    while (std::getline(old_lines, old_line) && std::getline(new_lines, new_line)) {
        if (old_line != new_line) {
            names += (names.empty() ? "" : ", ") + new_line.substr(0, new_line.find('='));
        }
    }
    return names;
}

}  // namespace

LockHandover LockModule::hand_over() {
    handed_over_ = true;
    return {settings_text(), sessions_};
}

void LockModule::take_over(LockHandover& state) {
    if (state.settings != settings_text()) {
        throw std::runtime_error(
            "fixed settings have changed (" + changed_settings(state.settings, settings_text()) +
            "), on which the locks that are held depend; they take effect when the module is "
            "unloaded, which ends all locks, and loaded again");
    }
    sessions_ = std::move(state.sessions);
    open_by_opener_.clear();
    looks_.clear();
    for (const auto& [id, lease] : sessions_) {
        ++open_by_opener_[lease->opener()];
        looks_.emplace(lease->next_look(), lease.get());
    }
    handed_over_ = false;
}

std::string LockModule::settings_text() const {
    std::string text;
    const config::Description& description = config::description_of<LockModuleSettings>();
    for (const config::Setting& setting : description.settings()) {
        const config::Value value = setting.type->to_json(setting.value_in(&settings()));
        text += setting.name + '=' + config::to_json(value) + '\n';
    }
    return text;
}

void LockModule::settings_changed(const LockModuleSettings& before) {
    for (const config::Change& change : config::changes(before, settings())) {
        log().info("module.lock.{}", config::to_text(change));
    }
    LockTable::of(scheduler()).change_settings(settings().to_lock_settings());
    expire_semaphores();
    end_holds();
    tell_changes();
}

// --- locks

void LockModule::require(const Caller& caller, std::string_view function,
                         const std::string& context, const std::string& key) const {
    caller.require({name(), function}, {context, key});
}

Task<LockModule::Token> LockModule::acquire(lock_api::Acquire parameters, const Caller& caller) {
    require(caller, "acquire", parameters.context, parameters.key);
    const Ref<LockLease> lease(&session(parameters.session, caller));
    const LockLease::Use use(*lease);
    const LockMode mode = mode_of(parameters.shared, parameters.read);
    std::optional<Duration> timeout;
    if (parameters.timeout) {
        timeout = *parameters.timeout;
    }
    try {
        const Token token = co_await lease->locks().acquire(IndexValue(parameters.key),
                                                            parameters.context, timeout, mode);
        if (token && failpoint(*this, "lock.late-answer", 0.2)) {
            co_await sleep(milliseconds(50));  // the caller may give up meanwhile
        }
        co_return token;
    } catch (const LockError&) {
        refuse();
    }
}

Task<LockModule::Token> LockModule::try_acquire(lock_api::Try parameters, const Caller& caller) {
    require(caller, "try", parameters.context, parameters.key);
    const Ref<LockLease> lease(&session(parameters.session, caller));
    const LockLease::Use use(*lease);
    const LockMode mode = mode_of(parameters.shared, parameters.read);
    try {
        co_return co_await lease->locks().acquire(IndexValue(parameters.key), parameters.context,
                                                  Duration::zero(), mode);
    } catch (const LockError&) {
        refuse();
    }
}

std::uint64_t LockModule::position(const lock_api::SessionKey& parameters,
                                   const Caller& caller) const {
    const LockLease& lease = session(parameters.session, caller);
    return lease.locks().position(IndexValue(parameters.key), parameters.context);
}

bool LockModule::release(const lock_api::SessionKey& parameters, const Caller& caller) {
    LockLease& lease = session(parameters.session, caller);
    lease.renew();
    try {
        return lease.locks().release(IndexValue(parameters.key), parameters.context);
    } catch (const LockError&) {
        refuse();
    }
}

std::uint64_t LockModule::break_locks(const lock_api::Break& parameters, const Caller& caller) {
    require(caller, "break", parameters.context, parameters.key);
    const std::string by =
        caller.user().empty() ? "an administrator" : "user '" + caller.user() + "'";
    return LockTable::of(scheduler())
        .break_locks(parameters.context, IndexValue(parameters.key), parameters.token,
                     by + " has broken it");
}

// --- longest holds

// From now on takes away locks that are held for too long, as the present settings say.
void LockModule::end_holds() {
    if (ending_holds_ != nullptr) {
        ending_holds_->close();
    }
    ending_holds_ = nullptr;
    Duration shortest = Duration::max();
    for (const auto& [name, context] : settings().contexts) {
        for (const LockModuleSettings::LongestHold& hold : context.longest_holds) {
            shortest = std::min<Duration>(shortest, hold.time);
        }
    }
    if (shortest != Duration::max()) {
        ending_holds_ =
            start(keep_ending_holds(shortest), {.name = "lock.end_holds", .daemon = true});
    }
}

// A lock that is taken during the sleep is held until after it.
Task<> LockModule::keep_ending_holds(Duration shortest) {
    for (;;) {
        const std::optional<BootTime> next = LockTable::of(scheduler()).next_end_of_hold();
        co_await sleep(next ? std::min(*next - boot_time(scheduler().poller()), shortest)
                            : shortest);
        LockTable::of(scheduler()).end_holds();
    }
}

// --- watched keys

// From now on sends events of the keys that the present settings name.
void LockModule::tell_changes() {
    if (telling_changes_ != nullptr) {
        telling_changes_->close();
    }
    telling_changes_ = nullptr;
    if (!settings().watched.empty()) {
        telling_changes_ =
            start(keep_telling_changes(), {.name = "lock.tell_changes", .daemon = true});
    }
}

// While the events' queue is full, more changes become one.
Task<> LockModule::keep_telling_changes() {
    LockChanges changes(settings().watched);
    while (const LockTable* const table = LockTable::find(scheduler())) {
        std::vector<Ref<LockChanged>> changed = changes.look(*table);
        for (Ref<LockChanged>& change : changed) {
            co_await send(std::move(change));
        }
        co_await sleep(LockChanges::between_looks);
    }
}

// --- listings

namespace {

void refuse_if_too_large(const ListingSize& size) {
    if (size.too_large()) {
        throw ApiException("limit_reached", ListingSize::refusal);
    }
}

void add_uses(ListingSize& size, const LockListing& listing) {
    for (const auto* uses : {&listing.holders, &listing.waiters}) {
        for (const LockUse& use : *uses) {
            size.add(use.owner);
            size.add(use.context);
        }
    }
}

}  // namespace

// A context that shares its keys with others has no name in listings.
bool LockModule::may_see(const Caller& caller, std::string_view function,
                         const LockListing& listing) const {
    return caller.may({name(), function, true}, {listing.context, listing.key});
}

// For what looks at all keys at once.
Task<> LockModule::turn_of_all_keys(const Caller& caller) const {
    const LockTable& table = LockTable::of(scheduler());
    return long_turn(long_work_, caller, table.holding() + table.waiting() + table.semaphores());
}

Task<Json> LockModule::list(lock_api::Pattern parameters, const Caller& caller) const {
    co_await turn_of_all_keys(caller);
    co_return co_await lock_api::to_json(listings(parameters, caller), long_work_, caller);
}

// All of one moment.
std::vector<LockListing> LockModule::listings(const lock_api::Pattern& parameters,
                                              const Caller& caller) const {
    const LockTable& table = LockTable::of(scheduler());
    const std::size_t most_keys = parameters.most.value_or(ListingSize::most_keys);
    ListingSize size;
    const std::vector<const LockKey*> keys =
        table.find(KeyPattern(parameters.pattern), most_keys, [&](const LockKey& key) {
            const std::string context = key.context() == nullptr ? "" : key.context()->name();
            const std::string text = key_text(key.key());
            if (size.too_large() || !caller.may({name(), "list", true}, {context, text})) {
                return false;
            }
            size.add(context);
            size.add(text);
            return true;
        });
    refuse_if_too_large(size);
    if (keys.size() > most_keys && !parameters.most) {
        throw ApiException("limit_reached", "more than " + std::to_string(most_keys) +
                                                " keys match, which are not listed: give a "
                                                "narrower pattern");
    }
    std::size_t left = parameters.most ? *parameters.most : unlimited;
    std::vector<LockListing> result;
    result.reserve(keys.size());
    for (const LockKey* key : keys) {
        if (left == 0) {
            break;
        }
        result.push_back(table.listing_of(*key, --left));
        left -= result.back().holders.size() + result.back().waiters.size();
        add_uses(size, result.back());
        refuse_if_too_large(size);
    }
    return result;
}

Task<Json> LockModule::deadlocks(NoParameters /*parameters*/, const Caller& caller) const {
    co_await turn_of_all_keys(caller);
    co_return lock_api::to_json(LockTable::of(scheduler()).deadlocks());
}

Json LockModule::statistics() const {
    const LockTable& table = LockTable::of(scheduler());
    Json result = lock_api::to_json(table.statistics());
    result["holding"] = table.holding();
    result["waiting"] = table.waiting();
    for (const auto& [context, statistics] : table.statistics_by_context()) {
        result["contexts"][context] = lock_api::to_json(statistics);
    }
    return result;
}

// --- semaphores

void LockModule::create_semaphore(const lock_api::SizedSemaphore& parameters,
                                  const Caller& caller) {
    require(caller, "create_semaphore", parameters.context, parameters.key);
    try {
        LockTable::of(scheduler())
            .create_semaphore_of_client(
                parameters.context, IndexValue(parameters.key), parameters.size,
                parameters.made_by.empty() ? "a call of the API" : parameters.made_by,
                client_name(caller));
    } catch (const LockError&) {
        refuse();
    }
}

Task<Json> LockModule::semaphores(NoParameters /*parameters*/, const Caller& caller) const {
    co_await turn_of_all_keys(caller);
    std::vector<LockListing> listings = LockTable::of(scheduler()).list_semaphores();
    std::erase_if(listings, [&](const LockListing& listing) {
        return !may_see(caller, "semaphores", listing);
    });
    ListingSize size;
    for (const LockListing& listing : listings) {
        size.add(listing.key);
        size.add(listing.context);
        add_uses(size, listing);
    }
    refuse_if_too_large(size);
    co_return co_await lock_api::to_json(std::move(listings), long_work_, caller);
}

// From now on destroys semaphores of clients when they expire, as the present settings say.
void LockModule::expire_semaphores() {
    if (expiring_semaphores_ != nullptr) {
        expiring_semaphores_->close();
    }
    expiring_semaphores_ = nullptr;
    if (settings().semaphore_idle_timeout.count() > 0) {
        expiring_semaphores_ =
            start(keep_expiring_semaphores(), {.name = "lock.expire_semaphores", .daemon = true});
    }
}

Task<> LockModule::keep_expiring_semaphores() {
    for (;;) {
        // A semaphore that is created, or falls idle, during this sleep expires after it.
        const Duration all = settings().semaphore_idle_timeout;
        const std::optional<Time> next = LockTable::of(scheduler()).next_semaphore_expiry();
        co_await sleep(next ? std::min(*next - scheduler().now(), all) : all);
        auto destroy = [this](const Scheduler::Processor& processor) {
            if (LockTable* table = LockTable::find(scheduler())) {
                table->destroy_expired_semaphores(processor);
            }
        };
        co_await run_in_scheduler(std::move(destroy));
    }
}

void LockModule::resize_semaphore(const lock_api::ResizedSemaphore& parameters,
                                  const Caller& caller) {
    require(caller, "resize_semaphore", parameters.context, parameters.key);
    LockTable::of(scheduler())
        .resize_semaphore(parameters.context, IndexValue(parameters.key), parameters.size);
}

Task<> LockModule::destroy_semaphore(lock_api::NamedSemaphore parameters, const Caller& caller) {
    require(caller, "destroy_semaphore", parameters.context, parameters.key);
    co_await weir::destroy_semaphore(scheduler(), IndexValue(parameters.key), parameters.context);
}

}  // namespace weir

WEIR_PLUGIN(lock, weir::LockModule)
