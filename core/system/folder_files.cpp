#include "core/system/folder_files.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/run/scheduler.h"
#include "core/simulation/wall_clock.h"
#include "core/system/file_calls.h"

namespace weir {
namespace {

using detail::fail_operation;
using detail::read_at;
using detail::status_of;
using detail::uninterrupted;

// Not waiting for the other end, if it is a pipe.
constexpr int reading = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

// Those whose files are opened without another process or machine, and that may know RWF_NOWAIT.
// One that lies on others, as overlayfs, is none of them.
bool is_local(const struct statfs& system) noexcept {
    constexpr std::array<std::uint32_t, 5> local = {
        EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, TMPFS_MAGIC};
    return std::ranges::find(local, static_cast<std::uint32_t>(system.f_type)) != local.end();
}

// Whether the system has no such call, forbids it (seccomp), or cannot do this with these files.
bool is_refusal(int error) noexcept {
    return error == ENOSYS || error == EPERM || error == EINVAL || error == EOPNOTSUPP;
}

// Whether the error says nothing about the file: that would be found at another time.
bool is_passing(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOMEM || error == EIO;
}

bool can_be_found(std::string_view path) noexcept {
    if (path.find('\0') != std::string_view::npos) {
        return false;
    }
    while (!path.empty()) {
        const std::size_t size = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, size);
        if (part.empty() || part == "." || part == ".." || size + 1 == path.size()) {
            return false;
        }
        path.remove_prefix(std::min(size + 1, path.size()));
    }
    return true;
}

FileDescriptor open_cached(int folder, const std::string& path, int flags, std::uint64_t resolve) {
    open_how how{};
    how.flags = static_cast<std::uint64_t>(flags);
    how.resolve = resolve | RESOLVE_CACHED;
    return FileDescriptor(
        static_cast<int>(::syscall(SYS_openat2, folder, path.c_str(), &how, sizeof(how))));
}

}  // namespace

// Made on another thread.
struct FolderFiles::Found {
    std::optional<FolderFile> file;
    std::optional<Known> known;
};

FolderFiles::FolderFiles(Scheduler& scheduler, std::string folder, std::size_t threads,
                         SmallFiles small_files)
    : folder_(std::move(folder)),
      pool_(scheduler, threads),
      may_open_at_once_(small_files == SmallFiles::at_once ||
                        (small_files == SmallFiles::usual && !is_simulated(scheduler.poller()))) {}

// Runs on another thread.
FolderFiles::Found FolderFiles::find(const std::string& folder, const std::string& path,
                                     std::size_t whole, bool look_at_folder) {
    Found found;
    FileDescriptor at(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!at) {
        fail_operation("opening the folder", folder);
    }
    struct stat status {};
    struct statfs system {};
    if (look_at_folder && ::fstat(at.number(), &status) == 0 &&
        ::fstatfs(at.number(), &system) == 0) {
        found.known = Known{status.st_dev, status.st_ino, is_local(system)};
    }
    for (std::size_t begin = 0; begin < path.size();) {
        const std::size_t end = std::min(path.find('/', begin), path.size());
        const int next = ::openat(at.number(), path.substr(begin, end - begin).c_str(), reading);
        if (next < 0) {
            if (is_passing(errno)) {
                fail_operation("opening a file in", folder);
            }
            return found;
        }
        at = FileDescriptor(next);
        begin = end + 1;
    }
    if (::fstat(at.number(), &status) != 0) {
        fail_operation("looking at a file in", folder);
    }
    FolderFile file{status_of(status), {}, {}};
    if (file.status.kind != FileKind::file && file.status.kind != FileKind::folder) {
        return found;
    }
    if (file.status.kind == FileKind::file && file.status.size <= whole) {
        std::string content = read_at(at.number(), "a file in " + folder, 0, file.status.size);
        // One that has become shorter meanwhile is left to read().
        if (content.size() == file.status.size) {
            file.content = std::move(content);
        }
    }
    if (!file.content) {
        file.descriptor = std::make_shared<const FileDescriptor>(std::move(at));
    }
    found.file = std::move(file);
    return found;
}

// Returns nothing if any step would have to wait, or anything is unusual: another thread then says
// what it is.
std::optional<FolderFile> FolderFiles::find_at_once(const std::string& path, std::size_t whole) {
    // O_PATH opens nothing that a server would have to know of, and DONT_SYNC asks no server.
    const FileDescriptor folder =
        open_cached(AT_FDCWD, folder_, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    struct statx status_of_folder {};
    if (!folder || ::statx(folder.number(), "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO,
                           &status_of_folder) != 0) {
        may_open_at_once_ = !is_refusal(errno);
        return {};
    }
    const std::uint64_t device =
        makedev(status_of_folder.stx_dev_major, status_of_folder.stx_dev_minor);
    if (known_ && (known_->device != device || known_->number != status_of_folder.stx_ino)) {
        known_.reset();
    }
    if (!known_ || !known_->is_local) {
        return {};
    }
    const FileDescriptor at = open_cached(folder.number(), path, reading,
                                          RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
    struct stat status {};
    if (!at || ::fstat(at.number(), &status) != 0 || !S_ISREG(status.st_mode)) {
        return {};
    }
    FolderFile file{status_of(status), {}, {}};
    if (file.status.size > whole) {
        return {};
    }
    std::string content(file.status.size, '\0');
    const iovec into{content.data(), content.size()};
    const ssize_t count =
        uninterrupted([&] { return ::preadv2(at.number(), &into, 1, 0, RWF_NOWAIT); });
    if (count != static_cast<ssize_t>(content.size())) {
        may_open_at_once_ = count >= 0 || !is_refusal(errno);
        return {};
    }
    file.content = std::move(content);
    return file;
}

Task<std::optional<FolderFile>> FolderFiles::open(std::string path, std::size_t whole) {
    if (!can_be_found(path)) {
        co_return std::nullopt;
    }
    if (may_open_at_once_) {
        std::optional<FolderFile> file = find_at_once(path, whole);
        if (file) {
            ++opened_at_once_;
            co_return file;
        }
    }
    auto finding = [folder = folder_, path, whole, look_at_folder = may_open_at_once_ && !known_] {
        return find(folder, path, whole, look_at_folder);
    };
    Found found = co_await pool_.run(std::move(finding));
    if (found.known) {
        known_ = found.known;
    }
    co_return std::move(found.file);
}

Task<std::string> FolderFiles::read(const FolderFile& file, std::uint64_t position,
                                    std::size_t size) {
    assert(file.descriptor != nullptr);
    auto function = [descriptor = file.descriptor, folder = folder_, position, size] {
        return read_at(descriptor->number(), "a file in " + folder, position, size);
    };
    co_return co_await pool_.run(std::move(function));
}

}  // namespace weir
