#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "modules/queue/api.h"
#include "modules/queue/job.h"
#include "modules/queue/settings.h"
#include "modules/queue/turns.h"

namespace weir::jobs {

// The jobs of one queue.
struct Line {
    Turns ready;
    std::set<std::uint64_t> dead;                             // the oldest first
    std::set<std::pair<std::string, std::uint64_t>> waiting;  // by key: ready and delayed ones
    std::size_t delayed = 0;
    std::size_t running = 0;
    std::uint64_t submitted = 0;
    std::uint64_t finished = 0;
    std::uint64_t failed = 0;

    std::size_t unfinished() const noexcept { return ready.size() + delayed + running; }
};

// What an operation has changed in memory, with how that was before. From it follows what is
// written to the file, and then which events are sent and which counts change.
struct Effects {
    struct Before {
        std::uint64_t id;
        std::optional<Job> job;  // nothing: it was not there. Without data if it still is there
    };
    struct Counted {
        std::string queue;
        std::uint64_t Line::*counter;
    };

    std::list<database::Change> changes;
    std::vector<Before> before;
    std::list<Outcome> outcomes;
    std::vector<Counted> counted;
};

// The jobs of all queues, in memory. Times are given by the caller, in microseconds since 1970. If
// an operation throws, for want of memory, undo() of its effects puts back what it has changed. Not
// thread-safe.
class Jobs {
public:
    // Takes over what a file has.
    void load(Job job, std::int64_t now) { insert(std::move(job), now); }
    void set_last_id(std::uint64_t id) noexcept { last_id_ = id; }

    // Adds a job, and returns its id.
    std::uint64_t add(Job job, std::int64_t now, Effects& effects);
    // Jobs of a key that no worker has.
    struct Waiting {
        std::vector<std::uint64_t> ids;
        std::size_t bytes = 0;
    };
    Waiting waiting(const std::string& queue, const std::string& key) const;
    // Destroys the job. Requires that there is one with that id.
    void remove(std::uint64_t id, Effects& effects);
    // Gives the next job to a worker, up to the time; null if there is none. That counts when the
    // worker gets it: taken().
    Job* take(const std::string& queue, std::int64_t until);
    void taken(const Job& job, Effects& effects);
    // Undoes take(): no worker has got the job.
    void put_back(std::uint64_t id);
    // Returns the job if the receipt is that of the worker which has it now; null otherwise.
    Job* running(std::uint64_t id, std::uint32_t receipt);
    // For a job that is running:
    void extend(Job& job, std::int64_t until, Effects& effects);
    // Destroys the job.
    void finish(Job& job, Effects& effects);
    // Tries the job again at a time, or, if there is none, never. Then the oldest dead jobs of the
    // queue beyond `max_dead` are destroyed, which this one may be among.
    void fail(Job& job, std::string reason, std::optional<std::int64_t> again, std::size_t max_dead,
              std::int64_t now, Effects& effects);
    // Returns the job if it has failed for good; null otherwise.
    Job* dead(std::uint64_t id);
    // Lets a job be fetched again that is dead.
    void revive(Job& job, Effects& effects);

    // Puts jobs back as they were.
    void undo(std::vector<Effects::Before>& before, std::int64_t now);
    void count(const std::vector<Effects::Counted>& counted);

    // Returns a running job whose worker has not come back in time; null: there is none. Jobs whose
    // delay has ended become ready.
    Job* overdue(std::int64_t now);
    // When the next time comes.
    std::optional<std::int64_t> next_time() const;

    // The jobs that are ready, and of which no event Ready was sent yet, the oldest first.
    const std::set<std::uint64_t>& untold() const noexcept { return untold_; }
    // The event of a job was sent.
    void tell(std::uint64_t id) noexcept { untold_.erase(id); }
    // The other jobs that are ready.
    std::vector<std::uint64_t> told() const;
    // Events of all jobs that are ready are to be sent again.
    void forget_told();

    Line& line(const std::string& queue) { return lines_[queue]; }
    const std::map<std::string, Line>& lines() const noexcept { return lines_; }
    const Job& job(std::uint64_t id) const { return jobs_.at(id).job; }
    std::size_t bytes() const noexcept { return bytes_; }
    std::vector<Job> all() const;
    // Sets what the info counts of the jobs of the queue.
    void describe(const std::string& queue, LineInfo& info) const;
    std::uint64_t last_id() const noexcept { return last_id_; }

private:
    using Times = std::multimap<std::int64_t, std::uint64_t>;
    struct Entry {
        enum class In : std::uint8_t { nothing, ready, delayed, running, dead };

        Job job;
        In in = In::nothing;   // of its line
        Times::iterator time;  // if it is delayed or running
        std::set<std::pair<std::string, std::uint64_t>>::iterator waiting;  // if ready or delayed
    };

    Entry& insert(Job job, std::int64_t now);
    void attach(Entry& entry, std::int64_t now);
    void detach(Entry& entry) noexcept;
    void wait(Entry& entry, std::int64_t now);

    std::map<std::uint64_t, Entry> jobs_;
    std::map<std::string, Line> lines_;
    Times times_;
    std::set<std::uint64_t> untold_;
    std::uint64_t last_id_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace weir::jobs
