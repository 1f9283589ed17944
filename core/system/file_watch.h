#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "core/base/ref.h"
#include "core/run/system_error.h"
#include "core/run/task.h"
#include "core/system/files.h"

namespace weir {

class FolderState;
class Scheduler;

/// Watches a file, whatever becomes of it: written, removed, made, or replaced by another one of
/// that name, as editors, certificate tools and configuration maps do it.
///
///     FileWatch watch(scheduler, "/etc/service.json");
///     for (;;) {
///         co_await watch.changed(200ms);
///         read_settings();
///     }
///
/// Watches the file's folder (inotify), and compares the file's identity, size and time when
/// anything happens there. A symbolic link is followed, but what is only written behind a link to
/// another folder is not noticed. Network file systems report what this machine does, and nothing
/// of others. A folder that is removed is looked for once a second.
///
/// Belongs to the scheduler's thread; the scheduler must outlive it.
class FileWatch {
public:
    /// Throws SystemError if the folder is missing, or no watches are left; std::logic_error in a
    /// simulation.
    FileWatch(Scheduler& scheduler, std::string path);
    ~FileWatch();
    FileWatch(const FileWatch&) = delete;
    FileWatch& operator=(const FileWatch&) = delete;

    const std::string& path() const noexcept { return path_; }

    /// Returns when the file is another one, or has another content, than when the watch was made
    /// or changed() returned last; at once if that has happened meanwhile. Then waits until the
    /// file has stayed the same for the time `settled`. Returns its status; nothing: it is gone.
    /// One routine at a time.
    Task<std::optional<FileStatus>> changed(Duration settled = Duration::zero());

private:
    Task<bool> stirred(std::optional<Duration> time);

    Scheduler& scheduler_;
    const std::string path_;
    std::optional<FileStatus> known_;
    Ref<FolderState> folder_;
};

}  // namespace weir
