#include "modules/database/writer.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <new>
#include <utility>

#include "core/run/routine.h"
#include "core/wait/timeout.h"
#include "modules/system/call/api_error.h"

namespace weir::database {

namespace {

constexpr std::chrono::milliseconds pause_without_memory{5};

struct Opened {
    std::shared_ptr<Database> database;
    std::vector<std::vector<Row>> found;
};

}  // namespace

Task<> Writer::open(std::string file, const Layout& layout, std::vector<Query> queries) {
    std::vector<const char*> texts;
    for (const Query& query : queries) {
        texts.push_back(query.sql);
    }
    const auto read = [file, layout, texts] {
        Opened opened{std::make_shared<Database>(file, layout), {}};
        for (const char* const text : texts) {
            opened.found.push_back(opened.database->read(text));
        }
        return opened;
    };
    Opened opened = co_await pool_.run(read);
    database_ = std::move(opened.database);
    try {
        for (std::size_t i = 0; i != queries.size(); ++i) {
            std::ranges::for_each(opened.found[i], queries[i].take);
        }
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception& error) {
        throw damaged(file, error.what());
    }
}

Handle Writer::release() {
    if (writing_) {
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

std::optional<Future<>> Writer::submit(Container& container, std::list<Change> changes,
                                       std::function<void()> undo) {
    if (database_ == nullptr) {
        return std::nullopt;
    }
    std::list<std::function<void()>> undos;
    undos.push_back(std::move(undo));
    if (!writing_) {
        container.start(write_pending(), {.name = "database writer"});
        writing_ = true;
    }
    pending_.changes.splice(pending_.changes.end(), changes);
    pending_.undos.splice(pending_.undos.end(), undos);
    return written_;
}

Task<> Writer::until_written(std::optional<Future<>> written) {
    std::optional<std::string> failure;
    try {
        if (written) {
            co_await *written;
        }
    } catch (const DatabaseError& error) {
        failure = error.what();
    }
    if (failure) {
        throw ApiException("write_failed", *failure);
    }
}

Task<> Writer::flush() {
    Task<bool> waiting = idle_.until([this] { return !writing_; });
    co_await waiting;
}

Task<> Writer::write_pending() {
    struct Writing {
        Writer& writer;
        ~Writing() {
            writer.writing_ = false;
            writer.idle_.notify();
        }
    };
    const Writing writing{*this};
    while (!pending_.undos.empty()) {
        bool has_memory = true;
        try {
            Task<> next = write_batch();
            co_await next;
        } catch (const std::bad_alloc&) {
            has_memory = false;
        }
        if (!has_memory) {
            co_await sleep(pause_without_memory);
        }
    }
}

// Throws std::bad_alloc only before it has begun.
Task<> Writer::write_batch() {
    auto batch = std::make_shared<Batch>();
    Future<> next(scheduler_);
    Future<> after_failure(scheduler_);
    std::swap(*batch, pending_);
    Future<> written = std::exchange(written_, next);
    std::exception_ptr failure;
    try {
        const auto write = [database = database_, batch] { database->write(batch->changes); };
        co_await pool_.run(write);
    } catch (const QuitException&) {
        throw;
    } catch (const DatabaseError&) {
        failure = std::current_exception();
    } catch (const std::exception& error) {
        failure = std::make_exception_ptr(DatabaseError(error.what()));
    }
    ++transactions_;
    if (!failure) {
        written.set_result();
        note_success();
        co_return;
    }
    // What was submitted meanwhile builds upon what has failed.
    undo(pending_);
    undo(*batch);
    written_ = after_failure;
    written.set_exception(failure);
    next.set_exception(failure);
    note_failure(failure);
}

// A line that cannot be made for want of memory is left out: what it tells of has happened.
void Writer::note_failure(const std::exception_ptr& failure) {
    if (++failures_ != 1) {
        return;
    }
    try {
        std::rethrow_exception(failure);
    } catch (const std::bad_alloc&) {
    } catch (const std::exception& error) {
        try {
            scheduler_.log(LogLevel::warning,
                           std::string(error.what()) +
                               ": changes fail, and leave everything as it was, until the file "
                               "can be written again; the log will say when");
        } catch (const std::bad_alloc&) {
        }
    }
}

void Writer::note_success() {
    const std::uint64_t failures = std::exchange(failures_, 0);
    if (failures == 0) {
        return;
    }
    try {
        scheduler_.log(LogLevel::warning, database_->file() +
                                              " is written again; transactions that failed: " +
                                              std::to_string(failures));
    } catch (const std::bad_alloc&) {
    }
}

void Writer::undo(Batch& batch) noexcept {
    for (; !batch.undos.empty(); batch.undos.pop_back()) {
        try {
            batch.undos.back()();
        } catch (...) {
            scheduler_.log_exception("undoing what could not be written to the file");
        }
    }
    batch.changes.clear();
}

}  // namespace weir::database
