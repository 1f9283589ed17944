#include "modules/files/folder_tree.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <set>

#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/run/system_error.h"
#include "modules/files/beneath.h"

namespace weir::files {

namespace {

constexpr std::uint32_t reported = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM |
                                   IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF |
                                   IN_ONLYDIR | IN_EXCL_UNLINK;

Seen seen_of(const struct stat& found) {
    constexpr std::int64_t nanoseconds = 1'000'000'000;
    return {found.st_dev, found.st_ino, static_cast<std::uint64_t>(found.st_size),
            found.st_mtim.tv_sec * nanoseconds + found.st_mtim.tv_nsec};
}

std::string problem_of(std::string_view what, const std::string& path, int error) {
    return std::string(what) + ' ' + (path.empty() ? "the folder" : path) + ": " +
           SystemError::reason(-error);
}

bool is_gone(int error) {
    return error == ENOENT || error == ENOTDIR || error == ELOOP;
}

}  // namespace

FolderTree::FolderTree(Options options)
    : options_(std::move(options)), reports_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
    if (!reports_) {
        throw SystemError("asking for reports of changed files", -errno);
    }
    for (const std::string& pattern : options_.patterns) {
        patterns_.emplace_back(Glob(pattern), pattern.find('/') != std::string::npos);
    }
}

bool FolderTree::fits(std::string_view path) const {
    const std::string_view name = path.substr(path.rfind('/') + 1);
    return std::ranges::any_of(patterns_, [&](const auto& pattern) {
        return pattern.first.matches(pattern.second ? path : name);
    });
}

// --- reports

FolderTree::Reports FolderTree::read() {
    Reports reports;
    alignas(inotify_event) std::array<char, 16 * 1024> buffer;
    for (;;) {
        const ssize_t size =
            retried([&] { return ::read(reports_.number(), buffer.data(), buffer.size()); });
        if (size < 0 && errno != EAGAIN) {
            throw SystemError("reading reports of changed files", -errno);
        }
        if (size <= 0) {
            return reports;
        }
        for (std::size_t at = 0; at != static_cast<std::size_t>(size);) {
            const auto& report = *reinterpret_cast<const inotify_event*>(buffer.data() + at);
            at += sizeof report + report.len;
            if ((report.mask & IN_Q_OVERFLOW) != 0) {
                reports.overflow = reports.all = true;
                continue;
            }
            const auto folder = folders_.find(report.wd);
            if (folder == folders_.end()) {
                continue;  // of a folder that is not watched any more
            }
            if ((report.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0) {
                // The folders above report what becomes of the others.
                reports.all = reports.all || folder->second.empty();
            } else if (report.len != 0) {
                add(folder->second, report.name, report.mask, reports);
            }
        }
    }
}

void FolderTree::add(const std::string& folder, const char* name, std::uint32_t what,
                     Reports& reports) const {
    std::string path = folder + name;
    const bool is_folder = (what & IN_ISDIR) != 0;
    if (is_folder ? !options_.recursive : !fits(path)) {
        return;
    }
    if ((what & IN_MODIFY) != 0) {
        reports.written.push_back(std::move(path));
        return;
    }
    if ((what & IN_CLOSE_WRITE) != 0) {
        reports.closed.push_back(path);
    }
    reports.changed.push_back(std::move(path));
}

// --- looks

// By the number of the open folder, since its name may be that of another one now.
void FolderTree::watch(int folder, const std::string& path, Looks& looks) {
    const auto known = numbers_.find(path);
    if (known == numbers_.end() && numbers_.size() >= options_.max_folders) {
        looks.problem = "there are more than " + std::to_string(options_.max_folders) +
                        " folders (`max_folders`); changes in others are only found when all is "
                        "looked at (`rescan`)";
        return;
    }
    const int number = ::inotify_add_watch(
        reports_.number(), ("/proc/self/fd/" + std::to_string(folder)).c_str(), reported);
    if (number < 0) {
        looks.problem = errno == ENOSPC
                            ? "no watches are left (fs.inotify.max_user_watches); changes are only "
                              "found when all is looked at (`rescan`)"
                            : problem_of("watching", path, errno);
        return;
    }
    if (known != numbers_.end() && known->second != number) {
        ::inotify_rm_watch(reports_.number(), known->second);
        folders_.erase(known->second);
    }
    // The folder may have had another name before.
    if (const auto old = folders_.find(number); old != folders_.end() && old->second != path) {
        numbers_.erase(old->second);
    }
    folders_[number] = path;
    numbers_[path] = number;
    looks.watched.insert(path);
}

void FolderTree::forget(const std::string& prefix) {
    for (auto folder = numbers_.lower_bound(prefix);
         folder != numbers_.end() && folder->first.starts_with(prefix);) {
        ::inotify_rm_watch(reports_.number(), folder->second);
        folders_.erase(folder->second);
        folder = numbers_.erase(folder);
    }
}

// Watches before it reads: what comes in between is seen twice, and not never.
void FolderTree::scan(FileDescriptor folder, const std::string& prefix, Looks& looks) {
    watch(folder.number(), prefix, looks);
    const OpenFolder open(::fdopendir(folder.number()));
    if (open == nullptr) {
        looks.problem = problem_of("listing", prefix, errno);
        return;
    }
    const int number = folder.release();  // closed with the listing
    for (;;) {
        errno = 0;
        const dirent* const entry = ::readdir(open.get());
        if (entry == nullptr) {
            if (errno != 0) {
                looks.problem = problem_of("listing", prefix, errno);
            }
            return;
        }
        const std::string name = entry->d_name;
        if (name != "." && name != "..") {
            scan_entry(number, name, prefix, looks);
        }
    }
}

void FolderTree::scan_entry(int folder, const std::string& name, const std::string& prefix,
                            Looks& looks) {
    struct stat found {};
    if (::fstatat(folder, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
        if (!is_gone(errno)) {
            looks.problem = problem_of("looking at", prefix + name, errno);
        }
        return;
    }
    if (S_ISREG(found.st_mode)) {
        if (!fits(prefix + name)) {
            return;
        }
        if (looks.scanned == options_.max_files) {
            ++looks.beyond;
        } else {
            ++looks.scanned;
            looks.files.emplace_back(prefix + name, seen_of(found));
        }
    } else if (S_ISDIR(found.st_mode) && options_.recursive) {
        scan_folder(folder, name, prefix, looks);
    }
}

void FolderTree::scan_folder(int parent, const std::string& name, const std::string& prefix,
                             Looks& looks) {
    if (std::ranges::count(prefix, '/') >= static_cast<std::ptrdiff_t>(deepest)) {
        looks.too_deep = prefix + name;
        return;
    }
    FileDescriptor folder = open_folder_in(parent, name.c_str());
    if (folder) {
        scan(std::move(folder), prefix + name + "/", looks);
    } else if (!is_gone(errno)) {
        looks.problem = problem_of("opening", prefix + name, errno);
    }
}

FolderTree::Looks FolderTree::look_at_all() {
    Looks looks;
    FileDescriptor root(::open(options_.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) {
        looks.is_open = false;
        if (!is_gone(errno)) {
            looks.problem = problem_of("opening", "", errno);
            return looks;  // what was there may still be
        }
        if (errno == ENOTDIR) {
            looks.problem = "it is no folder";
        }
        looks.is_there = false;
        forget("");
        looks.folders.emplace_back();
        return looks;
    }
    scan(std::move(root), "", looks);
    if (!looks.problem && looks.beyond == 0) {
        looks.folders.emplace_back();
        forget_others(looks.watched);
    }
    return looks;
}

void FolderTree::forget_others(const std::set<std::string>& watched) {
    for (auto folder = numbers_.begin(); folder != numbers_.end();) {
        if (watched.contains(folder->first)) {
            ++folder;
        } else {
            ::inotify_rm_watch(reports_.number(), folder->second);
            folders_.erase(folder->second);
            folder = numbers_.erase(folder);
        }
    }
}

FolderTree::Looks FolderTree::look(const std::vector<std::string>& names) {
    const FileDescriptor root(::open(options_.folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) {
        return look_at_all();
    }
    Looks looks;
    for (const std::string& name : std::set<std::string>(names.begin(), names.end())) {
        look_at(root.number(), name, looks);
    }
    return looks;
}

void FolderTree::look_at(int root, const std::string& path, Looks& looks) {
    FileDescriptor folder(::openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
    std::string_view rest = path;
    for (std::size_t end = rest.find('/'); folder && end != std::string_view::npos;
         end = rest.find('/')) {
        const std::string part(rest.substr(0, end));
        folder = FileDescriptor(
            ::openat(folder.number(), part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
        rest.remove_prefix(end + 1);
    }
    const std::string name(rest);
    struct stat found {};
    const bool is_there =
        folder && ::fstatat(folder.number(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0;
    if (!is_there && !is_gone(errno)) {
        looks.problem = problem_of("looking at", path, errno);
        return;
    }
    if (is_there && S_ISDIR(found.st_mode) && options_.recursive) {
        const std::optional<std::string> before = std::exchange(looks.problem, std::nullopt);
        scan_folder(folder.number(), name, path.substr(0, path.size() - name.size()), looks);
        if (!looks.problem && looks.beyond == 0) {
            looks.folders.push_back(path + "/");
            looks.problem = before;
        }
        return;
    }
    forget(path + "/");
    looks.folders.push_back(path + "/");
    looks.files.emplace_back(path, is_there && S_ISREG(found.st_mode)
                                       ? std::optional<Seen>(seen_of(found))
                                       : std::nullopt);
}

}  // namespace weir::files
