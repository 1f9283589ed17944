#include "core/system/files.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/run/container.h"
#include "core/system/file_calls.h"
#include "core/wait/task_pool.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

using detail::fail_operation;
using detail::read_at;
using detail::status_of;
using detail::uninterrupted;

// Runs the function on another thread.
template <class F>
Task<std::invoke_result_t<F&>> elsewhere(F function) {
    Routine& routine = co_await this_routine();
    TaskPool pool(routine.scheduler(), 1);
    co_return co_await pool.run(std::move(function));
}

FileDescriptor open_file(const std::string& path, int flags, unsigned mode = 0) {
    FileDescriptor file(
        uninterrupted([&] { return ::open(path.c_str(), flags | O_CLOEXEC, mode); }));
    if (!file) {
        fail_operation("opening", path);
    }
    return file;
}

void write_at(int file, const std::string& path, std::uint64_t position, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = uninterrupted([&] {
            return ::pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(position));
        });
        if (count < 0) {
            fail_operation("writing", path);
        }
        position += static_cast<std::uint64_t>(count);
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

void sync(int file, const std::string& path) {
    if (uninterrupted([&] { return ::fsync(file); }) != 0) {
        fail_operation("syncing", path);
    }
}

void sync_entries(const std::string& folder) {
    sync(open_file(folder, O_RDONLY | O_DIRECTORY).number(), folder);
}

std::string folder_of(const std::string& path) {
    const std::string folder = fs::path(path).parent_path();
    return folder.empty() ? "." : folder;
}

void rename_now(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) {
        fail_operation("renaming", from + " to " + to);
    }
}

// A file beside another, which removes itself unless it takes the other's place.
class TemporaryFile {
public:
    explicit TemporaryFile(const std::string& beside)
        : path_(beside + ".XXXXXX"), file_(::mkostemp(path_.data(), O_CLOEXEC)) {
        if (!file_) {
            fail_operation("making a temporary file for", beside);
        }
    }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() {
        if (!path_.empty()) {
            ::unlink(path_.c_str());
        }
    }

    void fill(std::string_view content, unsigned mode) const {
        write_at(file_.number(), path_, 0, content);
        if (::fchmod(file_.number(), mode) != 0) {
            fail_operation("setting the permissions of", path_);
        }
        sync(file_.number(), path_);
    }
    void replace(const std::string& path) {
        rename_now(path_, path);
        path_.clear();
    }

private:
    std::string path_;  // empty: has taken the place
    FileDescriptor file_;
};

void replace_now(const std::string& path, std::string_view content, unsigned mode) {
    struct stat old {};
    if (::stat(path.c_str(), &old) == 0) {
        mode = old.st_mode & 07777U;
    }
    TemporaryFile file(path);
    file.fill(content, mode);
    file.replace(path);
    sync_entries(folder_of(path));
}

std::string read_now(const std::string& path, std::size_t at_most) {
    const FileDescriptor file = open_file(path, O_RDONLY);
    // The size is a guess: files of /proc have none, others may grow.
    struct stat found {};
    ::fstat(file.number(), &found);
    std::size_t step = std::max<std::size_t>(static_cast<std::size_t>(found.st_size) + 1, 4096);
    std::string content;
    for (;;) {
        const std::size_t left = at_most - content.size();
        const std::size_t wanted = left < step ? left + 1 : step;
        const std::string part = read_at(file.number(), path, content.size(), wanted);
        content += part;
        if (content.size() > at_most) {
            fail_operation("reading", path, EFBIG);
        }
        if (part.size() < wanted) {
            return content;
        }
        step = std::max<std::size_t>(step, content.size());
    }
}

// Returns whether the call has removed something.
bool removed(int result, const std::string& path) {
    if (result != 0 && errno != ENOENT) {
        fail_operation("removing", path);
    }
    return result == 0;
}

bool make_folder_now(const std::string& path) {
    std::error_code error;
    const bool made = fs::create_directories(path, error);
    if (error) {
        fail_operation("making folder", path, error.value());
    }
    return made;
}

FileKind kind_of(const fs::file_status& status) {
    switch (status.type()) {
        case fs::file_type::regular:
            return FileKind::file;
        case fs::file_type::directory:
            return FileKind::folder;
        case fs::file_type::symlink:
            return FileKind::link;
        default:
            return FileKind::other;
    }
}

std::vector<FolderEntry> list_now(const std::string& path) {
    std::vector<FolderEntry> entries;
    std::error_code error;
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
        std::error_code unknown;  // removed meanwhile
        entries.push_back({at->path().filename(), kind_of(at->symlink_status(unknown))});
    }
    if (error) {
        fail_operation("listing", path, error.value());
    }
    std::ranges::sort(entries, {}, &FolderEntry::name);
    return entries;
}

int flags_of(OpenMode how) {
    switch (how) {
        case OpenMode::read:
            return O_RDONLY;
        case OpenMode::read_write:
            return O_RDWR | O_CREAT;
        case OpenMode::create:
            return O_RDWR | O_CREAT | O_EXCL;
        case OpenMode::truncate:
            return O_RDWR | O_CREAT | O_TRUNC;
        case OpenMode::append:
            return O_RDWR | O_CREAT | O_APPEND;
    }
    return O_RDONLY;
}

}  // namespace

// Each function is a lambda of its own, since g++ 12 destroys the captures of a temporary twice.

Task<std::string> read_file(std::string path, std::size_t at_most) {
    auto function = [path = std::move(path), at_most] { return read_now(path, at_most); };
    return elsewhere(std::move(function));
}

Task<> replace_file(std::string path, std::string content, unsigned mode) {
    auto function = [path = std::move(path), content = std::move(content), mode] {
        replace_now(path, content, mode);
    };
    return elsewhere(std::move(function));
}

std::optional<FileStatus> file_status_now(const std::string& path) {
    struct stat found {};
    if (::stat(path.c_str(), &found) == 0) {
        return status_of(found);
    }
    if (errno != ENOENT && errno != ENOTDIR) {
        fail_operation("looking at", path);
    }
    return std::nullopt;
}

Task<std::optional<FileStatus>> file_status(std::string path) {
    auto function = [path = std::move(path)] { return file_status_now(path); };
    return elsewhere(std::move(function));
}

Task<> rename_file(std::string from, std::string to) {
    auto function = [from = std::move(from), to = std::move(to)] { rename_now(from, to); };
    return elsewhere(std::move(function));
}

Task<bool> remove_file(std::string path) {
    auto function = [path = std::move(path)] { return removed(::unlink(path.c_str()), path); };
    return elsewhere(std::move(function));
}

Task<bool> make_folder(std::string path) {
    auto function = [path = std::move(path)] { return make_folder_now(path); };
    return elsewhere(std::move(function));
}

Task<bool> remove_folder(std::string path) {
    auto function = [path = std::move(path)] { return removed(::rmdir(path.c_str()), path); };
    return elsewhere(std::move(function));
}

Task<std::vector<FolderEntry>> list_folder(std::string path) {
    auto function = [path = std::move(path)] { return list_now(path); };
    return elsewhere(std::move(function));
}

Task<> sync_folder(std::string path) {
    auto function = [path = std::move(path)] { sync_entries(path); };
    return elsewhere(std::move(function));
}

// --- File

File::File(std::string path, FileDescriptor descriptor)
    : path_(std::move(path)),
      descriptor_(std::make_shared<const FileDescriptor>(std::move(descriptor))) {}

Task<File> File::open(std::string path, OpenMode how, unsigned mode) {
    auto function = [path = std::move(path), how, mode] {
        return File(path, open_file(path, flags_of(how), mode));
    };
    return elsewhere(std::move(function));
}

Task<std::string> File::read(std::uint64_t position, std::size_t size) {
    auto function = [file = descriptor_, path = path_, position, size] {
        return read_at(file->number(), path, position, size);
    };
    return elsewhere(std::move(function));
}

Task<> File::write(std::uint64_t position, std::string bytes) {
    auto function = [file = descriptor_, path = path_, position, bytes = std::move(bytes)] {
        write_at(file->number(), path, position, bytes);
    };
    return elsewhere(std::move(function));
}

Task<> File::sync() {
    auto function = [file = descriptor_, path = path_] { weir::sync(file->number(), path); };
    return elsewhere(std::move(function));
}

Task<> File::resize(std::uint64_t size) {
    auto function = [file = descriptor_, path = path_, size] {
        if (::ftruncate(file->number(), static_cast<off_t>(size)) != 0) {
            fail_operation("resizing", path);
        }
    };
    return elsewhere(std::move(function));
}

Task<FileStatus> File::status() {
    auto function = [file = descriptor_, path = path_] {
        struct stat found {};
        if (::fstat(file->number(), &found) != 0) {
            fail_operation("looking at", path);
        }
        return status_of(found);
    };
    return elsewhere(std::move(function));
}

}  // namespace weir
