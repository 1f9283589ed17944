#include "modules/files/beneath.h"

#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include "config/text/quoted.h"
#include "core/run/system_error.h"

namespace weir::files {

namespace {

constexpr std::size_t longest_path = 4000;
constexpr std::size_t deepest_path = 64;

[[noreturn]] void refuse_path(std::string_view path, std::string_view why) {
    throw ApiException(ApiError::bad_parameter,
                       "path: " + config::in_quotes(path) + ' ' + std::string(why));
}

FileDescriptor open_root(const std::string& root) {
    FileDescriptor folder(
        retried([&] { return ::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }));
    if (!folder) {
        fail("opening", root);
    }
    return folder;
}

// Walks through all parts but the last `spared`.
FileDescriptor walk(const std::string& root, const std::vector<std::string>& parts,
                    std::size_t spared, const std::string& path, MissingFolder missing) {
    FileDescriptor folder = open_root(root);
    for (std::size_t i = 0; i + spared < parts.size(); ++i) {
        const char* const part = parts[i].c_str();
        const auto open = [&] {
            return retried([&] {
                return ::openat(folder.number(), part,
                                O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            });
        };
        FileDescriptor next(open());
        if (!next && errno == ENOENT && missing == MissingFolder::make) {
            if (::mkdirat(folder.number(), part, 0777) != 0 && errno != EEXIST) {
                fail("making a folder of", path);
            }
            next = FileDescriptor(open());
        }
        if (!next) {
            fail("opening", path);
        }
        folder = std::move(next);
    }
    return folder;
}

}  // namespace

std::vector<std::string> parts_of(std::string_view path) {
    if (path.empty() || path.size() > longest_path) {
        refuse_path(path.substr(0, 100),
                    path.empty() ? "is empty" : "is longer than a path may be");
    }
    if (path.find('\0') != std::string_view::npos) {
        refuse_path(path, "has a zero byte");
    }
    std::vector<std::string> parts;
    for (std::string_view rest = path;;) {
        const std::size_t end = rest.find('/');
        const std::string_view part = rest.substr(0, end);
        if (part.empty() || part == "." || part == ".." || parts.size() == deepest_path) {
            refuse_path(path, parts.size() == deepest_path
                                  ? "has too many parts"
                                  : "must be relative to the root, without empty parts, '.' and "
                                    "'..'");
        }
        parts.emplace_back(part);
        if (end == std::string_view::npos) {
            return parts;
        }
        rest.remove_prefix(end + 1);
    }
}

Place Place::find(const std::string& root, std::string_view path, MissingFolder missing) {
    std::vector<std::string> parts = parts_of(path);
    Place place;
    place.path = path;
    place.folder = walk(root, parts, 1, place.path, missing);
    place.name = std::move(parts.back());
    return place;
}

bool Place::look(struct stat& found) const {
    if (::fstatat(folder.number(), name.c_str(), &found, AT_SYMLINK_NOFOLLOW) == 0) {
        return true;
    }
    if (errno != ENOENT) {
        fail("looking at", path);
    }
    return false;
}

// Looks first, since opening a device may do something; and again at what was opened, since it may
// be another one.
FileDescriptor Place::open(int flags, unsigned mode) const {
    struct stat found {};
    if (look(found)) {
        require_file(found, path);
    }
    FileDescriptor file(retried([&] {
        return ::openat(folder.number(), name.c_str(),
                        flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, mode);
    }));
    if (!file) {
        fail("opening", path);
    }
    if (::fstat(file.number(), &found) != 0) {
        fail("looking at", path);
    }
    require_file(found, path);
    return file;
}

void Place::sync() const {
    const FileDescriptor open = open_folder_in(folder.number(), ".");
    if (!open || retried([&] { return ::fsync(open.number()); }) != 0) {
        fail("syncing the folder of", path);
    }
}

FileDescriptor open_folder(const std::string& root, std::string_view path) {
    const std::string shown = path.empty() ? root : std::string(path);
    const FileDescriptor found =
        path.empty() ? open_root(root) : walk(root, parts_of(path), 0, shown, MissingFolder::fail);
    FileDescriptor folder = open_folder_in(found.number(), ".");
    if (!folder) {
        fail("opening", shown);
    }
    return folder;
}

FileDescriptor open_folder_in(int folder, const char* name) noexcept {
    return FileDescriptor(retried(
        [&] { return ::openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); }));
}

void require_file(const struct stat& found, const std::string& path) {
    if (!S_ISREG(found.st_mode)) {
        const std::string_view what = S_ISDIR(found.st_mode)   ? "a folder"
                                      : S_ISLNK(found.st_mode) ? "a symbolic link"
                                                               : "a special file";
        throw ApiException("not_a_file", path + " is " + std::string(what));
    }
}

void fail(std::string_view operation, const std::string& path) {
    fail(operation, path, errno);
}

void fail(std::string_view operation, const std::string& path, int error) {
    const std::string message =
        std::string(operation) + ' ' + path + ": " + SystemError::reason(-error);
    switch (error) {
        case ENOENT:
            throw ApiException("not_found", message);
        case ENOTDIR:
            throw ApiException("not_found", message + "; symbolic links are not followed");
        case ELOOP:
        case EISDIR:
        case ENXIO:
            throw ApiException("not_a_file", message);
        case EEXIST:
        case ENOTEMPTY:
            throw ApiException("exists", message);
        case EACCES:
        case EPERM:
        case EROFS:
            throw ApiException(ApiError::denied, message);
        case ENOSPC:
        case EDQUOT:
            throw ApiException("no_space", message);
        case ENAMETOOLONG:
            throw ApiException(ApiError::bad_parameter, "path: " + message);
        case EXDEV:
            throw ApiException(ApiError::bad_parameter,
                               "to_root: " + message + "; it must be on the same file system");
        default:
            throw ApiException(ApiError::failed, message);
    }
}

}  // namespace weir::files
