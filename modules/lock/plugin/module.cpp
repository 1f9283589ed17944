#include "modules/lock/plugin/module.h"

#include <cstdio>
#include <exception>
#include <stdexcept>

#include "config/settings/changes.h"
#include "core/simulation/failpoint.h"
#include "core/wait/timeout.h"
#include "modules/lock/errors.h"
#include "modules/lock/events.h"
#include "modules/lock/plugin/json.h"
#include "modules/lock/semaphore.h"
#include "modules/lock/table.h"
#include "modules/system/call/json.h"
#include "modules/system/module/plugin.h"

namespace weir {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

lock_api::SessionInfo info_of(const LockLease& lease) {
    return {lease.id(), lease.locks().name(), duration_cast<milliseconds>(lease.time_to_live()),
            duration_cast<milliseconds>(lease.left()), lease.locks().held()};
}

// The exception that is being handled, with a code for programs.
[[noreturn]] void refuse() {
    try {
        throw;
    } catch (const LockLimitReached& error) {
        throw ApiException("limit_reached", error.what());
    } catch (const DeadlockError& error) {
        throw ApiException("deadlock", error.what());
    } catch (const LockSessionClosed& error) {
        throw ApiException("session_closed", error.what());
    }
}

}  // namespace

ModuleDeclaration<LockModule> LockModule::declare() {
    return declare_module<LockModule>("lock", "Gives out locks and semaphores")
        .event<LockEvent>()
        .makes_queue<LockEvent>("lock", "one place for each key; its priority is a setting")
        .hands_over<LockHandover>(&LockModule::hand_over, &LockModule::take_over,
                                  CallsUnderWay::go_on)
        .function("open_session", &LockModule::open_session)
        .function("renew_session", "Begins the session's time to live anew",
                  &LockModule::renew_session)
        .function("close_session", "Gives back all locks of the session, and ends its waits",
                  &LockModule::close_session)
        .function("sessions", "Lists the sessions that are open", &LockModule::sessions)
        .function("acquire", &LockModule::acquire)
        .function("try", "Takes the lock if that is possible at once; its token, or null",
                  &LockModule::try_acquire)
        .function("release", "Gives the lock back; whether the session held it",
                  &LockModule::release)
        .function("list", &LockModule::list)
        .function("deadlocks", "Lists who wait for each other in circles, for which locks",
                  &LockModule::deadlocks)
        .function("statistics", "How many locks were taken, and how long that took",
                  &LockModule::statistics)
        .function("create_semaphore", &LockModule::create_semaphore)
        .function("resize_semaphore", "Changes how many may hold the key of a semaphore",
                  &LockModule::resize_semaphore)
        .function("destroy_semaphore", &LockModule::destroy_semaphore);
}

// --- coming and going

Task<> LockModule::load() {
    if (replaces()) {
        co_return;  // the locks are there
    }
    std::unique_ptr<FencingTokens> tokens;
    if (settings().state_dir) {
        tokens = std::make_unique<FencingTokens>(*settings().state_dir);
    }
    add_lock_queue(scheduler(), settings().to_lock_settings(), std::move(tokens));
    co_return;
}

void LockModule::begin() {
    for (const auto& [id, lease] : sessions_) {
        watch(lease);
    }
}

Task<> LockModule::unload() {
    if (handed_over_) {
        co_return;
    }
    for (const auto& [id, lease] : std::exchange(sessions_, {})) {
        lease->locks().close();
    }
    Task<> removing = remove_lock_queue(scheduler(), true);
    co_await removing;
}

std::vector<std::string> LockModule::in_use() const {
    const LockTable* table = handed_over_ ? nullptr : LockTable::find(scheduler());
    std::vector<std::string> uses;
    if (table != nullptr) {
        for (const LockListing& listing : table->list()) {
            uses.push_back(weir::describe({listing}));
        }
    }
    return uses;
}

LockHandover LockModule::hand_over() {
    handed_over_ = true;
    return {settings_text(), sessions_};
}

void LockModule::take_over(LockHandover& state) {
    if (state.settings != settings_text()) {
        throw std::runtime_error(
            "the settings of the locks have changed; they take effect when the module is "
            "unloaded and loaded again");
    }
    sessions_ = std::move(state.sessions);
    handed_over_ = false;
}

std::string LockModule::settings_text() const {
    Json text = Json::object();
    const config::Description& description = config::description_of<LockModuleSettings>();
    for (const config::Setting& setting : description.settings()) {
        text[setting.name] = json_of(setting.type->to_json(setting.value_in(&settings())));
    }
    return text.dump();
}

void LockModule::settings_changed(const LockModuleSettings& before) {
    for (const config::Change& change : config::changes(before, settings())) {
        log().info("module.lock.{}", config::to_text(change));
    }
    LockTable::of(scheduler()).change_settings(settings().to_lock_settings());
}

// --- sessions

LockLease& LockModule::session(const std::string& id) const {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) {
        throw ApiException("unknown_session",
                           "there is no session '" + id + "': it was closed, or its time was over");
    }
    return *found->second;
}

// The id is random: one of before a restart of the server is nobody else's now.
lock_api::SessionInfo LockModule::open_session(const lock_api::OpenSession& parameters) {
    std::string id;
    do {
        char digits[17];
        std::snprintf(digits, sizeof digits, "%016llx",
                      static_cast<unsigned long long>(scheduler().poller().random()));
        id = digits;
    } while (sessions_.contains(id));
    const Ref<LockLease> lease(new LockLease(
        scheduler(), id, parameters.name.empty() ? id : parameters.name, parameters.time_to_live));
    sessions_.emplace(id, lease);
    watch(lease);
    return info_of(*lease);
}

lock_api::SessionInfo LockModule::renew_session(const lock_api::Session& parameters) {
    LockLease& lease = session(parameters.session);
    lease.renew();
    return info_of(lease);
}

void LockModule::close_session(const lock_api::Session& parameters) {
    const Ref<LockLease> lease(&session(parameters.session));
    sessions_.erase(lease->id());
    lease->locks().close();
}

std::vector<lock_api::SessionInfo> LockModule::sessions() const {
    std::vector<lock_api::SessionInfo> result;
    for (const auto& [id, lease] : sessions_) {
        result.push_back(info_of(*lease));
    }
    return result;
}

void LockModule::watch(const Ref<LockLease>& lease) {
    start(until_over(lease), {.name = "lock.session " + lease->id(), .daemon = true});
}

Task<> LockModule::until_over(Ref<LockLease> lease) {
    while (lease->left() > Duration()) {
        co_await sleep(lease->left());
    }
    if (!lease->locks().closed()) {
        log().info("the session '{}' was not used for its time to live; it held {} locks",
                   lease->locks().name(), lease->locks().held());
        sessions_.erase(lease->id());
        lease->locks().close();
    }
}

// --- locks

Task<LockModule::Token> LockModule::acquire(lock_api::Acquire parameters) {
    const Ref<LockLease> lease(&session(parameters.session));
    const LockLease::Use use(*lease);
    std::optional<Duration> timeout;
    if (parameters.timeout) {
        timeout = *parameters.timeout;
    }
    try {
        Task<Token> acquiring =
            lease->locks().acquire(IndexValue(parameters.key), parameters.context, timeout);
        const Token token = co_await acquiring;
        if (token && failpoint(*this, "lock.late-answer", 0.2)) {
            co_await sleep(milliseconds(50));  // time for the caller to have given up
        }
        co_return token;
    } catch (const LockError&) {
        refuse();
    }
}

LockModule::Token LockModule::try_acquire(const lock_api::SessionKey& parameters) {
    LockLease& lease = session(parameters.session);
    lease.renew();
    return lease.locks().try_acquire(IndexValue(parameters.key), parameters.context);
}

bool LockModule::release(const lock_api::SessionKey& parameters) {
    LockLease& lease = session(parameters.session);
    lease.renew();
    return lease.locks().release(IndexValue(parameters.key), parameters.context);
}

// --- insight

Json LockModule::list(const lock_api::Pattern& parameters) const {
    return lock_api::to_json(LockTable::of(scheduler()).list(KeyPattern(parameters.pattern)));
}

Json LockModule::deadlocks() const {
    return lock_api::to_json(LockTable::of(scheduler()).deadlocks());
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

void LockModule::create_semaphore(const lock_api::SizedSemaphore& parameters) {
    Semaphore(scheduler(), IndexValue(parameters.key), parameters.size, parameters.context)
        .create();
}

void LockModule::resize_semaphore(const lock_api::SizedSemaphore& parameters) {
    LockTable::of(scheduler())
        .resize_semaphore(parameters.context, IndexValue(parameters.key), parameters.size);
}

Task<> LockModule::destroy_semaphore(lock_api::NamedSemaphore parameters) {
    Task<> destroying =
        weir::destroy_semaphore(scheduler(), IndexValue(parameters.key), parameters.context);
    co_await destroying;
}

}  // namespace weir

WEIR_PLUGIN(lock, weir::LockModule)
