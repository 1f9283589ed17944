#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/run/container.h"
#include "core/wait/condition.h"
#include "core/wait/future.h"
#include "core/wait/task_pool.h"
#include "modules/database/database.h"

namespace weir::database {

// A question to a file that is opened, and what takes each row of the answer. It throws a
// std::exception for a row that the module cannot have written.
struct Query {
    const char* sql;  // a constant
    std::function<void(const Row&)> take;
};

// Writes changes to a database on another thread, so that a slow disk delays no other routine.
// What comes while a transaction is written waits for the next: all of it is one transaction, and
// one sync of the disk.
//
// A module changes its memory first, and says with the change how to undo that. When a transaction
// fails, all that was submitted and is not written is undone, the last first: what builds upon a
// change that failed fails with it, and memory is again as the disk is. The log has one line when
// transactions begin to fail, and one when the first succeeds again.
class Writer {
public:
    explicit Writer(Scheduler& scheduler)
        : scheduler_(scheduler), pool_(scheduler, 1), written_(scheduler) {}

    // Opens the database, and hands over the rows that each query finds, one query after the other.
    // Throws DatabaseError: also if a row is not as the module writes it. `layout` is a constant.
    Task<> open(std::string file, const Layout& layout, std::vector<Query> queries);
    bool is_open() const noexcept { return database_ != nullptr; }

    // Returns whether something is not written yet.
    bool writing() const noexcept { return writing_; }
    // Gives the open file to the next version of the module; null if there is none. Throws
    // DatabaseError if something is not written yet: see Module::can_hand_over().
    Handle release();
    // Takes over what release() has given, of another version or this one.
    void adopt(Handle handle);

    // Takes the changes, which are written as soon as possible. Returns what to wait for until they
    // are on the disk, or it throws DatabaseError, after `undo` was called. Nothing if no database
    // is open. Takes none, and calls nothing, if it throws itself.
    std::optional<Future<>> submit(Container& container, std::list<Change> changes,
                                   std::function<void()> undo);
    // Waits for what submit() has returned. Throws ApiException, `write_failed`, if the change was
    // undone.
    static Task<> until_written(std::optional<Future<>> written);
    // Waits until all is written, or was undone.
    Task<> flush();
    std::uint64_t transactions() const noexcept { return transactions_; }

private:
    struct Batch {
        std::list<Change> changes;
        std::list<std::function<void()>> undos;
    };

    Task<> write_pending();
    Task<> write_batch();
    void undo(Batch& batch) noexcept;
    void note_failure(const std::exception_ptr& failure);
    void note_success();

    Scheduler& scheduler_;
    TaskPool pool_;
    std::shared_ptr<Database> database_;  // shared with the thread that writes
    Batch pending_;
    Future<> written_;  // of what is pending
    bool writing_ = false;
    Condition idle_;  // nothing is being written
    std::uint64_t transactions_ = 0;
    std::uint64_t failures_ = 0;  // since the last transaction that succeeded
};

}  // namespace weir::database
