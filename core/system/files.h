#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/run/system_error.h"
#include "core/run/task.h"
#include "core/system/file_descriptor.h"

namespace weir {

// Operations on files and folders, each a task: co_await read_file("/etc/hosts").
//
// Each runs on a thread of libuv, of which a process has four (UV_THREADPOOL_SIZE), so that a slow
// disk does not stop the loop. Throws SystemError if the system refuses. A routine that is closed
// meanwhile leaves at once; an operation that has begun continues to its end. In a Simulation the
// operations use the real files, in an order that the seed decides.

enum class FileKind { file, folder, link, other };

struct FileStatus {
    FileKind kind = FileKind::other;
    std::uint64_t size = 0;  ///< bytes
    std::chrono::system_clock::time_point modified;
    unsigned mode = 0;         ///< permissions, as 0644
    std::uint64_t device = 0;  ///< with `number`: which file it is, whatever its name
    std::uint64_t number = 0;  ///< the inode

    bool same_file(const FileStatus& other) const noexcept {
        return device == other.device && number == other.number;
    }
};

struct FolderEntry {
    std::string name;  ///< without the folder
    FileKind kind = FileKind::other;
};

/// Returns the whole content. Throws SystemError (EFBIG) if it has more than `at_most` bytes.
Task<std::string> read_file(std::string path, std::size_t at_most = SIZE_MAX);

/// Gives the file a new content, or makes it. Whatever happens, also if the machine stops, the file
/// has either the old or the new content, and if this returns, the new one: writes and syncs a
/// temporary file in the same folder, renames it, and syncs the folder. Keeps the permissions of
/// the old file; a new one gets `mode`, whatever the umask. Replaces a symbolic link, and does not
/// follow it.
Task<> replace_file(std::string path, std::string content, unsigned mode = 0644);

/// Returns the status, or nothing if there is no such file. Follows symbolic links.
Task<std::optional<FileStatus>> file_status(std::string path);

/// Replaces the file at `to`, if there is one, in one step.
Task<> rename_file(std::string from, std::string to);
/// Returns whether there was such a file. Removes no folder.
Task<bool> remove_file(std::string path);

/// Makes the folder, and those above that are missing. Returns false if it is there already.
Task<bool> make_folder(std::string path);
/// Removes the folder, which must be empty. Returns whether there was one.
Task<bool> remove_folder(std::string path);
/// Returns the entries in the order of their names.
Task<std::vector<FolderEntry>> list_folder(std::string path);
/// Returns when the folder's entries are on the disk, so that a file that was made, renamed or
/// removed stays so if the machine stops.
Task<> sync_folder(std::string path);

enum class OpenMode {
    read,        ///< an existing file
    read_write,  ///< made if it is missing
    create,      ///< as read_write; fails (EEXIST) if it is there
    truncate,    ///< as read_write; what it has is dropped
    append,      ///< as read_write; each write goes to the end
};

/// An open file. Operations on it may run at the same time, each at its own position.
class File {
public:
    /// co_await File::open(path). A file that it makes gets `mode`, less the umask.
    static Task<File> open(std::string path, OpenMode how = OpenMode::read, unsigned mode = 0666);

    /// Returns up to `size` bytes from the position on: fewer at the end of the file, none behind
    /// it.
    Task<std::string> read(std::uint64_t position, std::size_t size);
    /// Writes all bytes. With OpenMode::append the position is ignored.
    Task<> write(std::uint64_t position, std::string bytes);
    /// Returns when what was written is on the disk.
    Task<> sync();
    /// Cuts the file, or extends it by zeros.
    Task<> resize(std::uint64_t size);
    Task<FileStatus> status();

    const std::string& path() const noexcept { return path_; }
    int descriptor() const noexcept { return descriptor_->number(); }

private:
    File(std::string path, FileDescriptor descriptor);

    std::string path_;
    // Shared with the operations that run: the file is closed when the last of them has ended.
    std::shared_ptr<const FileDescriptor> descriptor_;
};

}  // namespace weir
