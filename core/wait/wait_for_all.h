#pragma once

#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/run/wait.h"

namespace weir {

/// Waits until each of several matchers has matched once. For routines, on the scheduler's thread
/// only.
class [[nodiscard]] WaitForAll final : public Wait {
public:
    using Callback = std::function<void(const Matched&)>;

    WaitForAll(std::vector<Matcher> matchers, bool process, Callback callback) noexcept
        : matchers_(std::move(matchers)), callback_(std::move(callback)), process_(process) {}

    bool await_ready() const noexcept { return matchers_.empty(); }
    /// Returns the events in order of their arrival, each with the position of its matcher.
    std::vector<Matched> await_resume() {
        check_interrupted();
        return std::move(arrived_);
    }

    /// Returns the events that have come so far. For callers that keep the object: after a wait
    /// that failed, because the routine quits or its time expires, it still has what came before.
    const std::vector<Matched>& arrived() const noexcept { return arrived_; }

    std::span<const Matcher> matchers() const noexcept override { return matchers_; }
    Then matched(const Ref<Event>& event, Subscription& subscription) override;
    std::string describe() const override;

private:
    std::vector<Matcher> matchers_;
    std::vector<Matched> arrived_;
    Callback callback_;
    bool process_;
};

/// co_await wait_for_all(matchers): returns when each matcher has matched once. `callback`, if
/// given, is called for each event when it arrives; what it throws is thrown here.
inline WaitForAll wait_for_all(std::vector<Matcher> matchers,
                               WaitForAll::Callback callback = {}) noexcept {
    return WaitForAll(std::move(matchers), false, std::move(callback));
}

/// The same, and marks each event as processed when it arrives, so that it does not block its
/// queue.
inline WaitForAll wait_for_all_to_process(std::vector<Matcher> matchers,
                                          WaitForAll::Callback callback = {}) noexcept {
    return WaitForAll(std::move(matchers), true, std::move(callback));
}

}  // namespace weir
