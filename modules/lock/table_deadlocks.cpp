// How a table looks for deadlocks, and what follows.

#include <algorithm>
#include <chrono>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "modules/lock/errors.h"
#include "modules/lock/table.h"

namespace weir {

// `begins`: the request is not suspended yet.
void LockTable::look_for_deadlock(LockRequest& request, bool begins) {
    if (settings_.on_deadlock == OnDeadlock::ignore) {
        return;
    }
    const std::vector<LockRequest*> waits = graph_.deadlock_of(request);
    if (waits.empty()) {
        return;
    }
    Deadlock deadlock = describe_deadlock(waits, scheduler_.now());
    const std::string text = deadlock.describe();
    log_deadlock(text);
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
void LockTable::log_deadlock(const std::string& text) {
    constexpr std::size_t most_lines = 10;  // in a second
    if (const Time now = scheduler_.now();
        now - deadlocks_logged_since_ >= std::chrono::seconds(1)) {
        deadlocks_logged_since_ = now;
        deadlocks_logged_ = 0;
    }
    if (++deadlocks_logged_ > most_lines) {
        ++deadlocks_not_logged_;
        return;
    }
    const std::size_t others = std::exchange(deadlocks_not_logged_, 0);
    scheduler_.log(LogLevel::warning, others == 0 ? text
                                                  : text + "; before, " + std::to_string(others) +
                                                        " deadlocks were not logged");
}

void LockTable::look_for_deadlocks_of(LockKey& key) {
    if (key.waiting_ != 0 && settings_.on_deadlock != OnDeadlock::ignore) {
        look_for_deadlock(key.waiters_.front(), false);
    }
}

std::vector<Deadlock> LockTable::deadlocks() {
    constexpr std::size_t most_owners = 100'000;  // some tens of milliseconds
    std::vector<Deadlock> found;
    for (const std::vector<LockRequest*>& waits : graph_.deadlocks_of(requests(), most_owners)) {
        found.push_back(describe_deadlock(waits, scheduler_.now()));
    }
    return found;
}

}  // namespace weir
