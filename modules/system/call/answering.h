#pragma once

#include "core/base/ref.h"
#include "core/event/event.h"
#include "modules/system/call/api_call.h"

namespace weir {

class ApiFunction;

namespace detail {

/// Stores the exception that is being handled as the answer of the function. Logs it, unless the
/// function means it as an answer or the server is quitting.
void answer_with_exception(const ApiFunction& function, ApiCall& call, Scheduler& scheduler);

/// Lives in the routine that runs a function. Answers the call if the function is unwound before
/// it could.
class Answering {
public:
    /// The class of the module, and in it the function, outlives its calls.
    Answering(const ApiFunction& function, Ref<ApiCall> call, Routine& callee) noexcept;
    Answering(const Answering&) = delete;
    Answering& operator=(const Answering&) = delete;
    ~Answering();

    ApiCall& call() noexcept { return *call_; }
    const Ref<Event>& reply() const noexcept { return reply_; }
    void answer_with_exception() { detail::answer_with_exception(function_, *call_, scheduler_); }
    /// Notes that the function has ended. Returns whether the caller wants the reply.
    bool end() noexcept;
    /// Notes that the reply was sent.
    void set_sent() noexcept { sent_ = true; }

private:
    const ApiFunction& function_;
    Scheduler& scheduler_;
    const Ref<ApiCall> call_;
    const Ref<Event> reply_;
    bool ended_ = false;
    bool sent_ = false;
};

}  // namespace detail

}  // namespace weir
