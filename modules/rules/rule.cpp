#include "modules/rules/rule.h"

#include <exception>
#include <utility>

#include "core/calendar/utc_text.h"
#include "core/run/routine.h"
#include "core/simulation/wall_clock.h"
#include "core/wait/do_events.h"
#include "core/wait/send.h"
#include "modules/system/event/listening_event.h"

namespace weir::rules {

config::Settings<RuleInfo> RuleInfo::describe() {
    using config::setting;
    using S = RuleInfo;
    return config::settings<S>(
        "A rule", setting("name", &S::name, "Its name"),
        setting("on", &S::on, "The event type that it is about, or \"start\""),
        setting("state", &S::state,
                "works; held: the queue of its events is held back; unknown_event: there is no "
                "such event type now; leaves: it has changed, and ends its runs"),
        setting("events", &S::events, "Events for which its condition held"),
        setting("runs", &S::runs, "Runs that have ended, failed ones too"),
        setting("failed", &S::failed, "Runs that have failed"),
        setting("retries", &S::retries, "How often a step was tried again"),
        setting("dropped", &S::dropped,
                "Events that were dropped, by drop_oldest, debounce, throttle or once"),
        setting("running", &S::running, "Runs now"),
        setting("waiting", &S::waiting, "Events that wait for a run"));
}

// Counts a run while it lives.
class Rule::Running {
public:
    explicit Running(Rule& rule) noexcept : rule_(rule) { ++rule_.running_; }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
        --rule_.running_;
        try {
            rule_.send_ready();
        } catch (...) {
            rule_.runs_.scheduler().log_exception("beginning a run of a rule");
        }
        rule_.host_.run_ended();
    }

private:
    Rule& rule_;
};

Rule::Rule(RuleHost& host, Program program, std::size_t most_keys)
    : host_(host),
      program_(std::make_shared<const Program>(std::move(program))),
      routine_name_("rule '" + program_->name + "'"),
      handler_(host.module().scheduler()),
      ready_(make_event<RuleReady>(program_->priority, static_cast<ReadyTarget*>(this))),
      pacing_(
          host.module().scheduler(), *program_, most_keys,
          [this](Json event) { admit(std::move(event)); },
          [this](std::string where, ApiError error, Json event) {
              fail_before_run({std::move(where), std::move(error)}, std::move(event));
          }),
      runs_(host.module().scheduler()) {
    host_.need_queue(program_->priority);
    counts_.name = program_->name;
    counts_.on = program_->on_start ? "start" : program_->on.type;
}

Rule::~Rule() {
    ready_->target = nullptr;
    handler_.stop_all();
    runs_.close();
    if (holding_) {
        held_->release();
    }
}

// --- events

void Rule::prepare() {
    if (program_->on_start || chosen_) {
        return;
    }
    const EventExchange& events = host_.module().events();
    chosen_ = choose(events, program_->on, Frame(first_free_slot));
    if (chosen_ && !chosen_->blocking && program_->when_full == WhenFull::wait) {
        held_ = &host_.held_events(*events.find_type(program_->on.type), program_->waiting);
    }
}

void Rule::connect() {
    prepare();
    if (chosen_ && !stopped_ && handler_.functions().empty()) {
        receive();
        const std::string& type = program_->on.type;
        runs_.scheduler().emergency_send(make_event<ListenerBegins>(type));
    }
}

void Rule::receive() {
    handler_.handle(chosen_->matcher, [this](const Ref<Event>& event) { triggered(event); });
}

// What goes wrong before a run begins is told as if the run had failed.
void Rule::triggered(const Ref<Event>& event) {
    try {
        take(event);
    } catch (const ApiException& exception) {
        fail_before_run({"if", exception.error()}, members_of(*event));
    }
}

void Rule::fail_before_run(Failure failure, Json event) {
    ++counts_.failed;
    Task<> reporting = report_alone(std::move(failure), std::move(event));
    runs_.start(std::move(reporting), {.name = routine_name_});
}

void Rule::take(const Ref<Event>& event) {
    if (chosen_->blocking && event->ignorable()) {
        return;  // another receiver processes it
    }
    Frame frame(first_free_slot);
    frame[event_slot] = members_of(*event);
    if (!chosen_->takes(frame[event_slot])) {
        return;
    }
    if (program_->uses_now) {
        frame[now_slot] = utc_text(wall_time(runs_.scheduler().poller()));
    }
    if (program_->condition && !program_->condition->holds(frame)) {
        return;
    }
    if (chosen_->blocking) {
        if (full() && program_->when_full == WhenFull::wait) {
            refused_ = true;
            return;
        }
        event->set_ignorable();
    }
    ++counts_.events;
    pacing_.add(std::move(frame[event_slot]));
}

void Rule::admit(Json event) {
    std::string key;
    try {
        if (program_->fair_by) {
            key = program_->fair_by->text(Frame{event, Json()});
        }
    } catch (const ApiException& exception) {
        fail_before_run({"fair_by", exception.error()}, std::move(event));
        return;
    }
    if (full() && program_->when_full == WhenFull::drop_oldest) {
        waiting_.take_oldest();
        ++counts_.dropped;
    }
    waiting_.add(key, std::move(event));
    hold_back();
    send_ready();
}

void Rule::hold_back() {
    if (held_ != nullptr && !holding_ && !stopped_ && full()) {
        held_->hold();
        holding_ = true;
    }
}

// A matcher that is new lets the event that blocks its queue come again.
void Rule::make_room() noexcept {
    if (holding_ && !full()) {
        holding_ = false;
        held_->release();
    }
    if (refused_ && !full()) {
        refused_ = false;
        try {
            receive();
        } catch (...) {
            refused_ = true;
            runs_.scheduler().log_exception("receiving for a rule");
        }
    }
}

void Rule::stop() {
    stopped_ = true;
    handler_.stop_all();
    refused_ = false;
    if (holding_) {
        holding_ = false;
        held_->release();
    }
    pacing_.fire_all();
}

void Rule::go_on() {
    stopped_ = false;
    connect();
}

std::vector<Json> Rule::take_waiting() {
    std::vector<Json> taken;
    taken.reserve(waiting_.size());
    while (!waiting_.empty()) {
        taken.push_back(waiting_.take_oldest());
    }
    return taken;
}

// --- runs

void Rule::send_ready() {
    if (ready_->target != nullptr && !ready_->queued() && running_ < program_->at_once &&
        !waiting_.empty()) {
        runs_.scheduler().emergency_send(ready_);
    }
}

void Rule::ready() noexcept {
    try {
        if (running_ < program_->at_once && !waiting_.empty()) {
            begin_run();
        }
        send_ready();
    } catch (...) {
        ++counts_.failed;
        runs_.scheduler().log_exception("beginning a run of a rule");
    }
}

void Rule::begin_run() {
    auto running = std::make_unique<Running>(*this);
    Json event = waiting_.take();
    make_room();
    Task<> task = run(std::move(event), std::move(running));
    runs_.start(std::move(task), {.name = routine_name_});
}

Task<> Rule::run(Json event, std::unique_ptr<Running> running) {
    // A round of the scheduler ends when no event is left. Rules whose steps send the events on
    // which they act would make it endless.
    if (host_.round_has_many_runs()) {
        try {
            co_await do_events();
        } catch (const QuitException&) {
            ++interrupted_;
            throw;
        }
    }
    const Time began = runs_.scheduler().now();
    Run own(host_.module(), program_, host_.script_limits(), counts_.retries, std::move(event));
    std::optional<Failure> failure;
    try {
        Task<> going = own.go();
        co_await going;
    } catch (const StepFailed& failed) {
        failure = failed.failure();
    } catch (const QuitException&) {
        ++interrupted_;
        throw;
    }
    ++counts_.runs;
    host_.count_run(runs_.scheduler().now() - began);
    if (failure) {
        ++counts_.failed;
        Task<> reporting = report(*std::move(failure), own.event());
        co_await reporting;
    }
    running.reset();
}

Task<> Rule::report_alone(Failure failure, Json event) {
    struct Ended {
        RuleHost& host;
        ~Ended() { host.run_ended(); }
    };
    const Ended ended{host_};
    Task<> reporting = report(std::move(failure), std::move(event));
    co_await reporting;
}

// A rule about failures that fails itself is only logged: otherwise it would go on for ever.
Task<> Rule::report(Failure failure, Json event) {
    const std::string attempts =
        failure.attempts == 1 ? "" : " (tried " + std::to_string(failure.attempts) + " times)";
    host_.module().log().warning("failed at {}: {}{}", failure.step, to_text(failure.error),
                                 attempts);
    if (program_->on.type == event_type<RuleFailed>().name()) {
        co_return;
    }
    const Ref<Event> failed = make_event<RuleFailed>(
        program_->name, std::move(failure.step), std::move(failure.error.code),
        std::move(failure.error.message), failure.attempts, value_of(event));
    co_await send(failed);
}

RuleInfo Rule::info() const {
    RuleInfo info = counts_;
    info.state = stopped_                          ? "leaves"
                 : !program_->on_start && !chosen_ ? "unknown_event"
                 : holding_ || refused_            ? "held"
                                                   : "works";
    info.dropped += pacing_.dropped();
    info.running = running_;
    info.waiting = waiting_.size() + pacing_.waiting();
    return info;
}

}  // namespace weir::rules
