#include "modules/lock/fencing.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

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

// A file descriptor that is closed at the end of the scope. Opening does not wait: what should be a
// file may be a pipe.
class OpenFile {
public:
    OpenFile(const std::filesystem::path& path, int flags) noexcept
        : descriptor_(::open(path.c_str(), flags | O_CLOEXEC | O_NONBLOCK, 0644)) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() {
        if (descriptor_ >= 0) {
            ::close(descriptor_);
        }
    }
    int get() const noexcept { return descriptor_; }
    bool is_empty() const noexcept {
        struct stat status {};
        return ::fstat(descriptor_, &status) == 0 && status.st_size == 0;
    }
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

// The state directory while this process alone uses it.
class Directory {
public:
    // Throws FencingError, also if another process keeps the directory for too long.
    explicit Directory(const std::filesystem::path& path)
        : path_(path), lock_(path / "fencing.lock", O_RDWR | O_CREAT) {
        if (!lock_) {
            fail_system(path / "fencing.lock", "cannot be opened");
        }
        // Another process holds it for one write. The wait blocks the loop, so it ends also if that
        // process was stopped meanwhile.
        for (int tries = 0; ::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0; ++tries) {
            if (errno != EWOULDBLOCK && errno != EINTR) {
                fail_system(path / "fencing.lock", "cannot be locked");
            }
            if (tries == 1000) {
                fail(path / "fencing.lock", "another process keeps this state directory locked");
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
    }

    // Returns the first number that is not reserved; nothing if there is no file.
    std::optional<std::uint64_t> read() const {
        const std::filesystem::path path = path_ / "fencing";
        const OpenFile file(path, O_RDONLY);
        if (!file) {
            if (errno != ENOENT) {
                fail_system(path, "cannot be read");
            }
            return std::nullopt;
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
            fail(path,
                 "is corrupt; restore it, or remove it and fencing.lock: tokens then start at the "
                 "clock");
        }
        return end;
    }

    // Whether a number was ever reserved here: if the file is missing then, it was lost.
    bool was_used() const noexcept { return !lock_.is_empty(); }

    // Throws FencingError.
    void write(std::uint64_t end) {
        const std::filesystem::path path = path_ / "fencing";
        const std::filesystem::path beside = path_ / "fencing.new";
        {
            const OpenFile file(beside, O_WRONLY | O_CREAT | O_TRUNC);
            if (!file || !write_all(file.get(), content(end)) || ::fsync(file.get()) != 0) {
                fail_system(beside, "cannot be written");
            }
        }
        if (::rename(beside.c_str(), path.c_str()) != 0) {
            fail_system(path, "cannot be replaced");
        }
        const OpenFile folder(path_, O_RDONLY | O_DIRECTORY);
        if (!folder || ::fsync(folder.get()) != 0) {
            fail_system(path_, "cannot be synced");
        }
        if (!was_used() && (!write_all(lock_.get(), "used\n") || ::fsync(lock_.get()) != 0)) {
            fail_system(path_ / "fencing.lock", "cannot be written");
        }
    }

private:
    const std::filesystem::path& path_;
    const OpenFile lock_;  // closing it ends the flock
};

}  // namespace

FencingTokens::FencingTokens(FencingOptions options)
    : options_(std::move(options)), next_(options_.start), end_(options_.start) {
    assert(options_.start > 0 && options_.block > 0);
    reserve();
}

void FencingTokens::reserve() {
    if (options_.directory.empty()) {
        reserve_in_memory();
        return;
    }
    try {
        reserve_in_file();
    } catch (const FencingError& error) {
        if (!options_.on_failure) {
            throw;
        }
        options_.on_failure(error.what());
        options_.directory.clear();
        reserve_in_memory();
    }
}

void FencingTokens::reserve_in_memory() {
    if (next_ > largest) {
        throw FencingError("fencing tokens: all numbers have been used");
    }
    end_ = largest + 1;
}

void FencingTokens::reserve_in_file() {
    std::error_code error;
    std::filesystem::create_directories(options_.directory, error);
    if (error) {
        fail(options_.directory, "the state directory cannot be made: " + error.message());
    }
    Directory directory(options_.directory);
    const std::optional<std::uint64_t> reserved = directory.read();
    if (!reserved && directory.was_used() && !reserved_) {
        fail(options_.directory / "fencing",
             "is missing although tokens have been given out; restore it, or remove fencing.lock "
             "too: tokens then start at the clock");
    }
    const std::uint64_t first = std::max(next_, reserved.value_or(1));
    if (first > largest - std::min(largest, options_.block)) {
        fail(options_.directory / "fencing", "all numbers have been used");
    }
    directory.write(first + options_.block);
    next_ = first;
    end_ = first + options_.block;
    reserved_ = true;
    options_.block = std::max(options_.block, std::min(options_.block * 2, options_.largest_block));
}

}  // namespace weir
