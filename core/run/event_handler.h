#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "core/run/subscriber.h"

namespace weir {

// Calls functions for events, without a routine. A function that throws is logged and goes on
// receiving. As a routine, it keeps the scheduler running as long as it handles something, unless
// it is a daemon, which it is by default; when the scheduler quits or ends, it stops handling.
class EventHandler final : public Subscriber {
public:
    using Function = std::function<void(const Ref<Event>&)>;

    explicit EventHandler(Scheduler& scheduler, bool daemon = true) noexcept;
    ~EventHandler();

    // Calls the function for each event that matches, from now on. A second function for the same
    // matcher replaces the first. Throws std::invalid_argument if the matcher is empty.
    void handle(const Matcher& matcher, Function function);
    void stop(const Matcher& matcher) noexcept;
    void stop_all() noexcept;

    // The functions, by their subscriptions.
    using Functions = std::map<Subscription*, std::shared_ptr<const Function>>;
    const Functions& functions() const noexcept { return functions_; }

private:
    void matched(const Ref<Event>& event, Subscription& subscription) noexcept override;
    // Stops what handles the matcher, except that one subscription.
    void stop_one(const Matcher& matcher, const Subscription* but) noexcept;
    void quit() noexcept override { stop_all(); }
    void close_at_end() noexcept override { stop_all(); }

    Functions functions_;  // shared with the call of one that runs, for it may stop itself
};

}  // namespace weir
