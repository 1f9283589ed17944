#pragma once

#include <memory>
#include <string_view>

#include "core/base/clock.h"
#include "core/base/pool.h"
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

/// What caller and callee of one call share, and what the events of the call refer to. Either may
/// end before the other.
struct ApiCall final : RefCounted<ApiCall>, pool::Pooled {
    ApiCall() noexcept;
    ~ApiCall();

    /// Returns whether the caller still wants the function to run.
    bool wanted() const noexcept { return slots != nullptr; }
    /// Returns the client outside for which the function runs, or the program itself.
    const Caller& client_or_inside() const noexcept;
    /// Returns the event that answers the call; null the second time.
    Ref<Event> take_reply() noexcept;

    /// Counts the call, which has ended, in the statistics of its function. Requires that a module
    /// has taken it.
    void count(const ApiFunction& function, Scheduler& scheduler) const noexcept;

    CallSlots* slots = nullptr;      // null: the caller has given up, or has its answer
    Wait* caller = nullptr;          // where the caller waits; null: no caller waits
    Ref<Caller> client;              // whose rights count: a client outside; null: a module calls
    Ref<Routine> callee;             // runs the function, if that is a coroutine
    Ref<Event> reply;                // made by the caller, so that the callee needs no memory
    std::unique_ptr<SentCall> sent;  // has the slots if no caller waits
    Time called_at{};
    std::string_view module;               // that has taken it
    CallStatistics* statistics = nullptr;  // of the function that has taken it, in its module
    Ref<TraceContext> trace;               // of which trace it is part; null: of none
};

}  // namespace weir
