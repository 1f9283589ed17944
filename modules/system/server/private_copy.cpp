#include "modules/system/server/private_copy.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <random>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "modules/system/server/load_error.h"
#include "modules/system/server/plugin_file.h"

namespace weir {

namespace {

// A file that is larger is no plugin; copying it could fill the disk.
constexpr std::uint64_t largest_plugin = std::uint64_t{1} << 30;

std::string reason() {
    return std::strerror(errno);
}

// An open file, closed with this object.
class Descriptor {
public:
    explicit Descriptor(int number) noexcept : number_(number) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) {
            close(number_);
        }
    }
    int number() const noexcept { return number_; }

private:
    const int number_;
};

// Returns six, as mkdtemp() does.
std::string random_digits() {
    std::random_device random;
    std::string digits;
    while (digits.size() != 6) {
        digits += "0123456789abcdef"[random() % 16];
    }
    return digits;
}

FileStamp stamp_of(const struct stat& status) noexcept {
    return {std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec,
            static_cast<std::uint64_t>(status.st_size), static_cast<std::uint64_t>(status.st_ino)};
}

// Opens a file that may be anything: a named pipe does not hold this up.
int open_regular(const std::string& path, struct stat& status) {
    const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        throw PluginError("cannot open " + path + ": " + reason());
    }
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(file);
        throw PluginError(path + (S_ISDIR(status.st_mode) ? " is a folder, not a plugin"
                                                          : " is no regular file"));
    }
    return file;
}

void write_all(int file, std::span<const std::byte> bytes, const std::string& path) {
    while (!bytes.empty()) {
        const ssize_t count = write(file, bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            throw PluginError("cannot write " + path + ": " + reason());
        }
        bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
}

// How many bytes are there, less than there is room for only at the end of the file.
std::size_t read_all(int file, std::span<std::byte> to, const std::string& path) {
    std::size_t filled = 0;
    while (filled != to.size()) {
        const ssize_t count = read(file, to.data() + filled, to.size() - filled);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            throw PluginError("cannot read " + path + ": " + reason());
        }
        if (count == 0) {
            break;
        }
        filled += static_cast<std::size_t>(count);
    }
    return filled;
}

}  // namespace

FileStamp file_stamp(const std::string& path) {
    struct stat status {};
    if (stat(path.c_str(), &status) != 0) {
        return {};
    }
    return stamp_of(status);
}

PrivateCopy::PrivateCopy(const std::string& path, const std::string& name) {
    try {
        const std::string no_memory = open_in_memory(name);
        if (!no_memory.empty()) {
            open_in_folder(path, name, no_memory);
        }
        copy(path);
    } catch (...) {
        unmap();
        remove();
        throw;
    }
}

PrivateCopy::~PrivateCopy() {
    unmap();
    remove();
}

// Returns why that cannot be done, or "".
std::string PrivateCopy::open_in_memory(const std::string& name) {
    if constexpr (libraries_stay) {
        return "libraries stay in memory, and each would need a descriptor";
    }
    // For those who read /proc/self/maps.
    const std::string mapped_as = "/weir-" + random_digits() + "/" + name + ".so";
    constexpr unsigned executable = 0x10;  // MFD_EXEC, which Linux knows since 6.3
    constexpr unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    file_ = memfd_create(mapped_as.c_str(), flags | executable);
    if (file_ < 0 && errno == EINVAL) {
        file_ = memfd_create(mapped_as.c_str(), flags);
    }
    std::string why = file_ < 0 ? reason() : "";
    if (why.empty()) {
        path_ = "/proc/self/fd/" + std::to_string(file_);
        constexpr std::size_t page = 4096;
        void* const code = mmap(nullptr, page, PROT_READ | PROT_EXEC, MAP_PRIVATE, file_, 0);
        if (code == MAP_FAILED) {
            why = reason();
        } else {
            munmap(code, page);
            why = access(path_.c_str(), R_OK) == 0 ? "" : path_ + ": " + reason();
        }
    }
    if (!why.empty()) {
        remove();
    }
    return why;
}

void PrivateCopy::open_in_folder(const std::string& from, const std::string& name,
                                 const std::string& no_memory) {
    const char* temporary = std::getenv("TMPDIR");
    const bool named = temporary != nullptr && *temporary != '\0';
    const std::string parent = named ? temporary : "/tmp";
    const std::string refused = "cannot copy " + from +
                                ": the system does not execute files in memory (" + no_memory +
                                "), and ";
    std::string folder = parent + "/weir-XXXXXX";
    if (mkdtemp(folder.data()) == nullptr) {
        throw PluginError(refused + "no folder " + folder + " can be made: " + reason());
    }
    folder_ = folder;
    chmod(folder_.c_str(), S_IRWXU);  // whatever the umask is
    path_ = folder_ + "/" + name + ".so";
    struct statvfs status {};
    if (statvfs(folder_.c_str(), &status) == 0 && (status.f_flag & ST_NOEXEC) != 0) {
        throw PluginError(refused + parent +
                          " is on a file system that is mounted noexec; TMPDIR names another "
                          "folder");
    }
    file_ = open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file_ < 0) {
        throw PluginError("cannot write " + path_ + ": " + reason());
    }
    fchmod(file_, S_IRUSR | S_IWUSR);
}

void PrivateCopy::opened() noexcept {
    unmap();
    if (!folder_.empty()) {
        remove();
    }
}

void PrivateCopy::unmap() noexcept {
    if (!bytes_.empty()) {
        munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
        bytes_ = {};
    }
}

// Asks for no memory: it is called when there may be none.
void PrivateCopy::remove() noexcept {
    if (file_ >= 0) {
        close(std::exchange(file_, -1));
    }
    if (!folder_.empty()) {
        unlink(path_.c_str());
        rmdir(folder_.c_str());
    }
}

void PrivateCopy::copy(const std::string& from) {
    struct stat before {};
    const Descriptor source(open_regular(from, before));
    stamp_ = stamp_of(before);
    if (stamp_.size > largest_plugin) {
        throw PluginError(from + " has " + std::to_string(stamp_.size) +
                          " bytes: no plugin is larger than 1 GiB");
    }
    std::array<std::byte, 64 * 1024> buffer{};
    std::size_t count = read_all(source.number(), buffer, from);
    // Before anything large is copied for nothing.
    const std::span<const std::byte> begin = std::span(buffer).first(count);
    if (const std::string fault =
            plugin_header_fault(begin.first(std::min(count, plugin_header_size)));
        !fault.empty()) {
        throw PluginError(from + " " + fault);
    }
    std::size_t size = 0;
    for (; count != 0; count = read_all(source.number(), buffer, from)) {
        write_all(file_, std::span(buffer).first(count), path_);
        size += count;
    }
    struct stat after {};
    if (size != stamp_.size || fstat(source.number(), &after) != 0 || stamp_of(after) != stamp_ ||
        file_stamp(from) != stamp_) {
        throw PluginError(from + " changed while it was read: it is still being written");
    }
    if (folder_.empty()) {
        fcntl(file_, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    }
    void* const mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file_, 0);
    if (mapped == MAP_FAILED) {
        throw PluginError("cannot read " + path_ + ": " + reason());
    }
    bytes_ = {static_cast<const std::byte*>(mapped), size};
}

}  // namespace weir
