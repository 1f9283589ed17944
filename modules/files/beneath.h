#pragma once

#include <cerrno>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <dirent.h>
#include <sys/stat.h>

#include "core/system/file_descriptor.h"
#include "modules/system/call/api_error.h"

// Finds files below a folder, and nothing else, whatever names callers give and whatever is done
// to the folder meanwhile.
//
// A path is walked part by part: each part is opened in the folder that is open already, and must
// be a folder itself. Parts as ".." are refused, symbolic links are not followed. So no name leads
// out, and a folder that is exchanged for a link while it is walked through changes nothing. All
// functions block, and belong to a thread that may.
namespace weir::files {

// Returns the parts of a path: "a/b.txt" has two. Throws ApiException (bad_parameter) unless it is
// a relative path without "", "." and "..".
std::vector<std::string> parts_of(std::string_view path);

enum class MissingFolder { fail, make };

// A name in an open folder.
struct Place {
    FileDescriptor folder;  // by O_PATH
    std::string name;
    std::string path;  // as the caller gave it, for messages

    // Returns the place of that path below the folder `root`, which may be a link itself.
    static Place find(const std::string& root, std::string_view path,
                      MissingFolder missing = MissingFolder::fail);

    // Returns what is there. False: nothing. Follows no link.
    bool look(struct stat& found) const;
    // Opens what is there, without ever waiting for the other end of a pipe. Throws ApiException
    // (not_a_file) unless it is a regular file.
    FileDescriptor open(int flags, unsigned mode = 0) const;
    // Returns when the folder's entries are on the disk.
    void sync() const;
};

// A folder whose entries are read. Not std::filesystem's, which ends the process when there is no
// memory.
struct CloseFolder {
    void operator()(DIR* folder) const noexcept { ::closedir(folder); }
};
using OpenFolder = std::unique_ptr<DIR, CloseFolder>;

// Returns the folder of that path below `root`, open for reading; of "": the root.
FileDescriptor open_folder(const std::string& root, std::string_view path);
// Returns the folder of that name in an open folder, open for reading; empty, with errno, if there
// is none. A link is none.
FileDescriptor open_folder_in(int folder, const char* name) noexcept;

// Throws ApiException (not_a_file) unless it is a regular file.
void require_file(const struct stat& found, const std::string& path);
// Throws the ApiException for errno: not_found, not_a_file, exists, denied, no_space,
// bad_parameter, or failed.
[[noreturn]] void fail(std::string_view operation, const std::string& path);
[[noreturn]] void fail(std::string_view operation, const std::string& path, int error);

// Repeats a system call that a signal interrupts.
template <class F>
auto retried(F call) {
    for (;;) {
        if (const auto result = call(); result >= 0 || errno != EINTR) {
            return result;
        }
    }
}

}  // namespace weir::files
