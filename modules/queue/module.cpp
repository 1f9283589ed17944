// The plugin `queue`: jobs that workers do, at least once, in memory and in a file that survives
// crashes.

#include "modules/system/module/module.h"

#include <algorithm>
#include <chrono>
#include <concepts>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/settings/duration.h"
#include "core/run/routine.h"
#include "core/simulation/wall_clock.h"
#include "core/wait/alarm.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/database/writer.h"
#include "modules/queue/api.h"
#include "modules/queue/jobs.h"
#include "modules/queue/module_class.h"
#include "modules/queue/outcome_events.h"
#include "modules/queue/ready_events.h"
#include "modules/queue/settings.h"
#include "modules/system/call/json.h"
#include "modules/system/call/json_writer.h"
#include "modules/system/call/require_named.h"
#include "modules/system/module/plugin.h"
#include "modules/system/module/serving_event.h"

namespace weir::jobs {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

// A job is there for a call of `fetch` that waits.
struct JobGiven : Event {
    Index<const void*> fetcher;

    static auto declare() {
        return declare_event<JobGiven>("queue.JobGiven").index("fetcher", &JobGiven::fetcher);
    }
};

// What one version of the module hands to the next: all that it has.
struct QueueState {
    static constexpr std::string_view name = "queue";
    static constexpr std::uint32_t version = 3;

    database::Handle file{nullptr, nullptr};
    std::vector<Job> jobs;
    std::vector<std::uint64_t> told;  // of the jobs that are ready: the event was sent
    std::uint64_t last_id = 0;
    std::list<Outcome> outcomes;  // of which the events wait
};

class QueueModule final : public ModuleOf<QueueSettings> {
public:
    explicit QueueModule(const ModuleContext& context)
        : ModuleOf(context), writer_(context.scheduler) {}
    ~QueueModule() override { close(); }

    static auto declare() {
        return declare_module<QueueModule>("queue", "Keeps jobs until workers have done them")
            .checks(&check_app)
            .hands_over<QueueState>(&QueueModule::hand_over, &QueueModule::take_over)
            .event<Ready>()
            .event<Finished>()
            .event<Dead>()
            .function("submit", &QueueModule::submit)
            .function("fetch", &QueueModule::fetch)
            .function("finish", &QueueModule::finish)
            .function("fail", &QueueModule::fail)
            .function("extend", &QueueModule::extend)
            .function("list", "Lists the queues, with how many jobs they have", &QueueModule::list)
            .function("dead", &QueueModule::dead)
            .function("revive", &QueueModule::revive)
            .counter("submitted", "Jobs that were added",
                     &QueueModule::add_by_queue<&LineInfo::submitted>)
            .counter("finished", "Jobs that were done",
                     &QueueModule::add_by_queue<&LineInfo::finished>)
            .counter("failed", "Tries that have failed",
                     &QueueModule::add_by_queue<&LineInfo::failed>)
            .gauge("ready", "Jobs that may be fetched",
                   &QueueModule::add_by_queue<&LineInfo::ready>)
            .gauge("running", "Jobs that workers have",
                   &QueueModule::add_by_queue<&LineInfo::running>)
            .gauge("dead", "Jobs that have failed for good",
                   &QueueModule::add_by_queue<&LineInfo::dead>)
            .gauge("bytes", "Size of all jobs, with their keys and reasons", &QueueModule::bytes)
            .reads({"list", "dead"});
    }

    Task<> load() override {
        if (!settings().file || replaces()) {
            co_return;
        }
        std::vector<database::Query> queries;
        queries.push_back({read_last_id, [this](const database::Row& cells) {
                               jobs_.set_last_id(id_of(cells));
                           }});
        queries.push_back(
            {read_jobs, [this](const database::Row& cells) { jobs_.load(job_of(cells), now()); }});
        Task<> opening = writer_.open(*settings().file, layout, std::move(queries));
        co_await opening;
        warn_of_hidden_jobs();
    }

    using ModuleOf::settings_changed;
    void settings_changed(const QueueSettings& before) override {
        if (!config::description_of<QueueSettings>().equal(&before, &settings())) {
            warn_of_hidden_jobs();
        }
    }

    void begin() override {
        if (settings().file && !writer_.is_open()) {
            throw std::runtime_error("the version before has not handed over the file");
        }
        clock_ = start(keep_time(), {.name = "queue.clock", .daemon = true});
        ready_.begin();
        outcomes_.begin();
    }

    Task<> unload() override {
        Task<> flushing = writer_.flush();
        co_await flushing;
        Task<> sending = outcomes_.flush();
        co_await sending;
    }
    void retire() override {
        ready_.end();
        outcomes_.end();
        if (clock_ != nullptr) {
            clock_->close();
        }
    }
    bool can_hand_over() const override { return !writer_.writing(); }

private:
    // A call of `fetch` that waits for a job, first come, first served.
    class Fetcher {
    public:
        Fetcher(QueueModule& module, std::string queue, milliseconds how_long)
            : visibility(how_long),
              module_(module),
              queue_(std::move(queue)),
              place_(module.fetchers_[queue_].insert(module.fetchers_[queue_].end(), this)) {}
        Fetcher(const Fetcher&) = delete;
        Fetcher& operator=(const Fetcher&) = delete;
        ~Fetcher() {
            if (!has_job()) {
                module_.fetchers_[queue_].erase(place_);
            } else if (const Job* const job = is_taken_ ? nullptr : given_job()) {
                module_.put_back(*job);
            }
        }

        Matcher given() const { return match<JobGiven>(static_cast<const void*>(this)).make(); }
        bool has_job() const noexcept { return job_ != 0; }
        void give(const Job& job) noexcept {
            job_ = job.id;
            receipt_ = job.tries;
        }
        // Returns null if the job's visibility has ended since, or another caller has guessed the
        // receipt and finished it.
        const Job* take() noexcept {
            is_taken_ = true;
            return given_job();
        }

        const milliseconds visibility;

    private:
        QueueModule& module_;
        const std::string queue_;
        const std::list<Fetcher*>::iterator place_;
        const Job* given_job() const noexcept { return module_.jobs_.running(job_, receipt_); }

        std::uint64_t job_ = 0;  // the one that it was given; 0: none
        std::uint32_t receipt_ = 0;
        bool is_taken_ = false;
    };

    // A change under way: what follows it, and what to wait for before.
    struct Commit {
        std::shared_ptr<Effects> effects;  // shared with what undoes it
        std::optional<Future<>> written;
    };

    void warn_of_hidden_jobs() const {
        for (const auto& [line_name, line] : jobs_.lines()) {
            const std::size_t jobs = line.unfinished() + line.dead.size();
            if (jobs != 0 && !settings().queues.contains(line_name)) {
                log().warning(
                    "{} jobs are kept of a queue '{}', which queues does not have: no call "
                    "reaches them",
                    jobs, line_name);
            }
        }
    }

    // This version keeps its jobs, in case that the new one fails.
    QueueState hand_over() {
        QueueState state;
        state.jobs = jobs_.all();
        state.told = jobs_.told();
        state.last_id = jobs_.last_id();
        state.file = writer_.release();
        state.outcomes = outcomes_.release();
        handed_over_ = true;
        return state;
    }

    // Also called with what this has handed over, when the new version has failed.
    void take_over(QueueState& state) {
        if (!std::exchange(handed_over_, false)) {
            jobs_.set_last_id(state.last_id);
            for (Job& job : state.jobs) {
                jobs_.load(std::move(job), now());
            }
            for (const std::uint64_t id : state.told) {
                jobs_.tell(id);
            }
        }
        writer_.adopt(std::move(state.file));
        outcomes_.add(state.outcomes);
    }

    std::int64_t now() const noexcept { return wall_clock(scheduler().poller()); }
    std::int64_t in(Duration time) const noexcept {
        return now() + std::chrono::duration_cast<microseconds>(time).count();
    }
    std::size_t bytes() const noexcept { return jobs_.bytes(); }

    const LineSettings& settings_of(const std::string& queue) const {
        return require_named(settings().queues, "queue", queue)->second;
    }

    // --- functions: memory changes at once, so that calls see each other in the order in which
    // they came; a call returns, and its events follow, when its change is on the disk. What cannot
    // be written is undone.

    Task<std::uint64_t> submit(SubmitParameters parameters) {
        const LineSettings& line = settings_of(parameters.queue);
        Job job;
        job.data = json_text(json_of(parameters.data));
        if (job.data.size() > settings().max_data.bytes) {
            throw ApiException("too_large", "the data is larger than max_data");
        }
        job.queue = parameters.queue;
        job.key = parameters.key;
        job.priority = parameters.priority;
        job.due = parameters.delay == milliseconds() ? 0 : in(parameters.delay);
        const Jobs::Waiting replaced =
            parameters.replace ? jobs_.waiting(parameters.queue, parameters.key) : Jobs::Waiting();
        if (jobs_.line(parameters.queue).unfinished() - replaced.ids.size() >= line.max_jobs) {
            throw ApiException("limit_reached", "the queue has no room: max_jobs");
        }
        if (jobs_.bytes() - replaced.bytes + size_of(job) > settings().max_size.bytes) {
            throw ApiException("limit_reached", "there is no room: max_size");
        }
        std::uint64_t id = 0;
        const auto change = [&](Effects& effects) {
            for (const std::uint64_t old : replaced.ids) {
                jobs_.remove(old, effects);
            }
            id = jobs_.add(std::move(job), now(), effects);
        };
        Task<> committing = commit(parameters.queue, change);
        co_await committing;
        co_return id;
    }

    Task<std::optional<FetchedJob>> fetch(FetchParameters parameters) {
        const LineSettings& line = settings_of(parameters.queue);
        Fetcher fetcher(*this, parameters.queue, parameters.visibility.value_or(line.visibility));
        serve(parameters.queue);
        // A reload waits for its end: then the caller asks the next version.
        const Time deadline = scheduler().now() + parameters.wait;
        const Matcher given = fetcher.given();
        const Matcher ends = serving_changes();
        while (!fetcher.has_job() && serving() && scheduler().now() < deadline) {
            co_await wait_with_timeout(deadline - scheduler().now(), given, ends);
        }
        if (!fetcher.has_job()) {
            co_return std::nullopt;
        }
        const Job* const taken = fetcher.take();
        if (taken == nullptr) {
            co_return std::nullopt;
        }
        const Job& job = *taken;
        FetchedJob fetched{job.id,  job.tries,    value_of(Json::parse(job.data)),
                           job.key, job.priority, job.tries};
        Task<> committing =
            commit(parameters.queue, [&](Effects& effects) { jobs_.taken(job, effects); });
        co_await committing;
        co_return fetched;
    }

    Task<> finish(const FinishParameters& parameters) {
        Job& job = find(parameters);
        return commit(job.queue, [&](Effects& effects) { jobs_.finish(job, effects); });
    }

    Task<> fail(FailParameters parameters) {
        Job& job = find(parameters);
        std::optional<std::int64_t> again;
        if (!parameters.final) {
            again = next_try(job, parameters.retry_in);
        }
        return commit(job.queue, [&](Effects& effects) {
            jobs_.fail(job, shortened_reason(std::move(parameters.reason)), again,
                       max_dead(job.queue), now(), effects);
        });
    }

    Task<> extend(const ExtendParameters& parameters) {
        Job& job = find(parameters);
        const milliseconds visibility =
            parameters.visibility.value_or(settings_of(job.queue).visibility);
        return commit(job.queue,
                      [&](Effects& effects) { jobs_.extend(job, in(visibility), effects); });
    }

    std::vector<DeadJob> dead(const DeadParameters& parameters) {
        settings_of(parameters.queue);
        std::vector<DeadJob> result;
        for (const std::uint64_t id : jobs_.line(parameters.queue).dead) {
            if (result.size() == parameters.limit) {
                break;
            }
            const Job& job = jobs_.job(id);
            result.push_back({id, value_of(Json::parse(job.data)), job.key, job.tries, job.reason});
        }
        return result;
    }

    Task<> revive(const ReviveParameters& parameters) {
        Job* const job = jobs_.dead(parameters.id);
        if (job == nullptr) {
            throw ApiException("not_dead", "the job " + std::to_string(parameters.id) +
                                               " is none that has failed for good");
        }
        return commit(job->queue, [&](Effects& effects) { jobs_.revive(*job, effects); });
    }

    Job& find(const JobParameters& parameters) {
        Job* const job = jobs_.running(parameters.id, parameters.receipt);
        if (job == nullptr) {
            throw ApiException("not_yours", "the caller does not have the job " +
                                                std::to_string(parameters.id) +
                                                ": it is done, or its time was over");
        }
        return *job;
    }
    // Nothing: it has failed for good. A queue that is no longer there tries nothing again.
    std::optional<std::int64_t> next_try(const Job& job, std::optional<milliseconds> pause) {
        const auto line = settings().queues.find(job.queue);
        if (line == settings().queues.end() || job.tries > line->second.retry.times) {
            return std::nullopt;
        }
        return in(pause ? Duration(*pause)
                        : line->second.retry.pause_after(job.tries, scheduler()));
    }

    std::size_t max_dead(const std::string& queue) const {
        const auto line = settings().queues.find(queue);
        return line == settings().queues.end() ? LineSettings().max_dead : line->second.max_dead;
    }

    // --- workers

    // Gives jobs to the calls of `fetch` that wait.
    void serve(const std::string& queue) noexcept {
        try {
            const auto waiting = fetchers_.find(queue);
            while (waiting != fetchers_.end() && !waiting->second.empty()) {
                Fetcher& next = *waiting->second.front();
                const Ref<Event> given = make_event<JobGiven>(static_cast<const void*>(&next));
                Job* const job = jobs_.take(queue, in(next.visibility));
                if (job == nullptr) {
                    break;
                }
                waiting->second.pop_front();
                next.give(*job);
                scheduler().emergency_send(given);
            }
            look_at_the_clock();
            ready_.look();
        } catch (...) {
            scheduler().log_exception("giving jobs to workers");
        }
    }

    // What was undone may be ready again, whether or not its caller is still there. Serves when all
    // that fails together is undone. The clock, whose changes need the file too, rests.
    void serve_soon() {
        clock_rests_until_ = scheduler().now() + pause_after_failure;
        if (!serves_soon_) {
            start(serve_all(), {.name = "queue after an undo"});
            serves_soon_ = true;
        }
    }

    Task<> serve_all() {
        serves_soon_ = false;
        for (const auto& [queue, waiting] : fetchers_) {
            serve(queue);
        }
        look_at_the_clock();
        ready_.look();
        co_return;
    }

    // A worker has gone before it could get the job.
    void put_back(const Job& job) noexcept {
        const std::string queue = job.queue;
        try {
            jobs_.put_back(job.id);
        } catch (...) {
            scheduler().log_exception("putting a job back");
        }
        serve(queue);
    }

    // --- time

    Matcher serving_changes() const {
        return match<ModuleServing>(static_cast<const Module*>(this)).make();
    }

    // Returns when the next time comes: the end of a delay, or of a visibility; or earlier, if the
    // clock of the machine may be set meanwhile.
    Time next_time() const noexcept {
        const std::optional<std::int64_t> next = jobs_.next_time();
        return next ? std::max(scheduler().now() + until_wall_clock(scheduler().poller(), *next),
                               clock_rests_until_)
                    : Time::max();
    }

    void look_at_the_clock() noexcept { alarm_.no_later_than(next_time()); }

    // While the module does not serve, no visibility ends: if its unloading is refused, it works
    // on.
    Task<> keep_time() {
        const Matcher serves = serving_changes();
        for (;;) {
            bool has_memory = true;
            try {
                co_await alarm_.wait(next_time());
                while (!serving()) {
                    co_await serves;
                }
            } catch (const std::bad_alloc&) {
                has_memory = false;
            }
            if (!has_memory) {
                co_await sleep(pause_without_memory);
            }
            const std::optional<std::int64_t> next = jobs_.next_time();
            if (next && *next <= now() && clock_rests_until_ <= scheduler().now()) {
                time_has_come();
            }
        }
    }

    void time_has_come() noexcept {
        try {
            Commit begun = begin_commit([&](Effects& effects) {
                while (Job* const job = jobs_.overdue(now())) {
                    jobs_.fail(*job, "its worker has not come back", next_try(*job, milliseconds()),
                               max_dead(job->queue), now(), effects);
                }
            });
            start(end_late(std::move(begun)), {.name = "queue clock"});
        } catch (...) {
            clock_rests_until_ = scheduler().now() + pause_after_failure;
            scheduler().log_exception("looking whether workers have come back");
        }
        for (const auto& [line_name, line] : settings().queues) {
            serve(line_name);
        }
    }

    Task<> end_late(Commit begun) {
        try {
            Task<> ending = end_commit(std::move(begun));
            co_await ending;
        } catch (const ApiException& exception) {
            log().error(
                "jobs whose workers have not come back could not be given to others, this is "
                "tried again in {}: {}",
                config::duration_text(pause_after_failure), exception.error().message);
        }
    }

    // --- the file

    // Makes the change in memory, and hands it to the writer. If it throws, it has done neither.
    template <std::invocable<Effects&> F>
    Commit begin_commit(F change) {
        Commit begun{std::make_shared<Effects>(), {}};
        Effects& effects = *begun.effects;
        try {
            change(effects);
            if (!effects.changes.empty()) {
                begun.written =
                    writer_.submit(*this, std::move(effects.changes), [this, kept = begun.effects] {
                        jobs_.undo(kept->before, now());
                        serve_soon();
                    });
                if (begun.written) {
                    ready_.written_by(*begun.written);
                }
            }
        } catch (...) {
            jobs_.undo(effects.before, now());
            throw;
        }
        return begun;
    }

    Task<> end_commit(Commit begun) {
        Task<> writing = database::Writer::until_written(std::move(begun.written));
        co_await writing;
        jobs_.count(begun.effects->counted);
        if (!begun.effects->outcomes.empty()) {
            outcomes_.add(begun.effects->outcomes);
            Task<> waiting = outcomes_.room();
            co_await waiting;
        }
    }

    template <std::invocable<Effects&> F>
    Task<> commit(std::string queue, F change) {  // a copy: the change may destroy its job
        Commit begun = begin_commit(std::move(change));
        serve(queue);
        return end_commit(std::move(begun));
    }

    // --- what it shows

    std::vector<LineInfo> list() const {
        std::vector<LineInfo> result;
        for (const auto& [line_name, line_settings] : settings().queues) {
            LineInfo info;
            info.name = line_name;
            info.description = line_settings.description;
            jobs_.describe(line_name, info);
            if (const auto waiting = fetchers_.find(line_name); waiting != fetchers_.end()) {
                info.workers = waiting->second.size();
            }
            result.push_back(std::move(info));
        }
        return result;
    }

    template <auto Member>
    void add_by_queue(MetricFamily& values) const {
        for (const LineInfo& info : list()) {
            values.add(info.*Member, {{"queue", info.name}});
        }
    }

    static constexpr Duration pause_after_failure = std::chrono::seconds(10);
    static constexpr Duration pause_without_memory = milliseconds(5);

    Jobs jobs_;
    std::map<std::string, std::list<Fetcher*>> fetchers_;  // that have no job yet, by queue
    database::Writer writer_;
    Alarm alarm_;  // of the times of jobs
    Ref<Routine> clock_;
    ReadyEvents ready_{*this, jobs_};
    OutcomeEvents outcomes_{*this};
    bool serves_soon_ = false;
    bool handed_over_ = false;
    Time clock_rests_until_{};  // after what cannot be done at once
};

}  // namespace

const ModuleClass& queue_class() {
    return module_class<QueueModule>();
}

}  // namespace weir::jobs

WEIR_PLUGIN(queue, weir::jobs::QueueModule)
