#include "modules/files/tail_file.h"

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/run/system_error.h"
#include "modules/files/beneath.h"
#include "modules/system/call/json.h"

namespace weir::files {

namespace {

std::int64_t time_of(const struct stat& found) {
    constexpr std::int64_t nanoseconds = 1'000'000'000;
    return found.st_mtim.tv_sec * nanoseconds + found.st_mtim.tv_nsec;
}

// ".1", "-20261224", ".2026-12-24.3"
bool is_rotation(std::string_view ending) {
    return ending.size() > 1 && (ending[0] == '.' || ending[0] == '-') && ending[1] >= '0' &&
           ending[1] <= '9' && ending.find_first_not_of("0123456789.-") == std::string_view::npos;
}

struct Rotated {
    std::string path;
    std::int64_t modified = 0;
    std::uint64_t number = 0;
};

// The files that were rotated, the oldest first.
std::vector<Rotated> rotated_files(const std::string& path) {
    const std::string folder = path.substr(0, path.rfind('/') + 1);
    const std::string_view name = std::string_view(path).substr(folder.size());
    std::vector<Rotated> found;
    const OpenFolder open(::opendir(folder.empty() ? "." : folder.c_str()));
    while (const dirent* const entry = open != nullptr ? ::readdir(open.get()) : nullptr) {
        const std::string_view other = entry->d_name;
        struct stat status {};
        if (other.starts_with(name) && is_rotation(other.substr(name.size())) &&
            ::fstatat(::dirfd(open.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode)) {
            found.push_back({folder + entry->d_name, time_of(status), status.st_ino});
        }
    }
    std::ranges::sort(found, {}, &Rotated::modified);
    return found;
}

bool is_at(const TailFile& file, const TailPlace& place) {
    const TailFile::State state = file.state();
    return state.size >= place.offset && state.begin.size() >= place.head.size &&
           Head::of(state.begin.substr(0, place.head.size)) == place.head;
}

}  // namespace

// FNV-1a.
Head Head::of(const std::string& begin) {
    Head head{begin.size(), 0xcbf29ce484222325U};
    for (const char byte : begin) {
        head.hash = (head.hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3U;
    }
    return head;
}

std::string TailPlace::text() const {
    const Json json{{"file", file},
                    {"offset", offset},
                    {"lines", lines},
                    {"head", {{"size", head.size}, {"hash", head.hash}}}};
    return json.dump() + "\n";
}

std::optional<TailPlace> TailPlace::of_text(const std::string& text) {
    const Json json = Json::parse(text, nullptr, false);
    try {
        TailPlace place;
        place.file = json.at("file").get<std::uint64_t>();
        place.offset = json.at("offset").get<std::uint64_t>();
        place.lines = json.at("lines").get<std::uint64_t>();
        place.head.size = json.at("head").at("size").get<std::uint64_t>();
        place.head.hash = json.at("head").at("hash").get<std::uint64_t>();
        return place.head.size <= Head::most ? std::optional<TailPlace>(place) : std::nullopt;
    } catch (const Json::exception&) {
        return std::nullopt;
    }
}

std::shared_ptr<TailFile> TailFile::open(const std::string& path) {
    return open_as(path, path);
}

// Without waiting for the other end of a pipe.
std::shared_ptr<TailFile> TailFile::open_as(const std::string& path, const std::string& name) {
    FileDescriptor file(retried(
        [&] { return ::open(name.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); }));
    if (!file) {
        if (errno == ENOENT) {
            return nullptr;
        }
        throw SystemError("opening " + name, -errno);
    }
    struct stat found {};
    if (::fstat(file.number(), &found) != 0) {
        throw SystemError("looking at " + name, -errno);
    }
    if (!S_ISREG(found.st_mode)) {
        throw SystemError("opening " + name, -EINVAL, "it is no regular file");
    }
    return std::shared_ptr<TailFile>(
        new TailFile(path, std::move(file), found.st_dev, found.st_ino));
}

std::shared_ptr<TailFile> TailFile::find(const std::string& path, const TailPlace& place) {
    if (auto file = open(path); file != nullptr && file->number() == place.file) {
        return is_at(*file, place) ? file : nullptr;
    }
    for (const Rotated& rotated : rotated_files(path)) {
        if (rotated.number == place.file) {
            if (auto file = open_as(path, rotated.path);
                file != nullptr && file->number() == place.file && is_at(*file, place)) {
                return file;
            }
        }
    }
    return nullptr;
}

TailFile::State TailFile::state() const {
    struct stat found {};
    if (::fstat(file_.number(), &found) != 0) {
        throw SystemError("looking at " + path_, -errno);
    }
    State state;
    state.size = static_cast<std::uint64_t>(found.st_size);
    state.modified = time_of(found);
    state.has_name = found.st_nlink != 0;
    state.begin = read(0, Head::most);
    return state;
}

TailFile::Look TailFile::look(std::uint64_t offset, std::size_t size) const {
    Look look;
    look.bytes = read(offset, size);
    if (look.bytes.empty()) {
        look.standing = standing();
        look.bytes = read(offset, size);  // what was written before the file was rotated
    }
    look.state = state();
    return look;
}

TailFile::Standing TailFile::standing() const {
    Standing standing;
    struct stat current {};
    if (::stat(path_.c_str(), &current) == 0) {
        standing.is_current = current.st_dev == device_ && current.st_ino == number_;
        standing.has_next =
            !standing.is_current && S_ISREG(current.st_mode) && current.st_size != 0;
    }
    standing.has_later = !standing.is_current && next_rotated() != nullptr;
    return standing;
}

std::string TailFile::read(std::uint64_t offset, std::size_t size) const {
    std::string bytes(size, '\0');
    const ssize_t count = retried(
        [&] { return ::pread(file_.number(), bytes.data(), size, static_cast<off_t>(offset)); });
    if (count < 0) {
        throw SystemError("reading " + path_, -errno);
    }
    bytes.resize(static_cast<std::size_t>(count));
    return bytes;
}

std::shared_ptr<TailFile> TailFile::next() const {
    std::shared_ptr<TailFile> rotated = next_rotated();
    return rotated != nullptr ? rotated : open(path_);
}

std::shared_ptr<TailFile> TailFile::next_rotated() const {
    const std::int64_t modified = state().modified;
    for (const Rotated& rotated : rotated_files(path_)) {
        if (rotated.modified > modified && rotated.number != number_) {
            if (auto file = open_as(path_, rotated.path)) {
                return file;
            }
        }
    }
    return nullptr;
}

}  // namespace weir::files
