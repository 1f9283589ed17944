#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/run/task.h"
#include "core/system/files.h"
#include "core/wait/task_pool.h"

namespace weir {

// What a path below a folder leads to: a file or a folder, and nothing else.
struct FolderFile {
    FileStatus status;
    // All bytes of a file, if they were read when it was opened.
    std::optional<std::string> content;
    // Null if the content is there. Shared with the readings that run.
    std::shared_ptr<const FileDescriptor> descriptor;
};

// How the bytes of a small file are read.
enum class SmallFiles {
    usual,       // at_once, and on_threads in a Simulation, which must not depend on caches
    at_once,     // without another thread, if the system has them in memory
    on_threads,  // always on another thread
};

// Opens files below one folder by paths that come from outside. A path cannot leave the folder:
// each of its parts is opened without following symbolic links. The folder's own path may lead
// through links, and is looked up for each file, because it may be replaced.
//
// Nothing on the scheduler's thread waits for a disk, a network drive or a file system of another
// process. Each call there fails instead of waiting (RESOLVE_CACHED, RWF_NOWAIT). The open itself
// cannot: a network drive asks its server. So only a file on the folder's own file system is opened
// there, and only once another thread has found that this is one of the machine's own. Whatever
// does not succeed at once is done on another thread, from the beginning.
class FolderFiles {
public:
    // Uses at most so many of libuv's threads at a time.
    FolderFiles(Scheduler& scheduler, std::string folder, std::size_t threads,
                SmallFiles small_files = SmallFiles::usual);

    // Opens what is at a path as "a/b.txt"; "": the folder itself. Reads a file of at most `whole`
    // bytes. Returns nothing if there is neither a file nor a folder that can be opened. Throws
    // SystemError if the folder is missing, if descriptors or memory are, or the device fails.
    Task<std::optional<FolderFile>> open(std::string path, std::size_t whole);

    // Reads on another thread. Returns fewer bytes only at the end of the file. Requires a file
    // without content.
    Task<std::string> read(const FolderFile& file, std::uint64_t position, std::size_t size);

    const std::string& folder() const noexcept { return folder_; }

    // How many files were opened without another thread.
    std::uint64_t opened_at_once() const noexcept { return opened_at_once_; }
    // Whether it still tries that: no longer once the system has refused.
    bool may_open_at_once() const noexcept { return may_open_at_once_; }

private:
    // The folder that the path has led to.
    struct Known {
        std::uint64_t device;
        std::uint64_t number;
        bool is_local;  // on a file system of this machine that can read without waiting
    };
    struct Found;

    static Found find(const std::string& folder, const std::string& path, std::size_t whole,
                      bool look_at_folder);
    std::optional<FolderFile> find_at_once(const std::string& path, std::size_t whole);

    const std::string folder_;
    TaskPool pool_;
    bool may_open_at_once_;       // false for good once the system has refused
    std::optional<Known> known_;  // as another thread has found it
    std::uint64_t opened_at_once_ = 0;
};

}  // namespace weir
