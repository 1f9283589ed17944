#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/run/container.h"
#include "core/wait/future.h"
#include "core/wait/task_pool.h"
#include "modules/store/database.h"

namespace weir::store {

// Writes what changes to the database, on another thread, so that a slow disk delays no other
// routine. What comes while a transaction is written waits for the next: all of it is one
// transaction, and one sync of the disk.
class Writer {
public:
    explicit Writer(Scheduler& scheduler) : pool_(scheduler, 1), written_(scheduler) {}

    // Opens the database, and returns its rows. Throws DatabaseError.
    Task<std::vector<Row>> open(std::string file);
    std::uint64_t last_version() const noexcept { return last_version_; }

    // co_await write(row): returns when the row is on the disk. Throws DatabaseError if it could
    // not be written; it is then written together with the next.
    Task<> write(Container& container, std::vector<Row> rows);
    // Waits until all is written, or could not be.
    Task<> flush();
    std::uint64_t transactions() const noexcept { return transactions_; }

private:
    Task<> write_pending();

    TaskPool pool_;
    std::shared_ptr<Database> database_;  // shared with the thread that writes
    std::vector<Row> pending_;
    Future<> written_;  // of what is pending
    bool writing_ = false;
    std::uint64_t last_version_ = 0;
    std::uint64_t transactions_ = 0;
};

}  // namespace weir::store
