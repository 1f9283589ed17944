#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/run/subscriber.h"

namespace weir {

/// Calls functions for events, without a routine. An exception that leaves a function is logged;
/// the function goes on receiving. The handler stops when the scheduler quits or ends.
///
/// By default it is a daemon: the scheduler ends although it handles events. Made otherwise, it
/// keeps the scheduler running as long as it has functions, as a routine does.
class EventHandler final : public Subscriber {
public:
    using Function = std::function<void(const Ref<Event>&)>;

    explicit EventHandler(Scheduler& scheduler, bool daemon = true) noexcept;
    ~EventHandler();

    /// Calls the function for each event that matches, from now on. A second function for the same
    /// matcher replaces the first. Throws std::invalid_argument if the matcher is empty.
    void handle(const Matcher& matcher, Function function);
    /// Stops calling the function of the matcher; does nothing if there is none. A function may
    /// stop itself.
    void stop(const Matcher& matcher) noexcept;
    void stop_all() noexcept;

    /// The functions, by their subscriptions.
    using Functions = std::map<Subscription*, std::shared_ptr<const Function>>;
    const Functions& functions() const noexcept { return functions_; }

private:
    void matched(const Ref<Event>& event, Subscription& subscription) noexcept override;
    // Removes the function of the matcher, except that of one subscription.
    void stop_one(const Matcher& matcher, const Subscription* but) noexcept;
    void quit() noexcept override { stop_all(); }
    void close_at_end() noexcept override { stop_all(); }

    Functions functions_;  // shared with the calls that run: a function may stop itself
};

}  // namespace weir
