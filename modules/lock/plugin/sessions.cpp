// The sessions of callers, which own the locks that are taken with them.

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "config/settings/duration.h"
#include "core/run/random_id.h"
#include "core/wait/timeout.h"
#include "modules/lock/plugin/module.h"

namespace weir {

namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

lock_api::SessionInfo info_of(const LockLease& lease) {
    std::vector<lock_api::Lost> lost;
    for (const LostLock& one : lease.locks().lost()) {
        lost.push_back({key_text(one.key), one.context, one.token, one.reason});
    }
    return {lease.id(),
            lease.locks().name(),
            duration_cast<milliseconds>(lease.time_to_live()),
            duration_cast<milliseconds>(lease.left()),
            lease.locks().held(),
            duration_cast<milliseconds>(
                std::max(std::min(lease.left(), lease.locks().confirmed_for()), Duration::zero())),
            std::move(lost)};
}

}  // namespace

namespace {

// Returns by what sessions are counted: the user, or the address of a client that has not logged
// in. Returns "" for the program itself, which may open as many as there is room for.
std::string opener_of(const Caller& caller) {
    if (!caller.user().empty()) {
        return "user '" + caller.user() + "'";
    }
    return caller.source().empty() ? "" : "the address '" + caller.source() + "'";
}

}  // namespace

// Whether a listing shows the caller the session, with its id. For clients that have not logged in
// the id is all that a session needs: it is shown at the address that has opened it, and neither in
// the log nor in names.
bool LockModule::may_use(const LockLease& lease, const Caller& caller) const {
    return lease.opener() == opener_of(caller) || caller.may({name(), "sessions_of_others"});
}

LockLease& LockModule::session(const std::string& id, const Caller& caller) const {
    const auto found = sessions_.find(id);
    if (found == sessions_.end() ||
        (found->second->user() != caller.user() && !caller.may({name(), "sessions_of_others"}))) {
        throw ApiException("unknown_session",
                           "there is no session '" + id + "': it was closed, or it expired");
    }
    return *found->second;
}

void LockModule::refuse_too_many_sessions(const std::string& opener) const {
    if (sessions_.size() >= settings().max_sessions) {
        throw ApiException("too_many_sessions", "there are " + std::to_string(sessions_.size()) +
                                                    " sessions already, as many as are allowed "
                                                    "(max_sessions)");
    }
    const auto own = open_by_opener_.find(opener);
    if (own != open_by_opener_.end() && !opener.empty() &&
        own->second >= settings().sessions_of_one()) {
        throw ApiException("too_many_sessions",
                           opener + " has " + std::to_string(own->second) +
                               " sessions already, as many as are allowed (max_sessions_of_one)");
    }
}

void LockModule::forget(const LockLease& lease) noexcept {
    if (sessions_.erase(lease.id()) == 0) {
        return;
    }
    const auto own = open_by_opener_.find(lease.opener());
    if (--own->second == 0) {
        open_by_opener_.erase(own);
    }
}

// The id is random: an id from before a restart of the server must not name another session.
lock_api::SessionInfo LockModule::open_session(const lock_api::OpenSession& parameters,
                                               const Caller& caller) {
    const std::string opener = opener_of(caller);
    refuse_too_many_sessions(opener);
    if (parameters.time_to_live > settings().max_time_to_live) {
        throw ApiException(ApiError::bad_parameter,
                           "time_to_live: expected at most " +
                               config::duration_text(settings().max_time_to_live) +
                               ", the setting max_time_to_live of the module");
    }
    std::string id;
    do {
        id = random_id(scheduler().poller());
    } while (sessions_.contains(id));
    const std::string default_name = "session " + random_id(scheduler().poller()).substr(0, 8);
    const Ref<LockLease> lease(
        new LockLease(scheduler(), id, parameters.name.empty() ? default_name : parameters.name,
                      parameters.time_to_live, caller.user(), opener));
    std::size_t& own = open_by_opener_[opener];
    sessions_.emplace(id, lease);
    ++own;
    watch(lease);
    return info_of(*lease);
}

Task<lock_api::SessionInfo> LockModule::renew_session(lock_api::RenewSession parameters,
                                                      const Caller& caller) {
    const Ref<LockLease> lease(&session(parameters.session, caller));
    if (parameters.key && !lease->locks().holds(IndexValue(*parameters.key), parameters.context) &&
        !lease->locks().has_lost(IndexValue(*parameters.key), parameters.context)) {
        throw ApiException("not_held", "the session does not hold the lock");
    }
    lease->renew();
    if (parameters.await_loss > Duration::zero() && lease->locks().lost().empty()) {
        const LockLease::Use use(*lease);
        const Matcher lost = lease->locks().lost_matcher();
        co_await wait_with_timeout(Duration(parameters.await_loss), lost);
    }
    co_return info_of(*lease);
}

void LockModule::close_session(const lock_api::Session& parameters, const Caller& caller) {
    const Ref<LockLease> lease(&session(parameters.session, caller));
    forget(*lease);
    lease->locks().close();
}

std::vector<lock_api::SessionInfo> LockModule::sessions(const NoParameters&,
                                                        const Caller& caller) const {
    std::vector<lock_api::SessionInfo> result;
    for (const auto& [id, lease] : sessions_) {
        if (may_use(*lease, caller)) {
            result.push_back(info_of(*lease));
        }
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
        log().info("session '{}' expired: it was not used for its time to live; {} locks are free",
                   lease->locks().name(), lease->locks().held());
        forget(*lease);
        lease->locks().close();
    }
}

}  // namespace weir
