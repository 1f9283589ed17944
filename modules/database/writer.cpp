#include "modules/database/writer.h"

#include <chrono>
#include <exception>
#include <new>
#include <utility>

#include "core/run/routine.h"
#include "core/wait/timeout.h"

namespace weir::database {

namespace {

constexpr std::chrono::milliseconds look_interval{5};

struct Opened {
    std::shared_ptr<Database> database;
    std::vector<std::vector<Row>> found;
};

}  // namespace

Task<std::vector<std::vector<Row>>> Writer::open(std::string file, const char* set_up,
                                                 std::vector<const char*> queries) {
    const auto read = [file, set_up, queries] {
        Opened opened{std::make_shared<Database>(file, set_up), {}};
        for (const char* const query : queries) {
            opened.found.push_back(opened.database->read(query));
        }
        return opened;
    };
    Opened opened = co_await pool_.run(read);
    database_ = std::move(opened.database);
    co_return std::move(opened.found);
}

Handle Writer::release() {
    if (writing_ || !pending_.empty()) {
        throw DatabaseError("there are changes that are not written to the file yet");
    }
    Handle handle(nullptr, nullptr);
    if (database_ != nullptr) {
        handle = database_->release();
        database_.reset();
    }
    return handle;
}

void Writer::adopt(Handle handle) {
    database_ = handle == nullptr ? nullptr : std::make_shared<Database>(std::move(handle));
}

std::optional<Future<>> Writer::submit(Container& container, std::list<Change> changes) {
    if (database_ == nullptr) {
        return std::nullopt;
    }
    if (!writing_) {
        container.start(write_pending(), {.name = "database writer"});
        writing_ = true;
    }
    pending_.splice(pending_.end(), changes);
    return written_;
}

Task<> Writer::write(Container& container, std::list<Change> changes) {
    const std::optional<Future<>> written = submit(container, std::move(changes));
    if (written) {
        co_await *written;
    }
}

Task<> Writer::flush() {
    while (writing_) {
        co_await sleep(look_interval);
    }
}

Task<> Writer::write_pending() {
    struct Writing {
        bool& is_writing;
        ~Writing() { is_writing = false; }
    };
    const Writing writing{writing_};
    for (bool goes_on = true; goes_on && !pending_.empty();) {
        bool has_memory = true;
        try {
            Task<bool> next = write_batch();
            goes_on = co_await next;
        } catch (const std::bad_alloc&) {
            has_memory = false;
        }
        if (!has_memory) {
            co_await sleep(look_interval);
        }
    }
}

// Returns whether it makes sense to write what has come meanwhile. Throws std::bad_alloc only
// before it has begun.
Task<bool> Writer::write_batch() {
    auto batch = std::make_shared<std::list<Change>>();
    Future<> next((co_await this_routine()).scheduler());
    batch->swap(pending_);
    Future<> written = std::exchange(written_, next);
    std::exception_ptr failure;
    try {
        const auto write = [database = database_, batch] { database->write(*batch); };
        co_await pool_.run(write);
    } catch (const QuitException&) {
        throw;
    } catch (const DatabaseError&) {
        failure = std::current_exception();
    } catch (const std::exception& error) {
        failure = std::make_exception_ptr(DatabaseError(error.what()));
    }
    ++transactions_;
    if (failure) {
        // Memory has them: what comes next must not be on the disk without them.
        const bool more = !pending_.empty();
        pending_.splice(pending_.begin(), *batch);
        written.set_exception(failure);
        co_return more;
    }
    written.set_result();
    co_return true;
}

}  // namespace weir::database
