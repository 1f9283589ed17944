#include "modules/lock/fencing.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <string>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir {

namespace {

// The file is one line: this word, the first number that is not reserved, and a check sum of it.
constexpr std::string_view magic = "weir-fencing-1";

std::uint64_t check_sum(std::uint64_t value) noexcept {  // Murmur's finalizer
    value ^= value >> 33;
    value *= 0xff51afd7ed558ccdULL;
    value ^= value >> 33;
    value *= 0xc4ceb9fe1a85ec53ULL;
    value ^= value >> 33;
    return value;
}

std::string content(std::uint64_t end) {
    return std::string(magic) + ' ' + std::to_string(end) + ' ' + std::to_string(check_sum(end)) +
           '\n';
}

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& what) {
    throw FencingError("fencing tokens: " + file.string() + ": " + what);
}

[[noreturn]] void fail_system(const std::filesystem::path& file, const std::string& what) {
    fail(file, what + ": " + std::generic_category().message(errno));
}

// A file descriptor that is closed at the end of the scope.
class OpenFile {
public:
    OpenFile(const std::filesystem::path& path, int flags) noexcept
        : descriptor_(::open(path.c_str(), flags | O_CLOEXEC, 0644)) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
    }
    int get() const noexcept { return descriptor_; }
    explicit operator bool() const noexcept { return descriptor_ >= 0; }

private:
    int descriptor_;
};

bool write_all(int descriptor, std::string_view text) noexcept {
    while (!text.empty()) {
        const ssize_t written = ::write(descriptor, text.data(), text.size());
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

}  // namespace

FencingTokens::FencingTokens(std::filesystem::path directory, std::uint64_t block)
    : directory_(std::move(directory)), block_(block == 0 ? 1 : block) {
    std::error_code error;
    std::filesystem::create_directories(directory_, error);
    if (error) {
        fail(directory_, "the state directory cannot be made: " + error.message());
    }
    take_lock_file();
    try {
        next_ = end_ = read();
        reserve();
    } catch (...) {
        ::close(lock_file_);
        throw;
    }
}

FencingTokens::~FencingTokens() {
    if (lock_file_ >= 0) {
        ::close(lock_file_);
    }
}

void FencingTokens::take_lock_file() {
    const std::filesystem::path path = directory_ / "fencing.lock";
    lock_file_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (lock_file_ < 0) {
        fail_system(path, "cannot be opened");
    }
    if (::flock(lock_file_, LOCK_EX | LOCK_NB) != 0) {
        const int reason = errno;
        ::close(lock_file_);
        errno = reason;
        if (reason == EWOULDBLOCK) {
            fail(path, "another process uses this state directory");
        }
        fail_system(path, "cannot be locked");
    }
}

std::uint64_t FencingTokens::read() const {
    const std::filesystem::path path = directory_ / "fencing";
    const OpenFile file(path, O_RDONLY);
    if (!file) {
        if (errno != ENOENT) {
            fail_system(path, "cannot be read");
        }
        // The lock file says whether there ever was one: a file that was lost would make tokens
        // start anew.
        struct stat status {};
        if (::fstat(lock_file_, &status) != 0) {
            fail_system(directory_ / "fencing.lock", "cannot be examined");
        }
        if (status.st_size != 0) {
            fail(path,
                 "is missing although tokens have been given out; restore it, or remove "
                 "fencing.lock too to start anew at 1");
        }
        return 1;
    }
    std::array<char, 128> buffer{};
    std::size_t size = 0;
    for (;;) {
        const ssize_t got = ::read(file.get(), buffer.data() + size, buffer.size() - size);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            fail_system(path, "cannot be read");
        }
        size += static_cast<std::size_t>(got);
        if (got == 0 || size == buffer.size()) {
            break;
        }
    }
    const std::string_view text(buffer.data(), size);
    std::uint64_t end = 0;
    if (text.starts_with(magic) && text.size() > magic.size() + 1) {
        std::from_chars(text.data() + magic.size() + 1, text.data() + text.size(), end);
    }
    if (end == 0 || text != content(end)) {
        fail(path, "is corrupt; tokens that grow cannot be had from it");
    }
    return end;
}

void FencingTokens::reserve() {
    if (directory_.empty()) {
        end_ = UINT64_MAX;
        return;
    }
    if (end_ > UINT64_MAX - block_) {
        fail(directory_ / "fencing", "all numbers have been used");
    }
    const std::uint64_t end = end_ + block_;
    write(end);
    mark_used();
    end_ = end;
}

void FencingTokens::write(std::uint64_t end) const {
    const std::filesystem::path path = directory_ / "fencing";
    const std::filesystem::path beside = directory_ / "fencing.new";
    {
        const OpenFile file(beside, O_WRONLY | O_CREAT | O_TRUNC);
        if (!file || !write_all(file.get(), content(end)) || ::fsync(file.get()) != 0) {
            fail_system(beside, "cannot be written");
        }
    }
    if (::rename(beside.c_str(), path.c_str()) != 0) {
        fail_system(path, "cannot be replaced");
    }
    const OpenFile folder(directory_, O_RDONLY | O_DIRECTORY);
    if (!folder || ::fsync(folder.get()) != 0) {
        fail_system(directory_, "cannot be synced");
    }
}

void FencingTokens::mark_used() const {
    struct stat status {};
    if (::fstat(lock_file_, &status) == 0 && status.st_size == 0 &&
        (!write_all(lock_file_, "used\n") || ::fsync(lock_file_) != 0)) {
        fail_system(directory_ / "fencing.lock", "cannot be written");
    }
}

}  // namespace weir
