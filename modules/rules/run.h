#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "core/run/task.h"
#include "modules/rules/program.h"
#include "modules/system/call/api_error.h"
#include "modules/system/module/module.h"

namespace weir::rules {

// Why a run of a rule has failed.
struct Failure {
    std::string step;
    ApiError error;
    std::uint32_t attempts = 1;
};

// Leaves the steps of a run when one of them has failed for good.
class StepFailed final : public std::exception {
public:
    explicit StepFailed(Failure failure) : failure_(std::move(failure)) {}
    const Failure& failure() const noexcept { return failure_; }
    const char* what() const noexcept override { return failure_.error.message.c_str(); }

private:
    Failure failure_;
};

// One run of a rule: carries out the steps of its program, one after the other, in the routine that
// awaits go(). Owns what they know.
class Run {
public:
    // The module must outlive the run, and the number of retries, to which it adds.
    Run(Module& module, std::shared_ptr<const Program> program, const ScriptSettings& script_limits,
        std::uint64_t& retries, Json event);
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    // Ends when all steps are done. Throws StepFailed.
    Task<> go();
    // Returns the event, for the report of a failure.
    const Json& event() const noexcept { return frame_[event_slot]; }

private:
    Task<> do_all(const Steps& steps);
    Task<> do_step(const Step& step);
    Task<std::optional<Failure>> try_step(const Step& step);
    Task<> pause(const Step& step, const Failure& failure, std::uint32_t attempt);
    Task<> act(const Step& step);
    bool act_at_once(const Step& step);
    Json run_script(const Step& step) const;
    Task<> call_function(const Step& step);
    Task<> wait_for_event(const Step& step);
    Task<> repeat(const Step& step);
    Task<> hold_lock(const Step& step);
    static Task<> do_nothing_for(Duration time);
    void keep(const Step& step, Json result);

    Module& module_;
    const std::shared_ptr<const Program> program_;  // shared with its rule, which may change
    const ScriptSettings script_limits_;
    std::uint64_t& retries_;
    Frame frame_;
};

}  // namespace weir::rules
