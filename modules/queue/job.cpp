#include "modules/queue/job.h"

#include <stdexcept>
#include <string_view>
#include <variant>

#include "config/text/utf8.h"
#include "modules/system/call/json.h"

namespace weir::jobs {

const database::Layout layout{
    0x77517565, "queue",
    "CREATE TABLE IF NOT EXISTS jobs (id INTEGER PRIMARY KEY, queue TEXT NOT NULL,"
    " key TEXT NOT NULL, priority INTEGER NOT NULL, data TEXT NOT NULL, tries INTEGER NOT NULL,"
    " state INTEGER NOT NULL, due INTEGER NOT NULL, reason TEXT NOT NULL);"
    "CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER NOT NULL)"
    " WITHOUT ROWID;"};
const char* const read_jobs =
    "SELECT id, queue, key, priority, data, tries, state, due, reason FROM jobs ORDER BY id";
const char* const read_last_id = "SELECT value FROM state WHERE name = 'id'";

std::string shortened_reason(std::string reason) {
    constexpr std::size_t longest = 4096;
    if (reason.size() > longest) {
        reason.resize(config::utf8_prefix(std::string_view(reason).substr(0, longest)));
        reason += " ...";
    }
    return reason;
}

namespace {

constexpr const char* add_job = "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
constexpr const char* change_job =
    "UPDATE jobs SET tries = ?, state = ?, due = ?, reason = ? WHERE id = ?";
constexpr const char* remove_job = "DELETE FROM jobs WHERE id = ?";
// An id is never given again, also if its job is gone.
constexpr const char* keep_id = "INSERT OR REPLACE INTO state VALUES ('id', ?)";

std::int64_t number(const database::Row& cells, std::size_t column) {
    return std::get<std::int64_t>(cells.at(column));
}

std::int64_t cell_of(std::uint64_t id) {
    return static_cast<std::int64_t>(id);
}

}  // namespace

Job job_of(const database::Row& cells) {
    Job job{static_cast<std::uint64_t>(number(cells, 0)),
            std::get<std::string>(cells.at(1)),
            std::get<std::string>(cells.at(2)),
            static_cast<int>(number(cells, 3)),
            std::get<std::string>(cells.at(4)),
            static_cast<std::uint32_t>(number(cells, 5)),
            static_cast<Job::State>(number(cells, 6)),
            number(cells, 7),
            std::get<std::string>(cells.at(8))};
    if (job.state > Job::State::dead || !Json::accept(job.data)) {
        throw std::invalid_argument("the job " + std::to_string(job.id) + " is none");
    }
    return job;
}

std::uint64_t id_of(const database::Row& cells) {
    return static_cast<std::uint64_t>(number(cells, 0));
}

std::list<database::Change> adding(const Job& job) {
    return {{add_job,
             {cell_of(job.id), job.queue, job.key, std::int64_t{job.priority}, job.data,
              std::int64_t{job.tries}, std::int64_t{static_cast<std::uint8_t>(job.state)}, job.due,
              job.reason}},
            {keep_id, {cell_of(job.id)}}};
}

database::Change changing(const Job& job) {
    return {change_job,
            {std::int64_t{job.tries}, std::int64_t{static_cast<std::uint8_t>(job.state)}, job.due,
             job.reason, cell_of(job.id)}};
}

database::Change removing(std::uint64_t id) {
    return {remove_job, {cell_of(id)}};
}

}  // namespace weir::jobs
