#pragma once

#include <memory>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/ref.h"
#include "core/event/event.h"
#include "core/run/routine.h"
#include "modules/system/call/call_slots.h"

namespace weir {

class ApiFunction;
class Caller;
class Scheduler;
struct CallStatistics;
struct SentCall;

/// What caller and callee of one call share, and what the event of the call refers to. Either may
/// end before the other.
///
/// It is also the event that answers the call, of the type `weir.ModuleApiReply`: the caller makes
/// it, so that the callee needs no memory. It resumes the caller, after those who watch such
/// events.
struct ApiCall final : Event {
    static auto declare() {
        return declare_event<ApiCall>("weir.ModuleApiReply").index("call", &ApiCall::call);
    }
    void received() noexcept;

    ApiCall() noexcept;
    ~ApiCall();

    /// Returns whether the caller still wants the function to run.
    bool wanted() const noexcept { return slots != nullptr; }
    /// Returns the client outside for which the function runs, or the program itself.
    const Caller& client_or_inside() const noexcept;
    /// Returns this, to be sent as the answer; null the second time.
    Ref<Event> take_reply() noexcept;

    /// Counts the call, which has ended, in the statistics of its function. Requires that a module
    /// has taken it.
    void count(const ApiFunction& function, Scheduler& scheduler) const noexcept;

    Index<const ApiCall*> call;      // this
    bool answered = false;           // take_reply() has returned it
    CallSlots* slots = nullptr;      // null: the caller has given up, or has its answer
    Wait* caller = nullptr;          // where the caller waits; null: no caller waits
    Ref<Caller> client;              // whose rights count: a client outside; null: a module calls
    Ref<Routine> callee;             // runs the function, if that is a coroutine
    std::unique_ptr<SentCall> sent;  // has the slots if no caller waits
    Time called_at{};
    std::string_view module;               // that has taken it
    CallStatistics* statistics = nullptr;  // of the function that has taken it, in its module
    Ref<TraceContext> trace;               // of which trace it is part; null: of none
};

}  // namespace weir
