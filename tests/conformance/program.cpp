#include <map>
#include <random>
#include <stdexcept>

#include "core/observe/snapshot.h"
#include "core/program/standard_queues.h"
#include "core/queue/fair_queue.h"
#include "core/run/container.h"
#include "core/run/wait.h"
#include "core/simulation/simulation.h"
#include "core/wait/do_events.h"
#include "core/wait/execute_all.h"
#include "core/wait/rate_limiter.h"
#include "core/wait/run_in_scheduler.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "core/wait/wait_for_all.h"
#include "core/wait/wait_for_empty.h"
#include "modules/lock/lock.h"
#include "modules/lock/semaphore.h"
#include "modules/lock/table.h"
#include "tests/conformance/scenario.h"

namespace weir::conformance {

namespace {

// Thrown by a statement that cannot be executed. Ends its routine.
struct CannotBeDone : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// A routine as the trace names it.
struct Actor {
    std::string name;
    bool alive = true;
    bool silent = false;  // terminated: no longer recorded
    Ref<Routine> routine;
};

Duration seconds(const Json& value) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(value.get<double>()));
}

// A scenario's routines on a scheduler with virtual time.
class Program {
public:
    Program(const Json& scenario, const Way& way)
        : scenario_(scenario),
          observed_(way.observed),
          types_(scenario),
          scheduler_(simulation_, options(scenario, way)),
          container_(scheduler_) {
        scheduler_.set_tracer(way.traced ? &tracer_ : nullptr);
        add_standard_queues(scheduler_.queue());
        // The original does not look for deadlocks, and sends no events for them. Its contexts
        // share their keys.
        LockSettings locks;
        locks.separate_contexts = false;
        locks.on_deadlock = OnDeadlock::ignore;
        add_lock_queue(scheduler_, locks);
        for (const Json& queue : scenario.at("queues")) {
            add_queue(queue);
        }
        const Json limiters = scenario.value("rate_limiters", Json::object());
        for (const auto& [name, limit] : limiters.items()) {
            limiters_[name] = std::make_unique<RateLimiter>(limit.get<std::uint64_t>(), container_);
        }
    }

    Json run() {
        for (const Json& name : scenario_.at("start")) {
            start(name, name, false);
        }
        scheduler_.run();
        return std::move(trace_);
    }

private:
    static SchedulerOptions options(const Json& scenario, const Way& way) {
        SchedulerOptions result{
            .process_events = {}, .queue = standard_root(), .log = [](const LogRecord&) {}};
        result.queue.kind = FairQueue::factory({.key = EventKey::by_type(),
                                                .returning = FairQueueOptions::Returning::last_come,
                                                .wakes_emptied = false});
        result.queue.compiled = way.compiled;
        if (const auto limit = scenario.find("process_events");
            limit != scenario.end() && !limit->is_null()) {
            result.process_events = limit->get<std::size_t>();
        }
        return result;
    }

    struct TimeIsOver {};

    // Like execute_with_timeout, with a bug of the original: a timeout is forgotten if its body
    // first waits for a system call.
    struct Limit {
        Timer timer;
        Limit* outer;
        bool forgotten = false;
    };

    // No routine notices what observers do.
    void observe() {
        switch (observed_ ? moments_() % 6 : 5) {
            case 0:
            case 1:
                scheduler_.set_tracer(scheduler_.traced() ? nullptr : &tracer_);
                break;
            case 2:
                snapshot(scheduler_);
                break;
            case 3:
                LockTable::of(scheduler_).list();
                break;
            default:
                break;
        }
    }

    template <class... T>
    void record(const Actor& actor, T&&... what) {
        observe();
        if (!actor.silent) {
            const double now =
                std::chrono::duration<double>(simulation_.now().time_since_epoch()).count();
            trace_.push_back(Json::array({now, actor.name, std::forward<T>(what)...}));
        }
    }

    void add_queue(const Json& description) {
        const std::string name = description.at("name");
        if (queues_.contains(name)) {
            throw CannotBeDone("the name of the queue is taken");
        }
        Queue& parent = *queue(description.at("parent"));
        queues_[name] =
            parent.add(name, description.at("priority"), types_.matcher(description.at("matcher")),
                       types_.queue(description));
    }

    Ref<Queue> queue(const std::string& name) {
        if (name == "root") {
            return Ref<Queue>(&scheduler_.queue());
        }
        const auto found = queues_.find(name);
        if (found == queues_.end()) {
            throw CannotBeDone("there is no such queue");
        }
        return found->second;
    }

    Lock& lock(const Json& statement) {
        auto& made = locks_[statement[1]];
        if (made == nullptr) {
            made = std::make_unique<Lock>(scheduler_, index_value(statement[2]),
                                          statement[3].get<std::string>());
        }
        return *made;
    }

    void start(const std::string& routine, const std::string& name, bool foreground) {
        const auto before = actors_.find(name);
        if (before != actors_.end() && before->second->alive) {
            throw CannotBeDone("the name of the routine is taken");
        }
        const auto actor = std::make_shared<Actor>();
        actor->name = name;
        actors_[name] = actor;
        actor->routine = container_.start(play(actor, scenario_.at("routines").at(routine)),
                                          {.name = name, .foreground = foreground});
        if (actor->routine->ended()) {
            actor->routine.reset();
        }
    }

    Task<> play(std::shared_ptr<Actor> actor, const Json& statements) {
        struct Ended {
            Actor& actor;
            ~Ended() { actor.alive = false; }
        } ended{*actor};
        co_await perform_all(*actor, statements, 0, nullptr);
        record(*actor, "end");
    }

    // Executes the statements of an array, from a position on.
    Task<> perform_all(Actor& actor, const Json& statements, std::size_t first, Limit* limit) {
        for (std::size_t i = first; i < statements.size(); ++i) {
            co_await perform(actor, statements[i], limit);
        }
    }

    std::vector<Matcher> matchers(const Json& statement, std::size_t first) const {
        std::vector<Matcher> result;
        for (std::size_t i = first; i < statement.size(); ++i) {
            result.push_back(types_.matcher(statement[i]));
        }
        return result;
    }

    static const std::string& name_of(const Ref<Event>& event) {
        return static_cast<const ScenarioEvent&>(*event).name;
    }

    Task<> wait(Actor& actor, const Json& statement, std::optional<Duration> timeout,
                std::size_t first) {
        WaitWithTimeout wait(timeout, matchers(statement, first));
        const std::optional<Matched> matched = co_await wait;
        if (matched) {
            matched->event->set_ignorable();
            record(actor, "got", name_of(matched->event), matched->which);
        } else {
            record(actor, "timed out");
        }
    }

    Task<> wait_all(Actor& actor, const Json& statement) {
        WaitForAll wait = wait_for_all_to_process(matchers(statement, 1));
        const std::vector<Matched> arrived = co_await wait;
        Json names = Json::array();
        for (const Matched& matched : arrived) {
            names.push_back(name_of(matched.event));
        }
        record(actor, "got all", std::move(names));
    }

    Task<> with_lock(Actor& actor, const Json& statement, Limit* limit) {
        {
            Lock held(scheduler_, index_value(statement[1]), statement[2].get<std::string>());
            co_await held.lock();
            record(actor, "in", statement[1]);
            co_await perform_all(actor, statement, 3, limit);
        }
        record(actor, "out", statement[1]);
    }

    // Makes a call that its routine has asked for even if that is closed before, as the original
    // does; weir does not make it. Lives in the frame that awaits the call. The original has room
    // for one call at a time: the call of a routine that asks while there is one is not made.
    class CallAnyway {
    public:
        using Function = std::function<void(const Scheduler::Processor&)>;

        CallAnyway(Scheduler& scheduler, Function function)
            : scheduler_(scheduler),
              function_(std::move(function)),
              made_(scheduler.call_pending()) {}
        CallAnyway(const CallAnyway&) = delete;
        CallAnyway& operator=(const CallAnyway&) = delete;
        ~CallAnyway() {
            if (!made_) {
                scheduler_.call_in_own_context(std::move(function_));
            }
        }

        void operator()(const Scheduler::Processor& processor) {
            made_ = true;
            function_(processor);
        }

    private:
        Scheduler& scheduler_;
        Function function_;
        bool made_;
    };

    Task<> call_anyway(CallAnyway::Function function, Limit* limit) {
        forget_unseen_limits(co_await this_routine(), limit);
        CallAnyway anyway(scheduler_, std::move(function));
        auto call = [&anyway](const Scheduler::Processor& processor) { anyway(processor); };
        co_await run_in_scheduler(std::move(call));
    }

    static void forget_unseen_limits(const Routine& routine, Limit* limit) {
        for (; limit != nullptr; limit = limit->outer) {
            bool seen = false;
            for (const Subscription& subscription : routine.subscriptions()) {
                seen = seen || subscription.matcher == limit->timer.matcher();
            }
            limit->forgotten = limit->forgotten || !seen;
        }
    }

    Task<> call(Actor& actor, const Json& statement, Limit* limit) {
        const std::string what = statement[0];
        if (what == "clear_queue" || what == "remove_queue") {
            const std::string name = statement[1];
            const bool remove = what == "remove_queue";
            const Ref<Queue> target = queue(name);
            auto change = [this, remove, target](const Scheduler::Processor& processor) {
                if (target->removed()) {
                    throw CannotBeDone("the queue is gone");
                }
                if (remove) {
                    remove_queue(scheduler_, *target, processor);
                } else {
                    clear_queue(scheduler_, *target, processor);
                }
            };
            co_await call_anyway(std::move(change), limit);
            if (remove) {
                queues_.erase(name);
            }
        } else {
            const Ref<Queue> target = queue(statement[1]);
            co_await wait_for_empty(target);
            record(actor, "is empty", statement[1]);
        }
    }

    Task<> drop_semaphore(const Json& statement, Limit* limit) {
        const auto found = semaphores_.find({statement[1].dump(), statement[2]});
        if (found == semaphores_.end()) {
            throw CannotBeDone("there is no such semaphore");
        }
        semaphores_.erase(found);
        auto destroy =
            [this, key = index_value(statement[1]),
             context = statement[2].get<std::string>()](const Scheduler::Processor& processor) {
                LockTable::of(scheduler_).destroy_semaphore(context, key, processor);
            };
        co_await call_anyway(std::move(destroy), limit);
    }

    Task<> all(Actor& actor, const Json& statement, Limit* limit) {
        std::vector<Task<>> bodies;
        const bool only = statement.size() == 2;  // runs in this routine
        for (std::size_t i = 1; i < statement.size(); ++i) {
            bodies.push_back(perform_all(actor, statement[i], 0, only ? limit : nullptr));
        }
        co_await execute_all(container_, std::move(bodies));
        record(actor, "all done");
    }

    Task<> within(Actor& actor, const Json& statement, Limit* outer) {
        Limit limit{scheduler_.set_timer(seconds(statement[1])), outer};
        bool finished = true;
        try {
            co_await with_callback(
                perform_all(actor, statement, 2, &limit),
                [&limit](const Ref<Event>&, std::size_t) {
                    if (!limit.forgotten) {
                        throw TimeIsOver();
                    }
                },
                limit.timer.matcher());
        } catch (const TimeIsOver&) {
            finished = false;
        }
        limit.timer.cancel();
        record(actor, "within", finished);
    }

    // Executes a statement that never waits. Returns whether it was one.
    bool perform_now(Actor& actor, const Json& statement) {
        observe();
        const std::string what = statement[0];
        if (what == "note") {
            record(actor, "note", statement[1]);
        } else if (what == "emergency_send") {
            scheduler_.emergency_send(types_.event(statement[1], {}));
        } else if (what == "spawn") {
            start(statement[1], statement[2], statement.size() > 3 && statement[3].get<bool>());
        } else if (what == "terminate") {
            terminate(statement[1]);
        } else if (what == "try_lock") {
            record(actor, "try", statement[1], lock(statement).try_lock());
        } else if (what == "begin_lock") {
            record(actor, "begun", statement[1], lock(statement).begin_lock(container_));
        } else if (what == "unlock") {
            if (const auto found = locks_.find(statement[1]); found != locks_.end()) {
                found->second->unlock();
            }
        } else if (what == "semaphore") {
            auto& made = semaphores_[{statement[1].dump(), statement[3]}];
            if (made != nullptr) {
                throw CannotBeDone("there is such a semaphore");
            }
            made = std::make_unique<Semaphore>(scheduler_, index_value(statement[1]),
                                               statement[2].get<std::size_t>(), statement[3]);
            made->create();
        } else if (what == "add_queue") {
            add_queue(statement[1]);
        } else if (what == "ignore") {
            scheduler_.ignore(types_.matcher(statement[1]));
        } else if (what == "quit") {
            scheduler_.quit();
        } else {
            return false;
        }
        return true;
    }

    void terminate(const std::string& name) {
        const auto found = actors_.find(name);
        if (found == actors_.end()) {
            return;
        }
        const std::shared_ptr<Actor> actor = found->second;
        actor->silent = true;
        if (actor->routine == nullptr) {
            if (actor->alive) {
                throw CannotBeDone("the routine is running");
            }
            return;
        }
        if (actor->routine->running()) {
            throw CannotBeDone("the routine is running");
        }
        actor->routine->close();
    }

    Task<> perform(Actor& actor, const Json& statement, Limit* limit) {
        if (perform_now(actor, statement)) {
            co_return;
        }
        const std::string what = statement[0];
        if (what == "send") {
            Ref<Event> event = types_.event(statement[1], {});
            co_await send(std::move(event));
            record(actor, "sent", statement[1].at("name"));
        } else if (what == "wait") {
            co_await wait(actor, statement, std::nullopt, 1);
        } else if (what == "wait_for") {
            co_await wait(actor, statement, seconds(statement[1]), 2);
        } else if (what == "wait_all") {
            co_await wait_all(actor, statement);
        } else if (what == "yield") {
            co_await do_events();
        } else if (what == "sleep") {
            co_await sleep(seconds(statement[1]));
        } else if (what == "repeat") {
            for (int i = 0; i < statement[1].get<int>(); ++i) {
                co_await perform_all(actor, statement, 2, limit);
            }
        } else if (what == "all") {
            co_await all(actor, statement, limit);
        } else if (what == "within") {
            co_await within(actor, statement, limit);
        } else if (what == "lock") {
            co_await lock(statement).lock();
            record(actor, "locked", statement[1]);
        } else if (what == "with_lock") {
            co_await with_lock(actor, statement, limit);
        } else if (what == "drop_semaphore") {
            co_await drop_semaphore(statement, limit);
        } else if (what == "clear_queue" || what == "remove_queue" || what == "wait_empty") {
            co_await call(actor, statement, limit);
        } else if (what == "limit") {
            const bool limited =
                co_await limiters_.at(statement[1])->limit(statement[2].get<std::uint64_t>());
            record(actor, "limited", limited);
        } else {
            throw std::runtime_error("unknown statement " + what);
        }
    }

    const Json& scenario_;
    const bool observed_;
    std::mt19937 moments_{1};
    const ScenarioTypes types_;
    Simulation simulation_;
    Tracer tracer_;  // does nothing, but makes the scheduler report everything
    Scheduler scheduler_;
    std::map<std::string, Ref<Queue>> queues_;
    std::map<std::string, std::unique_ptr<Lock>> locks_;
    std::map<std::pair<std::string, std::string>, std::unique_ptr<Semaphore>> semaphores_;
    std::map<std::string, std::shared_ptr<Actor>> actors_;
    Json trace_ = Json::array();
    Container container_;
    std::map<std::string, std::unique_ptr<RateLimiter>> limiters_;
};

}  // namespace

Json run_program(const Json& scenario, const Way& way) {
    return Program(scenario, way).run();
}

}  // namespace weir::conformance
