// How a table looks for deadlocks, and what follows.

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "modules/lock/errors.h"
#include "modules/lock/state.h"
#include "modules/lock/table.h"

namespace weir {

// `begins`: the request is not suspended yet.
void LockTable::look_for_deadlock(LockRequest& request, bool begins) {
    if (settings_.on_deadlock == OnDeadlock::ignore) {
        return;
    }
    const std::uint64_t given_up = graph_.given_up();
    const std::vector<LockRequest*> waits = graph_.deadlock_of(request);
    if (graph_.given_up() != given_up) {
        warn_of_deadlock(
            "the search for a deadlock was given up: " + describe_lock(request.state()) +
            " is waited for in a chain of too many owners, waits and holders");
    }
    if (waits.empty()) {
        return;
    }
    Deadlock deadlock = describe_deadlock(waits, scheduler_.now());
    const std::string text = deadlock.describe();
    warn_of_deadlock(text);
    scheduler_.emergency_send(make_event<DeadlockEvent>(std::move(deadlock)));
    if (settings_.on_deadlock != OnDeadlock::fail_youngest) {
        return;
    }
    LockRequest& youngest = **std::max_element(
        waits.begin(), waits.end(),
        [](const LockRequest* a, const LockRequest* b) { return a->serial() < b->serial(); });
    auto error = std::make_exception_ptr(DeadlockError(text));
    if (begins && &youngest == &request) {
        request.fail(std::move(error));
    } else {
        to_fail_.emplace_back(youngest.serial(), std::move(error));
        request_call();
    }
}

// Not a line for each: clients can make as many as they please.
void LockTable::warn_of_deadlock(const std::string& text) {
    const Time now = scheduler_.now();
    if (warned_of_deadlock_at_ && now - *warned_of_deadlock_at_ < std::chrono::seconds(1)) {
        ++not_warned_of_deadlock_;
        return;
    }
    warned_of_deadlock_at_ = now;
    const std::uint64_t more = std::exchange(not_warned_of_deadlock_, 0);
    scheduler_.log(
        LogLevel::warning,
        more == 0 ? text : text + "; " + std::to_string(more) + " more since the last warning");
}

void LockTable::look_for_deadlocks_of(LockKey& key) {
    if (key.waiting_ != 0 && settings_.on_deadlock != OnDeadlock::ignore) {
        look_for_deadlock(key.waiters_.front(), false);
    }
}

std::vector<Deadlock> LockTable::deadlocks() {
    std::vector<Deadlock> found;
    for (const std::vector<LockRequest*>& waits : graph_.deadlocks_of(requests())) {
        found.push_back(describe_deadlock(waits, scheduler_.now()));
    }
    return found;
}

}  // namespace weir
