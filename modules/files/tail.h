#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "core/run/container.h"
#include "core/run/task.h"
#include "core/wait/task_pool.h"
#include "modules/files/api.h"
#include "modules/files/lines.h"
#include "modules/files/settings.h"
#include "modules/files/tail_file.h"
#include "modules/system/module/module_log.h"

namespace weir {
class FileWatch;
}

namespace weir::files {

// Follows a file, and sends an event for each of its lines. Reading stops while their queue is
// full.
//
// When another file has taken the name, the old one is read until its writer has left it. Files are
// read on threads of libuv.
class Tail {
public:
    // `place`: how far another version has come; otherwise the state file tells it.
    // `state_writes`: runs one write of a state file at a time; shared with tails that were and
    // that follow: a write that runs on when its routine is closed ends before the next begins.
    Tail(Scheduler& scheduler, const ModuleLog& log, std::string name, TailSettings settings,
         std::optional<TailPlace> place, std::shared_ptr<TaskPool> state_writes);

    const TailSettings& settings() const noexcept { return settings_; }

    // co_await run(): sends events until its routine is closed.
    Task<> run();
    // Throws ApiException (bad_parameter) if there was no such line yet.
    void confirm(std::uint64_t number);

    // After run() was closed: how far it has come; nothing: nowhere.
    std::optional<TailPlace> place() const { return kept_; }
    // co_await save(): writes that to the state file, if it has one and that is not there already.
    Task<> save();
    TailInfo info() const;

private:
    Task<> restore();
    Task<> follow();
    Task<> open();
    Task<> go_on(FileWatch& watch);
    Task<> take(const std::string& bytes);
    Task<> wait_for_next(FileWatch& watch, const TailFile::Look& look);
    Task<> tell(Lines::Line line);
    Task<> tell_rest();
    Task<> pause(FileWatch& watch, Duration time);
    void begin_with(std::shared_ptr<TailFile> file, std::uint64_t offset);
    void set_begin(std::string begin);
    TailPlace here() const;
    void keep(const TailPlace& place);
    Task<> save_soon();

    Scheduler& scheduler_;
    const ModuleLog& log_;
    const std::string name_;
    const TailSettings settings_;
    TaskPool pool_;  // for the file itself
    const std::shared_ptr<TaskPool> state_writes_;

    std::optional<TailPlace> kept_;   // what a restart goes on from
    std::optional<TailPlace> saved_;  // what the state file has
    bool is_restored_ = false;
    bool began_without_file_ = false;  // so the next one is read from its beginning

    std::shared_ptr<TailFile> file_;  // shared with a read that runs on; null: none is open
    std::shared_ptr<TailFile> last_;  // the one before it, until that is open
    std::string begin_;               // of the file, up to Head::most bytes
    Head head_;                       // of these
    std::uint64_t read_ = 0;          // up to where it was read
    std::uint64_t offset_ = 0;        // up to where its lines were told
    std::optional<Time> quiet_since_;
    Lines lines_;

    std::deque<TailPlace> unconfirmed_;
    TailInfo info_;
    std::string failure_;  // as it was logged last
    bool saves_ = false;
    Container savers_;
};

}  // namespace weir::files
