#pragma once

#include "core/run/scheduler.h"
#include "core/run/subscriber.h"
#include "modules/system/call/call_events.h"

namespace weir {

class ModuleFinder;
class ModuleTable;

// Answers the calls that no module takes: it subscribes to what is left of them. A call to a module
// that is about to load, or is being reloaded, waits for that module; a call to an interface is
// passed to the module that is chosen for it; all other calls are refused at once. While the server
// quits, all are refused.
class FallbackCalls final : public Subscriber {
public:
    FallbackCalls(Scheduler& scheduler, const ModuleTable& table, const ModuleFinder& finder);
    ~FallbackCalls();
    FallbackCalls(const FallbackCalls&) = delete;
    FallbackCalls& operator=(const FallbackCalls&) = delete;

    // To be called before each run of the scheduler.
    void begin();
    // Judges the calls that wait again.
    void look_again();

private:
    void matched(const Ref<Event>& event, Subscription& subscription) noexcept override;
    void quit() noexcept override;
    void close_at_end() noexcept override { scheduler().delist(*this); }

    void judge(ModuleApiCall& call);
    void refuse(ModuleApiCall& call, std::string_view code, const std::string& message);

    const ModuleTable& table_;
    const ModuleFinder& finder_;
    Matcher all_calls_;
    bool quitting_ = false;
};

}  // namespace weir
