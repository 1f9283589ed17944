#include "modules/rules/run.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include "config/settings/duration.h"
#include "core/calendar/utc_text.h"
#include "core/run/routine.h"
#include "core/run/watch.h"
#include "core/simulation/wall_clock.h"
#include "core/wait/timeout.h"
#include "modules/lock/errors.h"
#include "modules/lock/lock.h"
#include "modules/rules/choice.h"
#include "modules/system/event/event_error.h"

namespace weir::rules {

namespace {

// What fails so fails in the same way however often it is tried.
bool may_succeed_later(const ApiError& error) noexcept {
    constexpr std::array<std::string_view, 7> never{ApiError::bad_parameter,
                                                    ApiError::bad_result,
                                                    ApiError::denied,
                                                    EventError::bad_event,
                                                    no_value,
                                                    EventError::not_portable,
                                                    Script::failed};
    return std::ranges::find(never, error.code) == never.end();
}

}  // namespace

Run::Run(Module& module, std::shared_ptr<const Program> program,
         const ScriptSettings& script_limits, std::uint64_t& retries, Json event)
    : module_(module),
      program_(std::move(program)),
      script_limits_(script_limits),
      retries_(retries),
      frame_(program_->slots) {
    frame_[event_slot] = std::move(event);
    if (program_->uses_now) {
        frame_[now_slot] = utc_text(wall_time(module.scheduler().poller()));
    }
}

Task<> Run::go() {
    return do_all(program_->steps);
}

Task<> Run::do_all(const Steps& steps) {
    for (const Step& step : steps) {
        Task<> doing = do_step(step);
        co_await doing;
    }
}

Task<> Run::do_step(const Step& step) {
    std::optional<Failure> failure;
    for (std::uint32_t attempt = 1;; ++attempt) {
        Task<std::optional<Failure>> trying = try_step(step);
        failure = co_await trying;
        if (!failure) {
            co_return;
        }
        failure->attempts = std::max(failure->attempts, attempt);
        if (!step.retry || attempt > step.retry->times || !may_succeed_later(failure->error)) {
            break;
        }
        Task<> pausing = pause(step, *failure, attempt);
        co_await pausing;
    }
    if (step.on_error.empty()) {
        throw StepFailed(*std::move(failure));
    }
    frame_[step.error] = Json{{"code", failure->error.code},
                              {"message", failure->error.message},
                              {"step", failure->step}};
    Task<> handling = do_all(step.on_error);
    co_await handling;
}

Task<> Run::pause(const Step& step, const Failure& failure, std::uint32_t attempt) {
    const Duration time = step.retry->pause_after(attempt, module_.scheduler());
    module_.log().info("{} failed: {}; {} is tried again in {} (time {} of {})", failure.step,
                       to_text(failure.error), step.place,
                       config::duration_text(std::chrono::ceil<std::chrono::milliseconds>(time)),
                       attempt, step.retry->times);
    co_await sleep(time);
    ++retries_;
}

// What fails within steps that a step contains says itself where that was.
Task<std::optional<Failure>> Run::try_step(const Step& step) {
    std::optional<Failure> failure;
    try {
        if (act_at_once(step)) {
            co_return failure;
        }
        Task<> acting = act(step);
        // A call has a deadline of its own.
        const bool is_call = step.kind == Step::Kind::call;
        const std::optional<Duration> limit = is_call ? std::nullopt : step.timeout;
        if (!co_await execute_with_timeout(limit, std::move(acting))) {
            failure = Failure{step.place,
                              {std::string(ApiError::timeout),
                               "not done within " + config::duration_text(*step.timeout)}};
        }
    } catch (const QuitException&) {
        throw;
    } catch (const StepFailed& failed) {
        failure = failed.failure();
    } catch (const LockError& error) {
        failure = Failure{step.place, {std::string(error.code()), error.what()}};
    } catch (...) {
        failure = Failure{step.place, current_api_error()};
    }
    co_return failure;
}

// Returns whether the step needed no wait, and is done.
bool Run::act_at_once(const Step& step) {
    switch (step.kind) {
        case Step::Kind::set:
            keep(step, step.value.make(frame_));
            return true;
        case Step::Kind::log:
            if (module_.log().writes(step.level)) {
                module_.scheduler().log(step.level, step.value.text(frame_), module_.name());
            }
            return true;
        case Step::Kind::script:
            keep(step, run_script(step));
            return true;
        case Step::Kind::fail:
            throw ApiException("failed", step.value.text(frame_));
        default:
            return false;
    }
}

Json Run::run_script(const Step& step) const {
    return step.script->run(frame_, step.names, script_limits_).value_or(Json());
}

Task<> Run::act(const Step& step) {
    switch (step.kind) {
        case Step::Kind::call:
            return call_function(step);
        case Step::Kind::send:
            return module_.events().publish_members(
                step.event.type, value_of(step.value.make(frame_)), {.timeout = std::nullopt});
        case Step::Kind::wait:
            return wait_for_event(step);
        case Step::Kind::branch:
            return do_all(step.condition->holds(frame_) ? step.body : step.otherwise);
        case Step::Kind::each:
            return repeat(step);
        case Step::Kind::lock:
            return hold_lock(step);
        default:
            return do_nothing_for(step.time);
    }
}

Task<> Run::do_nothing_for(Duration time) {
    co_await sleep(time);
}

Task<> Run::call_function(const Step& step) {
    Json parameters = step.value.make(frame_);
    ApiResult<Json> result = co_await call(step.function, std::move(parameters), step.timeout);
    keep(step, std::move(result).value());
}

// A module of which the event type was may come back: then the next event of it counts.
Task<> Run::wait_for_event(const Step& step) {
    const std::optional<Chosen> chosen = choose(module_.events(), step.event, frame_);
    if (!chosen) {
        throw ApiException(EventError::unknown_event,
                           "there is no event type '" + step.event.type + "' now");
    }
    for (;;) {
        const Ref<Event> event = co_await chosen->matcher;
        Json members = members_of(*event);
        if (chosen->takes(members)) {
            if (chosen->blocking) {
                event->set_ignorable();
            }
            keep(step, std::move(members));
            co_return;
        }
    }
}

Task<> Run::repeat(const Step& step) {
    const Json list = step.value.make(frame_);
    if (!list.is_array()) {
        throw ApiException(ApiError::bad_parameter, "what is repeated over is no list");
    }
    for (const Json& element : list) {
        keep(step, element);
        Task<> doing = do_all(step.body);
        co_await doing;
    }
}

Task<> Run::hold_lock(const Step& step) {
    const std::string key = step.value.text(frame_);
    Lock lock(module_.scheduler(), IndexValue(key), step.context);
    if (step.if_held == IfHeld::wait) {
        co_await lock.lock();
    } else {
        const bool free = co_await lock.lock(Duration::zero());
        if (!free) {
            throw ApiException("locked", "the lock '" + key + "' is held");
        }
    }
    keep(step, lock.token());
    const Matcher lost = lock.lost_matcher();
    auto doing = with_callback(do_all(step.body), lock.throw_if_lost(), lost);
    co_await doing;
}

void Run::keep(const Step& step, Json result) {
    if (step.result) {
        frame_[*step.result] = std::move(result);
    }
}

}  // namespace weir::rules
