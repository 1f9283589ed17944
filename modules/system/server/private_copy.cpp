#include "modules/system/server/private_copy.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
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
    const char* temporary = std::getenv("TMPDIR");
    const bool named = temporary != nullptr && *temporary != '\0';
    folder_ = std::string(named ? temporary : "/tmp") + "/weir-XXXXXX";
    if (mkdtemp(folder_.data()) == nullptr) {
        throw PluginError("cannot copy " + path + ": no folder " + folder_ +
                          " can be made: " + reason());
    }
    chmod(folder_.c_str(), S_IRWXU);  // whatever the umask is
    try {
        path_ = folder_ + "/" + name + ".so";
        copy(path);
    } catch (...) {
        remove();
        throw;
    }
}

PrivateCopy::~PrivateCopy() {
    munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
    remove();
}

// Asks for no memory: it is called when there may be none.
void PrivateCopy::remove() const noexcept {
    unlink(path_.c_str());
    rmdir(folder_.c_str());
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
    const Descriptor target(
        open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR));
    if (target.number() < 0) {
        throw PluginError("cannot write " + path_ + ": " + reason());
    }
    fchmod(target.number(), S_IRUSR | S_IWUSR);
    std::size_t size = 0;
    for (; count != 0; count = read_all(source.number(), buffer, from)) {
        write_all(target.number(), std::span(buffer).first(count), path_);
        size += count;
    }
    struct stat after {};
    if (size != stamp_.size || fstat(source.number(), &after) != 0 || stamp_of(after) != stamp_ ||
        file_stamp(from) != stamp_) {
        throw PluginError(from + " changed while it was read: it is still being written");
    }
    void* const mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, target.number(), 0);
    if (mapped == MAP_FAILED) {
        throw PluginError("cannot read " + path_ + ": " + reason());
    }
    bytes_ = {static_cast<const std::byte*>(mapped), size};
}

}  // namespace weir
