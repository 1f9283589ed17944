#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/run/container.h"
#include "core/wait/future.h"
#include "core/wait/task_pool.h"
#include "modules/database/database.h"

namespace weir::database {

// Writes changes to a database on another thread, so that a slow disk delays no other routine.
// What comes while a transaction is written waits for the next: all of it is one transaction, and
// one sync of the disk.
class Writer {
public:
    explicit Writer(Scheduler& scheduler) : pool_(scheduler, 1), written_(scheduler) {}

    // Opens the database, and returns what the queries find, one after the other. Throws
    // DatabaseError. `set_up` and `queries` are constants.
    Task<std::vector<std::vector<Row>>> open(std::string file, const char* set_up,
                                             std::vector<const char*> queries);
    bool is_open() const noexcept { return database_ != nullptr; }

    // Gives the open file to the next version of the module; null if there is none. Throws
    // DatabaseError if something is not written yet.
    Handle release();
    // Takes over what release() has given, of another version or this one.
    void adopt(Handle handle);

    // Takes the changes, which are written as soon as possible. Returns what to wait for until they
    // are on the disk, or it throws DatabaseError; they are then written together with the next.
    // Nothing if no database is open. Takes none if it throws itself.
    std::optional<Future<>> submit(Container& container, std::list<Change> changes);
    // co_await write(changes): does the same, and returns when they are on the disk.
    Task<> write(Container& container, std::list<Change> changes);
    // Waits until all is written, or could not be.
    Task<> flush();
    std::uint64_t transactions() const noexcept { return transactions_; }

private:
    Task<> write_pending();
    Task<bool> write_batch();

    TaskPool pool_;
    std::shared_ptr<Database> database_;  // shared with the thread that writes
    std::list<Change> pending_;
    Future<> written_;  // of what is pending
    bool writing_ = false;
    std::uint64_t transactions_ = 0;
};

}  // namespace weir::database
