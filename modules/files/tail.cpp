#include "modules/files/tail.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <utility>

#include "core/run/routine.h"
#include "core/run/scheduler.h"
#include "core/system/file_watch.h"
#include "core/system/files.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/files/again.h"
#include "modules/files/events.h"
#include "modules/files/operations.h"
#include "modules/system/call/api_error.h"

namespace weir::files {

namespace {

constexpr std::size_t bytes_per_read = 64 * 1024;
// Changes that are not reported, as on network file systems, are noticed after so long.
constexpr Duration look_interval = std::chrono::seconds(5);
constexpr Duration save_interval = std::chrono::milliseconds(200);
constexpr std::size_t largest_state = 4096;

// Lines of a tail were confirmed while it waited for that.
struct LinesConfirmed : Event {
    Index<const void*> tail;

    static auto declare() {
        return declare_event<LinesConfirmed>("files.LinesConfirmed")
            .index("tail", &LinesConfirmed::tail);
    }
};

void write_state(const std::string& file, const std::string& text) {
    const std::filesystem::path path(file);
    const std::string folder = path.parent_path();
    WriteParameters what;
    what.path = path.filename();
    write_below(folder.empty() ? "." : folder, what, text);
}

}  // namespace

Tail::Tail(Scheduler& scheduler, const ModuleLog& log, std::string name, TailSettings settings,
           std::optional<TailPlace> place, std::shared_ptr<TaskPool> state_writes)
    : scheduler_(scheduler),
      log_(log),
      name_(std::move(name)),
      settings_(std::move(settings)),
      pool_(scheduler, 1),
      state_writes_(std::move(state_writes)),
      kept_(place),
      is_restored_(kept_.has_value()),
      lines_(settings_.longest_line.bytes),
      savers_(scheduler) {
    info_.name = name_;
    info_.description = settings_.description;
}

TailInfo Tail::info() const {
    TailInfo info = info_;
    info.confirmed = settings_.confirm && kept_ ? kept_->lines : 0;
    return info;
}

// After a failure it goes on from what is kept, so that lines may come again, and none is lost.
Task<> Tail::run() {
    return run_again_after_failures([this] { return follow(); },
                                    [this](const std::string& failure) {
                                        if (failure != failure_) {
                                            log_.warning("the tail '{}' waits: {}", name_, failure);
                                            failure_ = failure;
                                        }
                                        file_.reset();
                                        last_.reset();
                                        unconfirmed_.clear();
                                    });
}

Task<> Tail::follow() {
    if (!is_restored_) {
        Task<> restoring = restore();
        co_await restoring;
        is_restored_ = true;
    }
    FileWatch watch(scheduler_, settings_.file);
    for (;;) {
        if (file_ == nullptr) {
            Task<> opening = open();
            co_await opening;
        }
        Task<> going = file_ != nullptr ? go_on(watch) : pause(watch, look_interval);
        co_await going;
    }
}

// --- which file

Task<> Tail::restore() {
    if (!settings_.state_file) {
        co_return;
    }
    const std::string& file = *settings_.state_file;
    Task<std::optional<FileStatus>> looking = file_status(file);
    const std::optional<FileStatus> status = co_await looking;
    if (!status) {
        co_return;
    }
    Task<std::string> reading = read_file(file, largest_state);
    const std::string text = co_await reading;
    kept_ = saved_ = TailPlace::of_text(text);
    if (!kept_) {
        log_.error("the tail '{}' begins anew: {} is no state of a tail", name_, file);
    }
}

Task<> Tail::open() {
    if (last_ != nullptr) {
        auto go_on = [last = last_] { return last->next(); };
        std::shared_ptr<TailFile> next = co_await pool_.run(std::move(go_on));
        if (next != nullptr) {
            last_.reset();
            begin_with(std::move(next), 0);
        }
        co_return;
    }
    if (kept_) {
        auto find = [path = settings_.file, place = *kept_] { return TailFile::find(path, place); };
        std::shared_ptr<TailFile> found = co_await pool_.run(std::move(find));
        info_.number = kept_->lines;
        if (found != nullptr) {
            begin_with(std::move(found), kept_->offset);
            co_return;
        }
    }
    auto open_it = [path = settings_.file] { return TailFile::open(path); };
    std::shared_ptr<TailFile> other = co_await pool_.run(std::move(open_it));
    if (other == nullptr) {
        began_without_file_ = true;
    } else if (kept_) {
        log_.warning("the tail '{}' begins {} anew: the file that has line {} is gone, or cut",
                     name_, settings_.file, kept_->lines);
        ++info_.cut_files;
        begin_with(std::move(other), 0);
    } else {
        const bool at_end = settings_.from == From::end && !began_without_file_;
        auto look = [other] { return other->state(); };
        const TailFile::State state = co_await pool_.run(std::move(look));
        begin_with(std::move(other), at_end ? state.size : 0);
        set_begin(state.begin);
        kept_ = here();
        Task<> saving = save();  // before its first line: so that it is found when it is rotated
        co_await saving;
    }
}

void Tail::begin_with(std::shared_ptr<TailFile> file, std::uint64_t offset) {
    file_ = std::move(file);
    read_ = offset_ = offset;
    set_begin("");
    lines_.clear();
    quiet_since_.reset();
}

TailPlace Tail::here() const {
    const bool is_behind = offset_ >= begin_.size();
    return {file_->number(), offset_, info_.number,
            is_behind ? head_ : Head::of(begin_.substr(0, offset_))};
}

void Tail::set_begin(std::string begin) {
    begin_ = std::move(begin);
    head_ = Head::of(begin_);
}

// --- its lines

// Reads what comes next, and tells its lines; at the end waits for more, or for the file that
// follows. What was read of a file that was cut meanwhile is lost with it: it may be of neither.
Task<> Tail::go_on(FileWatch& watch) {
    auto look_on = [file = file_, from = read_] { return file->look(from, bytes_per_read); };
    const TailFile::Look look = co_await pool_.run(std::move(look_on));
    failure_.clear();
    if (look.state.size < read_ || !look.state.begin.starts_with(begin_)) {
        log_.info("the tail '{}': {} was cut; what was not read of it is lost", name_,
                  settings_.file);
        ++info_.cut_files;
        Task<> telling = tell_rest();
        co_await telling;
        begin_with(file_, 0);
        co_return;
    }
    set_begin(look.state.begin);
    if (!look.bytes.empty()) {
        Task<> taking = take(look.bytes);
        co_await taking;
    } else if (look.state.size > read_) {
        quiet_since_.reset();  // written to after it was read
    } else if (look.standing.is_current) {
        quiet_since_.reset();
        Task<> waiting = pause(watch, look_interval);
        co_await waiting;
    } else {
        Task<> waiting = wait_for_next(watch, look);
        co_await waiting;
    }
}

// The writer of a file that is rotated may write to it still, for the time `linger`; not if it has
// left even a later one.
Task<> Tail::wait_for_next(FileWatch& watch, const TailFile::Look& look) {
    const Time now = scheduler_.now();
    quiet_since_ = quiet_since_.value_or(now);
    const Duration quiet = now - *quiet_since_;
    const bool is_left =
        quiet >= settings_.linger && (look.standing.has_next || !look.state.has_name);
    if (look.standing.has_later || is_left) {
        Task<> telling = tell_rest();
        co_await telling;
        ++info_.rotations;
        last_ = std::exchange(file_, nullptr);
        co_return;
    }
    const Duration left = settings_.linger - quiet;
    Task<> waiting = pause(watch, left > Duration::zero() ? left : Duration(settings_.linger));
    co_await waiting;
}

Task<> Tail::pause(FileWatch& watch, Duration time) {
    Task<std::optional<FileStatus>> changing = watch.changed();
    co_await execute_with_timeout(time, std::move(changing));
}

Task<> Tail::take(const std::string& bytes) {
    read_ += bytes.size();
    quiet_since_.reset();
    lines_.add(bytes);
    while (std::optional<Lines::Line> line = lines_.next()) {
        Task<> telling = tell(std::move(*line));
        co_await telling;
    }
}

Task<> Tail::tell_rest() {
    if (std::optional<Lines::Line> line = lines_.rest()) {
        Task<> telling = tell(std::move(*line));
        co_await telling;
    }
}

Task<> Tail::tell(Lines::Line line) {
    while (settings_.confirm && unconfirmed_.size() >= settings_.ahead) {
        const MatcherOf<LinesConfirmed> confirmed =
            match<LinesConfirmed>(static_cast<const void*>(this));
        co_await confirmed;
    }
    config::Value value = settings_.lines == LineForm::json ? json_of_line(line.text)
                                                            : config::Value(std::move(line.text));
    Ref<Event> event =
        make_event<weir::files::Line>(name_, std::move(value), info_.number + 1, line.cut);
    co_await send(std::move(event));
    ++info_.number;
    ++info_.lines;
    info_.bytes += line.bytes;
    offset_ += line.bytes;
    if (settings_.confirm) {
        unconfirmed_.push_back(here());
    } else {
        keep(here());
    }
}

void Tail::confirm(std::uint64_t number) {
    if (number > info_.number) {
        throw ApiException(
            ApiError::bad_parameter,
            "number: the tail '" + name_ + "' has told no line " + std::to_string(number) + " yet");
    }
    const bool was_full = unconfirmed_.size() >= settings_.ahead;
    while (!unconfirmed_.empty() && unconfirmed_.front().lines <= number) {
        keep(unconfirmed_.front());
        unconfirmed_.pop_front();
    }
    if (was_full) {
        scheduler_.emergency_send(make_event<LinesConfirmed>(static_cast<const void*>(this)));
    }
}

// --- what a restart goes on from

void Tail::keep(const TailPlace& place) {
    kept_ = place;
    if (settings_.state_file && !saves_) {
        savers_.start(save_soon(), {.name = "state of the tail '" + name_ + "'", .daemon = true});
        saves_ = true;
    }
}

// Each write of the state file takes with it what has come since the last one.
Task<> Tail::save_soon() {
    // Whatever ends it, also a lack of memory: the next line begins it again.
    struct End {
        ~End() { saves = false; }
        bool& saves;
    };
    const End end{saves_};
    std::string problem;
    while (kept_ != saved_) {
        co_await sleep(problem.empty() ? save_interval : pause_after_failure);
        std::string failure;
        try {
            Task<> saving = save();
            co_await saving;
        } catch (const QuitException&) {
            throw;
        } catch (const std::exception& error) {
            failure = error.what();
        }
        if (failure != problem && !failure.empty()) {
            log_.error("the state of the tail '{}' cannot be written: {}", name_, failure);
        }
        problem = failure;
    }
}

Task<> Tail::save() {
    if (!settings_.state_file || !kept_ || kept_ == saved_) {
        co_return;
    }
    const TailPlace place = *kept_;
    auto write = [file = *settings_.state_file, text = place.text()] { write_state(file, text); };
    co_await state_writes_->run(std::move(write));
    saved_ = place;
}

}  // namespace weir::files
