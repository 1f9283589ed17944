#include "modules/system/call/answering.h"

#include "core/base/safe_text.h"
#include "core/run/scheduler.h"
#include "modules/system/call/api_function.h"

namespace weir::detail {

namespace {

// Whether what was thrown is an answer that the function means to give, or the server is quitting.
bool is_answer() {
    try {
        throw;
    } catch (const ApiException&) {
        return true;
    } catch (const QuitException&) {
        return true;
    } catch (...) {
        return false;
    }
}

}  // namespace

void answer_with_exception(const ApiFunction& function, ApiCall& call, Scheduler& scheduler) {
    if (!is_answer()) {
        scheduler.log(LogLevel::error, safe_text([&] {
                          return text_with_exception("the function " + std::string(call.module) +
                                                     '.' + function.name + " ended");
                      }),
                      call.module);
    }
    if (call.wanted()) {
        call.slots->fail(current_api_error());
    }
}

Answering::Answering(const ApiFunction& function, Ref<ApiCall> call, Routine& callee) noexcept
    : function_(function),
      scheduler_(callee.scheduler()),
      call_(std::move(call)),
      reply_(call_->take_reply()) {
    call_->callee = Ref<Routine>(&callee);
    if (call_->trace != nullptr) [[unlikely]] {
        callee.set_trace_context(call_->trace);
    }
}

bool Answering::end() noexcept {
    if (!ended_) {
        ended_ = true;
        call_->count(function_, scheduler_);
    }
    return call_->wanted();
}

Answering::~Answering() {
    call_->callee.reset();
    end();
    if (sent_ || !call_->wanted()) {
        return;
    }
    try {
        if (call_->slots->state == CallSlots::State::pending) {
            call_->slots->fail({std::string(ApiError::rejected), safe_text([this] {
                                    return "the module '" + std::string(call_->module) +
                                           "' was unloaded during the call";
                                })});
        }
        scheduler_.emergency_send(reply_);
    } catch (...) {
        scheduler_.log_exception("answering a call");
    }
}

}  // namespace weir::detail
