#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "core/base/ref.h"
#include "core/event/event.h"
#include "modules/queue/job.h"
#include "modules/queue/settings.h"
#include "modules/queue/turns.h"

namespace weir::jobs {

// What an operation changes: in the file, and then as events.
struct Effects {
    std::list<database::Change> changes;
    std::vector<Ref<Event>> events;
};

// The jobs of all queues, in memory. Times are given by the caller, in microseconds since 1970. Not
// thread-safe.
class Jobs {
public:
    struct Line {
        Turns ready;
        std::set<std::uint64_t> dead;  // the oldest first
        std::size_t delayed = 0;
        std::size_t running = 0;
        std::uint64_t submitted = 0;
        std::uint64_t finished = 0;
        std::uint64_t failed = 0;

        std::size_t unfinished() const noexcept { return ready.size() + delayed + running; }
    };

    // Takes over what a file has.
    void load(Job job, std::int64_t now);
    void set_last_id(std::uint64_t id) noexcept { last_id_ = id; }

    // Adds a job, and returns its id.
    std::uint64_t add(Job job, std::int64_t now, Effects& effects);
    // Removes the jobs of a key that no worker has.
    void remove_waiting(const std::string& queue, const std::string& key, Effects& effects);
    // Gives the next job to a worker, up to the time; null if there is none.
    Job* take(const std::string& queue, std::int64_t until);
    // Undoes take(): no worker has got the job.
    void put_back(std::uint64_t id);
    // Returns the job if the receipt is that of the worker which has it now; null otherwise.
    Job* running(std::uint64_t id, std::uint32_t receipt);
    // For a job that is running:
    void extend(Job& job, std::int64_t until, Effects& effects);
    void finish(Job& job, Effects& effects);
    // Tries it again at a time, or, if there is none, never.
    void fail(Job& job, std::string reason, std::optional<std::int64_t> again, std::size_t max_dead,
              std::int64_t now, Effects& effects);
    // Lets a job be fetched again that is dead. Returns whether it was.
    bool revive(std::uint64_t id, Effects& effects);

    // Returns a job whose worker has not come back in time, and is still running; null: none. Those
    // whose delay is over are ready.
    Job* overdue(std::int64_t now, Effects& effects);
    // When the next time comes.
    std::optional<std::int64_t> next_time() const;

    Line& line(const std::string& queue) { return lines_[queue]; }
    const std::map<std::string, Line>& lines() const noexcept { return lines_; }
    const Job& job(std::uint64_t id) const { return jobs_.at(id).job; }
    std::size_t bytes() const noexcept { return bytes_; }
    std::vector<Job> all() const;
    std::uint64_t last_id() const noexcept { return last_id_; }

private:
    using Times = std::multimap<std::int64_t, std::uint64_t>;
    struct Entry {
        Job job;
        Times::iterator time;
        bool has_time = false;
    };

    void wait(Entry& entry, std::int64_t now, Effects* effects);
    void set_time(Entry& entry);
    void end_time(Entry& entry) noexcept;
    void erase(std::uint64_t id) noexcept;

    std::map<std::uint64_t, Entry> jobs_;
    std::map<std::string, Line> lines_;
    Times times_;
    std::uint64_t last_id_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace weir::jobs
