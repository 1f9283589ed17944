#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <string>

#include "modules/database/database.h"

namespace weir::jobs {

struct Job {
    enum class State : std::uint8_t { waiting, running, dead };

    std::uint64_t id = 0;
    std::string queue;
    std::string key;
    int priority = 0;
    std::string data;         // JSON
    std::uint32_t tries = 0;  // and the receipt of the worker that has it
    State state = State::waiting;
    // When it may be fetched, or may be fetched again because its worker has not come back.
    std::int64_t due = 0;  // microseconds since 1970
    std::string reason;    // why it has failed
};

// What has become of a job that is done or has failed for good, as its event tells it.
struct Outcome {
    std::uint64_t id = 0;
    std::string queue;
    std::string key;
    bool is_dead = false;  // else it is done, and the members below are not set
    std::string data = {};
    std::uint32_t tries = 0;
    std::string reason = {};
};

// Returns at most the first 4096 bytes of what a worker says: at length, too, it can say that it
// has failed.
std::string shortened_reason(std::string reason);

// Returns how much it counts in `max_size`, in bytes.
inline std::size_t size_of(const Job& job) noexcept {
    return job.data.size() + job.key.size() + job.reason.size();
}

// The tables of the file, and the queries that read them.
extern const database::Layout layout;
extern const char* const read_jobs;
extern const char* const read_last_id;

// Returns a job that read_jobs has found. Throws std::exception if that is no job.
Job job_of(const database::Row& cells);
// Returns the id that read_last_id has found.
std::uint64_t id_of(const database::Row& cells);

// Returns the changes that keep a new job, what has changed of a job, and that it is gone.
std::list<database::Change> adding(const Job& job);
database::Change changing(const Job& job);
database::Change removing(std::uint64_t id);

}  // namespace weir::jobs
