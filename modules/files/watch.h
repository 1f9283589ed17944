#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "core/run/task.h"
#include "core/wait/task_pool.h"
#include "modules/files/api.h"
#include "modules/files/changes.h"
#include "modules/files/folder_tree.h"
#include "modules/files/settings.h"
#include "modules/system/module/module_log.h"

namespace weir {
class DescriptorWatch;
}

namespace weir::files {

// Watches one folder, and sends an event for each change. What the system reports only says where
// to look: see Changes. Looks run on a thread of libuv.
class FolderWatch {
public:
    // `known`: what another version knew of the folder.
    FolderWatch(Scheduler& scheduler, const ModuleLog& log, std::string name,
                WatchSettings settings, std::optional<Changes> known);

    const WatchSettings& settings() const noexcept { return settings_; }

    // co_await run(): sends events until its routine is closed. Waits while their queue is full:
    // what happens meanwhile is told as one change of each file.
    Task<> run();

    // What a next version needs, after run() was closed.
    std::optional<Changes> take_known() { return std::move(changes_); }
    WatchInfo info() const;

private:
    Task<> watch();
    Task<> look_around(FolderTree::Reports reports, Time now);
    Task<> look_again(Time now);
    Task<> tell(Time now);
    void note(const FolderTree::Looks& looks, Time now);
    void log_beyond(bool is_beyond, bool is_all);
    void log_too_deep(const std::string& folder, bool is_all);
    std::optional<Duration> time_to_wait() const;

    Scheduler& scheduler_;
    const ModuleLog& log_;
    const std::string name_;
    const WatchSettings settings_;
    TaskPool pool_;
    std::shared_ptr<FolderTree> tree_;  // shared with a look that runs on
    std::optional<Changes> changes_;    // nothing before the first look
    bool is_there_ = true;
    std::optional<Time> next_scan_;
    std::string problem_;  // as it was logged last
    std::string failure_;  // the same, of the watch itself
    std::uint64_t told_ = 0;
    std::uint64_t beyond_ = 0;  // looks at files of which `changes_` has not heard
    bool has_logged_beyond_ = false;
    bool has_logged_too_deep_ = false;
    std::uint64_t overflows_ = 0;
};

}  // namespace weir::files
