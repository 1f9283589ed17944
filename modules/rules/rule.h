#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/run/event_handler.h"
#include "modules/rules/choice.h"
#include "modules/rules/events.h"
#include "modules/rules/held_events.h"
#include "modules/rules/pacing.h"
#include "modules/rules/program.h"
#include "modules/rules/run.h"
#include "modules/rules/waiting.h"
#include "modules/system/module/module.h"

namespace weir::rules {

// What a rule needs of its module.
class RuleHost {
public:
    virtual Module& module() noexcept = 0;
    // Makes sure that RuleReady events of this priority have a queue.
    virtual void need_queue(int priority) = 0;
    // Returns what holds the events of the type back. Its queue takes `limit` events if it is made.
    virtual HeldEvents& held_events(const EventType& type, std::size_t limit) = 0;
    virtual void count_run(Duration time) noexcept = 0;
    // A run, or the report of a failure, has ended: the rule may be idle now.
    virtual void run_ended() noexcept = 0;
    // Counts a run that begins. Returns whether so many have begun in this round of the scheduler
    // that this one has to wait for the next.
    virtual bool round_has_many_runs() noexcept = 0;
    virtual const ScriptSettings& script_limits() const noexcept = 0;

protected:
    ~RuleHost() = default;
};

// A rule as `rules.list` shows it.
struct RuleInfo {
    std::string name;
    std::string on;
    std::string state;
    std::uint64_t events = 0;
    std::uint64_t runs = 0;
    std::uint64_t failed = 0;
    std::uint64_t retries = 0;
    std::uint64_t dropped = 0;
    std::size_t running = 0;
    std::size_t waiting = 0;

    static config::Settings<RuleInfo> describe();
};

// A rule at work: takes the events that it is about, lets them wait while it runs as often as it
// may, and runs its program for each, every run in a routine of its own.
//
// Each run begins with a RuleReady event: its queue decides when, by the priority of the rule. When
// as many events wait as may, the queue of the events is held back (HeldEvents), or the oldest is
// dropped.
class Rule final : private ReadyTarget {
public:
    // The host must outlive it.
    Rule(RuleHost& host, Program program, std::size_t most_keys);
    Rule(const Rule&) = delete;
    Rule& operator=(const Rule&) = delete;
    ~Rule();

    const Program& program() const noexcept { return *program_; }

    // Finds out about the events, if there is such a type now.
    void prepare();
    // The same; and takes events from now on.
    void connect();
    // Runs without an event.
    void run_once() { admit(Json()); }
    // Takes an event as if it had come. If its `fair_by` has no value, that is a failure of the
    // rule, which is reported.
    void admit(Json event);
    // Takes no more events; those that wait are still run for.
    void stop();
    bool stopped() const noexcept { return stopped_; }
    // Undoes stop().
    void go_on();
    // Removes the events that wait, the oldest first.
    std::vector<Json> take_waiting();
    // Returns whether nothing runs, nothing waits, and all failures are reported.
    bool idle() const noexcept {
        return runs_.routines().empty() && waiting_.empty() && pacing_.waiting() == 0;
    }
    // Returns for how many events the rule has not run to the end: because the program quits, or
    // until now.
    std::size_t unfinished() const noexcept {
        return interrupted_ + running_ + waiting_.size() + pacing_.waiting();
    }

    RuleInfo info() const;

private:
    class Running;

    void receive();
    void triggered(const Ref<Event>& event);
    void take(const Ref<Event>& event);
    void fail_before_run(Failure failure, Json event);
    bool full() const noexcept { return waiting_.size() >= program_->waiting; }
    void hold_back();
    void make_room() noexcept;
    void send_ready();
    void ready() noexcept override;
    void begin_run();
    Task<> run(Json event, std::unique_ptr<Running> running);
    Task<> report_alone(Failure failure, Json event);
    Task<> report(Failure failure, Json event);

    RuleHost& host_;
    const std::shared_ptr<const Program> program_;  // shared with its runs
    const std::string routine_name_;
    EventHandler handler_;
    std::optional<Chosen> chosen_;
    HeldEvents* held_ = nullptr;
    bool holding_ = false;
    bool refused_ = false;  // an event blocks its queue because there was no room for it
    bool stopped_ = false;
    Waiting waiting_;
    const Ref<RuleReady> ready_;
    std::size_t running_ = 0;
    std::size_t interrupted_ = 0;
    RuleInfo counts_;
    Pacing pacing_;
    Container runs_;
};

}  // namespace weir::rules
