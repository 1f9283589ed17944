#include "modules/store/writer.h"

#include <chrono>
#include <exception>
#include <iterator>
#include <utility>

#include "core/run/routine.h"
#include "core/wait/timeout.h"

namespace weir::store {

namespace {

constexpr std::chrono::milliseconds look_interval{5};

struct Opened {
    std::shared_ptr<Database> database;
    std::vector<Row> rows;
    std::uint64_t last_version = 0;
};

}  // namespace

Task<std::vector<Row>> Writer::open(std::string file) {
    const auto read = [file] {
        Opened opened{std::make_shared<Database>(file), {}};
        opened.rows = opened.database->read_all();
        opened.last_version = opened.database->last_version();
        return opened;
    };
    Opened opened = co_await pool_.run(read);
    database_ = std::move(opened.database);
    last_version_ = opened.last_version;
    co_return std::move(opened.rows);
}

Task<> Writer::write(Container& container, std::vector<Row> rows) {
    if (database_ == nullptr) {
        co_return;
    }
    pending_.insert(pending_.end(), std::make_move_iterator(rows.begin()),
                    std::make_move_iterator(rows.end()));
    const Future<> written = written_;
    if (!writing_) {
        writing_ = true;
        container.start(write_pending(), {.name = "store writer"});
    }
    co_await written;
}

Task<> Writer::flush() {
    while (writing_) {
        co_await sleep(look_interval);
    }
}

Task<> Writer::write_pending() {
    while (!pending_.empty()) {
        auto rows = std::make_shared<std::vector<Row>>(std::exchange(pending_, {}));
        Future<> written = std::exchange(written_, Future<>((co_await this_routine()).scheduler()));
        const auto write = [database = database_, rows] { database->write(*rows); };
        std::exception_ptr failure;
        try {
            co_await pool_.run(write);
        } catch (const DatabaseError&) {
            failure = std::current_exception();
        }
        ++transactions_;
        if (failure) {
            // Memory has them: what comes next must not be on the disk without them.
            const bool more = !pending_.empty();
            pending_.insert(pending_.begin(), std::make_move_iterator(rows->begin()),
                            std::make_move_iterator(rows->end()));
            written.set_exception(failure);
            if (!more) {
                break;
            }
        } else {
            written.set_result();
        }
    }
    writing_ = false;
}

}  // namespace weir::store
