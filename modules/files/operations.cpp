#include "modules/files/operations.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/text/utf8.h"
#include "core/base/base64.h"
#include "core/base/glob.h"
#include "core/calendar/utc_text.h"
#include "modules/files/beneath.h"

namespace weir::files {

namespace {

constexpr unsigned usual_mode = 0644;
constexpr int deepest_listing = 32;

std::uint64_t size_of(int file, const std::string& path) {
    struct stat found {};
    if (::fstat(file, &found) != 0) {
        fail("looking at", path);
    }
    return static_cast<std::uint64_t>(found.st_size);
}

// Returns at most so many bytes. `size`: of the file, as far as that is known: it may grow
// meanwhile, and files of /proc say 0.
std::string read_bytes(int file, std::uint64_t position, std::uint64_t most, std::uint64_t size,
                       const std::string& path) {
    constexpr std::uint64_t least_room = 4096;
    // A byte more than there should be: it finds the end without another pass.
    const std::uint64_t expected = size > position ? size - position + 1 : 0;
    std::string bytes(std::min(std::max(expected, least_room), most), '\0');
    std::size_t filled = 0;
    while (filled != most) {
        if (filled == bytes.size()) {
            bytes.resize(std::min<std::uint64_t>(2 * bytes.size(), most));
        }
        const ssize_t count = retried([&] {
            return ::pread(file, bytes.data() + filled, bytes.size() - filled,
                           static_cast<off_t>(position + filled));
        });
        if (count < 0) {
            fail("reading", path);
        }
        if (count == 0) {
            break;
        }
        filled += static_cast<std::size_t>(count);
    }
    bytes.resize(filled);
    return bytes;
}

// Returns how much is written. Less than all: errno says why.
std::size_t write_some(int file, std::string_view bytes) {
    std::size_t written = 0;
    while (written != bytes.size()) {
        const ssize_t count =
            retried([&] { return ::write(file, bytes.data() + written, bytes.size() - written); });
        if (count < 0) {
            break;
        }
        written += static_cast<std::size_t>(count);
    }
    return written;
}

void write_bytes(int file, std::string_view bytes, const std::string& path) {
    if (write_some(file, bytes) != bytes.size()) {
        fail("writing", path);
    }
}

// Writes all at the end of a file of that size, or nothing, so that a call that failed can be
// repeated. What another process has appended meanwhile is left alone, and the part before it.
void append_bytes(int file, std::uint64_t size, std::string_view bytes, const std::string& path) {
    const std::size_t written = write_some(file, bytes);
    if (written == bytes.size()) {
        return;
    }
    const int error = errno;
    struct stat now {};
    const bool is_taken_back =
        ::fstat(file, &now) == 0 && static_cast<std::uint64_t>(now.st_size) == size + written &&
        retried([&] { return ::ftruncate(file, static_cast<off_t>(size)); }) == 0;
    fail(is_taken_back ? "writing" : "a part is written, but not all; writing", path, error);
}

void sync_file(int file, const std::string& path) {
    if (retried([&] { return ::fsync(file); }) != 0) {
        fail("syncing", path);
    }
}

unsigned mode_or(const std::optional<std::string>& given, unsigned otherwise) {
    return given ? mode_of(*given).value_or(otherwise) : otherwise;
}

// A part may end within a character, which then belongs to the next part.
void require_text(std::string& bytes, bool is_part, const std::string& path) {
    const std::size_t good = config::utf8_prefix(bytes);
    constexpr std::size_t longest_character = 4;
    if (good == bytes.size()) {
        return;
    }
    if (!is_part || good == 0 || bytes.size() - good >= longest_character) {
        throw ApiException("not_text", path + " is not UTF-8; `coding` may be base64");
    }
    bytes.resize(good);
}

// A file beside another one, which removes itself unless it takes the other's name.
class TemporaryBeside {
public:
    TemporaryBeside(const Place& place, unsigned mode)
        : place_(place), name_(new_name(place.name)) {
        file_ = FileDescriptor(retried([&] {
            return ::openat(place.folder.number(), name_.c_str(),
                            O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        }));
        if (!file_) {
            fail("making a temporary file for", place.path);
        }
        if (::fchmod(file_.number(), mode) != 0) {
            const int error = errno;
            drop();
            fail("setting the permissions of", place.path, error);
        }
    }
    TemporaryBeside(const TemporaryBeside&) = delete;
    TemporaryBeside& operator=(const TemporaryBeside&) = delete;
    ~TemporaryBeside() { drop(); }

    int descriptor() const noexcept { return file_.number(); }
    void take_name() {
        if (::renameat(place_.folder.number(), name_.c_str(), place_.folder.number(),
                       place_.name.c_str()) != 0) {
            fail("renaming the temporary file of", place_.path);
        }
        name_.clear();
    }

private:
    // Hidden, so that patterns for files of the folder do not fit.
    static std::string new_name(const std::string& name) {
        std::uint64_t number = 0;
        if (::getrandom(&number, sizeof number, 0) != sizeof number) {
            fail("making a name for a temporary file of", name);
        }
        return "." + name.substr(0, 200) + "." + std::to_string(number) + ".tmp";
    }
    void drop() noexcept {
        if (!name_.empty()) {
            ::unlinkat(place_.folder.number(), name_.c_str(), 0);
        }
    }

    const Place& place_;
    std::string name_;  // empty: has taken the name
    FileDescriptor file_;
};

// NAME.2 becomes NAME.3, NAME.1 NAME.2, and NAME NAME.1; beyond `keep` they are dropped.
void rotate(const Place& place, std::uint32_t keep) {
    const int folder = place.folder.number();
    const auto numbered = [&](std::uint32_t number) {
        return number == 0 ? place.name : place.name + "." + std::to_string(number);
    };
    if (keep == 0) {
        if (::unlinkat(folder, place.name.c_str(), 0) != 0) {
            fail("removing", place.path);
        }
        return;
    }
    for (std::uint32_t number = keep; number-- != 0;) {
        if (::renameat(folder, numbered(number).c_str(), folder, numbered(number + 1).c_str()) !=
                0 &&
            errno != ENOENT) {
            fail("rotating", place.path);
        }
    }
}

bool ends_within_line(int file, std::uint64_t size, const std::string& path) {
    return size != 0 && read_bytes(file, size - 1, 1, size, path) != "\n";
}

EntryKind kind_of_mode(mode_t mode) {
    return S_ISREG(mode)   ? EntryKind::file
           : S_ISDIR(mode) ? EntryKind::folder
           : S_ISLNK(mode) ? EntryKind::link
                           : EntryKind::other;
}

// Lists folders one below the other.
class Lister {
public:
    explicit Lister(const ListParameters& what)
        : what_(what),
          pattern_(what.pattern),
          by_path_(what.pattern.find('/') != std::string::npos) {}

    // `path`: of the folder, below the root, with a / at its end; or "". `below`: as the pattern
    // sees it.
    void list(FileDescriptor folder, const std::string& path, const std::string& below, int depth) {
        const OpenFolder open(::fdopendir(folder.number()));
        if (open == nullptr) {
            fail("listing", path);
        }
        const int number = folder.release();  // closed with the listing
        while (!result_.cut) {
            errno = 0;
            const dirent* const entry = ::readdir(open.get());
            if (entry == nullptr) {
                if (errno != 0) {
                    fail("listing", path);
                }
                return;
            }
            const std::string name = entry->d_name;
            if (name != "." && name != "..") {
                add(number, name, path, below, depth);
            }
        }
    }
    Listing take() {
        std::ranges::sort(result_.entries, {}, &FileEntry::path);
        return std::move(result_);
    }

private:
    void add(int folder, const std::string& name, const std::string& path, const std::string& below,
             int depth) {
        struct stat found {};
        if (::fstatat(folder, name.c_str(), &found, AT_SYMLINK_NOFOLLOW) != 0) {
            return;  // removed meanwhile
        }
        if (pattern_.matches(by_path_ ? below + name : name)) {
            if (result_.entries.size() == what_.at_most) {
                result_.cut = true;
                return;
            }
            const std::chrono::sys_seconds written{std::chrono::seconds(found.st_mtim.tv_sec)};
            result_.entries.push_back({path + name, kind_of_mode(found.st_mode),
                                       static_cast<std::uint64_t>(found.st_size),
                                       utc_text(written)});
        }
        if (what_.recursive && S_ISDIR(found.st_mode) && depth != deepest_listing) {
            FileDescriptor inner = open_folder_in(folder, name.c_str());
            if (inner) {
                list(std::move(inner), path + name + "/", below + name + "/", depth + 1);
            }
        }
    }

    const ListParameters& what_;
    const Glob pattern_;
    const bool by_path_;
    Listing result_;
};

}  // namespace

FileContent read_below(const std::string& root, const ReadParameters& what, std::uint64_t at_most) {
    const FileDescriptor file = Place::find(root, what.path).open(O_RDONLY);
    const std::uint64_t begin = what.position.value_or(0);
    // One byte more tells whether there are more.
    std::string bytes =
        read_bytes(file.number(), begin, at_most + 1, size_of(file.number(), what.path), what.path);
    if (bytes.size() > at_most) {
        if (!what.position) {
            throw ApiException("too_large",
                               what.path + " has more than " + std::to_string(at_most) + " bytes");
        }
        bytes.resize(at_most);
    }
    if (what.coding == Coding::text) {
        require_text(bytes, what.position.has_value(), what.path);
    }
    FileContent result;
    result.next = begin + bytes.size();
    result.size = std::max(result.next, size_of(file.number(), what.path));
    result.content = what.coding == Coding::text ? std::move(bytes) : to_base64(bytes);
    return result;
}

void write_below(const std::string& root, const WriteParameters& what, const std::string& content) {
    const Place place =
        Place::find(root, what.path, what.make_folders ? MissingFolder::make : MissingFolder::fail);
    struct stat old {};
    const bool is_there = place.look(old);
    if (is_there) {
        require_file(old, what.path);
    }
    TemporaryBeside file(place, mode_or(what.mode, is_there ? old.st_mode & 0777U : usual_mode));
    write_bytes(file.descriptor(), content, what.path);
    sync_file(file.descriptor(), what.path);
    file.take_name();
    place.sync();
}

void append_below(const std::string& root, const AppendParameters& what, std::string content,
                  bool is_line) {
    const Place place =
        Place::find(root, what.path, what.make_folders ? MissingFolder::make : MissingFolder::fail);
    struct stat old {};
    bool is_new = !place.look(old);
    if (!is_new) {
        require_file(old, what.path);
    }
    const auto size = static_cast<std::uint64_t>(old.st_size);
    const std::uint64_t most = what.rotate_at.bytes;
    if (!is_new && most != 0 && size != 0 && size + content.size() > most) {
        rotate(place, what.keep);
        is_new = true;
    }
    // A file that is rotated has the permissions of the one before it.
    const unsigned mode = mode_or(what.mode, size != 0 ? old.st_mode & 0777U : usual_mode);
    const FileDescriptor file = place.open(O_RDWR | O_APPEND | O_CREAT, mode);
    const std::uint64_t begin = size_of(file.number(), what.path);
    if (is_line && ends_within_line(file.number(), begin, what.path)) {
        content.insert(content.begin(), '\n');
    }
    append_bytes(file.number(), begin, content, what.path);
    if (what.sync) {
        sync_file(file.number(), what.path);
        if (is_new) {
            place.sync();
        }
    }
}

Listing list_below(const std::string& root, const ListParameters& what) {
    Lister lister(what);
    lister.list(open_folder(root, what.path), what.path.empty() ? "" : what.path + "/", "", 0);
    return lister.take();
}

void move_below(const std::pair<std::string, std::string>& roots, const MoveParameters& what) {
    const Place from = Place::find(roots.first, what.from);
    const Place to = Place::find(roots.second, what.to,
                                 what.make_folders ? MissingFolder::make : MissingFolder::fail);
    struct stat found {};
    if (!from.look(found)) {
        fail("moving", what.from, ENOENT);
    }
    if (!S_ISDIR(found.st_mode)) {
        require_file(found, what.from);
    }
    struct stat old {};
    if (what.replace && to.look(old)) {
        require_file(old, what.to);
    }
    if (::renameat2(from.folder.number(), from.name.c_str(), to.folder.number(), to.name.c_str(),
                    what.replace ? 0 : RENAME_NOREPLACE) != 0) {
        if (errno == EINVAL && S_ISDIR(found.st_mode)) {
            throw ApiException(ApiError::bad_parameter,
                               "to: " + what.to + " is in the folder that is moved");
        }
        fail("moving", what.from + " to " + what.to);
    }
    to.sync();
    from.sync();
}

bool remove_below(const std::string& root, const RemoveParameters& what) {
    const Place place = Place::find(root, what.path);
    struct stat found {};
    if (!place.look(found)) {
        return false;
    }
    if (!S_ISLNK(found.st_mode)) {
        require_file(found, what.path);
    }
    if (::unlinkat(place.folder.number(), place.name.c_str(), 0) != 0) {
        if (errno == ENOENT) {
            return false;
        }
        fail("removing", what.path);
    }
    place.sync();
    return true;
}

}  // namespace weir::files
