// The sessions of callers, which own the locks that are taken with them.

#include <algorithm>
#include <chrono>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "config/settings/duration.h"
#include "core/run/random_id.h"
#include "core/wait/timeout.h"
#include "modules/lock/key_pattern.h"
#include "modules/lock/listing_size.h"
#include "modules/lock/plugin/module.h"
#include "modules/system/call/client_name.h"

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

// Clients that have not logged in are one user: of a session of theirs, the id is all that there is
// to know. It is therefore in no name, listing or log, but for callers that may use every session.
bool LockModule::may_use(const LockLease& lease, const Caller& caller) const {
    return lease.user() == caller.user() || may_use_all(caller);
}

bool LockModule::may_use_all(const Caller& caller) const {
    return caller.may({name(), "sessions_of_others"});
}

LockLease& LockModule::session(const std::string& id, const Caller& caller) const {
    const auto found = sessions_.find(id);
    if (found == sessions_.end() || !may_use(*found->second, caller)) {
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

void LockModule::forget(LockLease& lease) noexcept {
    if (sessions_.erase(lease.id()) == 0) {
        return;
    }
    looks_.erase({lease.next_look(), &lease});
    const auto own = open_by_opener_.find(lease.opener());
    if (--own->second == 0) {
        open_by_opener_.erase(own);
    }
}

// The id is random: it cannot be guessed, and an id from before a restart of the server does not
// name another session.
lock_api::SessionInfo LockModule::open_session(const lock_api::OpenSession& parameters,
                                               const Caller& caller) {
    const std::string opener = client_name(caller);
    refuse_too_many_sessions(opener);
    if (parameters.time_to_live > settings().max_time_to_live) {
        throw ApiException(ApiError::bad_parameter,
                           "time_to_live: expected at most " +
                               config::duration_text(settings().max_time_to_live) +
                               ", the setting max_time_to_live of the module");
    }
    std::string id;
    do {
        id = random_id(scheduler().poller()) + random_id(scheduler().poller());
    } while (sessions_.contains(id));
    const std::string name = parameters.name.empty() ? id.substr(0, 8) : parameters.name;
    const Ref<LockLease> lease(
        new LockLease(scheduler(), id, name, parameters.time_to_live, caller.user(), opener));
    std::size_t& own = open_by_opener_[opener];
    decltype(looks_) look{{lease->next_look(), lease.get()}};
    sessions_.emplace(id, lease);
    ++own;
    looks_.merge(look);
    next_look_.no_later_than(lease->next_look());
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

std::vector<lock_api::SessionInfo> LockModule::sessions(const lock_api::SessionPattern& parameters,
                                                        const Caller& caller) const {
    const KeyPattern pattern(parameters.pattern);
    ListingSize size;
    std::vector<lock_api::SessionInfo> result;
    const bool all = may_use_all(caller);
    for (const auto& [id, lease] : sessions_) {
        const bool own = !caller.user().empty() && lease->user() == caller.user();
        if (!(all || own) || !pattern.matches(std::string_view(lease->locks().name()))) {
            continue;
        }
        result.push_back(info_of(*lease));
        size.add(result.back().name);
        for (const lock_api::Lost& lost : result.back().lost) {
            size.add(lost.key);
            size.add(lost.context);
        }
        if (size.too_large()) {
            throw ApiException("limit_reached",
                               "the names of sessions that match, and of locks that they have "
                               "lost, have more than 1 MiB, which are not listed: give a narrower "
                               "pattern");
        }
        if (result.size() > ListingSize::most_keys) {
            throw ApiException("limit_reached", "more than " +
                                                    std::to_string(ListingSize::most_keys) +
                                                    " sessions match, which are not listed: give "
                                                    "a narrower pattern");
        }
    }
    return result;
}

// Closes the session, unless it was used since the last look.
void LockModule::expire(Ref<LockLease> lease) {
    if (lease->left() > Duration()) {
        auto look = looks_.extract({lease->next_look(), lease.get()});
        lease->set_next_look();
        look.value().first = lease->next_look();
        looks_.insert(std::move(look));
        return;
    }
    const std::size_t held = lease->locks().held();
    forget(*lease);
    lease->locks().close();
    try {
        log().info("session '{}' expired: it was not used for its time to live; {} locks are free",
                   lease->locks().name(), held);
    } catch (const std::bad_alloc&) {
        scheduler().log_exception("logging that a session expired");
    }
}

Task<> LockModule::keep_expiring_sessions() {
    for (;;) {
        while (!looks_.empty() && looks_.begin()->first <= scheduler().now()) {
            expire(Ref<LockLease>(looks_.begin()->second));
        }
        co_await next_look_.wait(looks_.empty() ? Time::max() : looks_.begin()->first);
    }
}

}  // namespace weir
