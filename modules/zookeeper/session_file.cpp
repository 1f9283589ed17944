#include "modules/zookeeper/session_file.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <random>
#include <sstream>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/hex.h"

namespace weir::zookeeper {
namespace {

constexpr std::string_view name_begin = "zookeeper-session-";
// The file is one line: this word, the machine, the number, the password and the servers.
constexpr std::string_view magic = "weir-zookeeper-session-1";
constexpr std::size_t longest_file = 64 * 1024;

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
    throw std::system_error(errno, std::generic_category(), path.string() + ": " + what);
}

// Names the running kernel, within which file locks can be relied on.
std::string machine() {
    std::string id;
    std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
    return id.empty() ? "unknown" : id;
}

std::optional<std::string> from_hex(std::string_view text) {
    std::string bytes;
    for (; text.size() >= 2; text.remove_prefix(2)) {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + 2, value, 16);
        if (error != std::errc() || end != text.data() + 2) {
            return std::nullopt;
        }
        bytes.push_back(static_cast<char>(value));
    }
    return text.empty() ? std::optional(bytes) : std::nullopt;
}

// Opens a file and locks it. Returns -1 if another process has it, or it is gone.
int open_locked(const std::filesystem::path& path, int flags) {
    const int descriptor = ::open(path.c_str(), flags | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (descriptor < 0) {
        return -1;
    }
    struct stat status {};
    // Another process may have deleted it between the two calls.
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0 || ::fstat(descriptor, &status) != 0 ||
        status.st_nlink == 0 || !S_ISREG(status.st_mode)) {
        ::close(descriptor);
        return -1;
    }
    return descriptor;
}

}  // namespace

// A process that looks for files of dead ones may take the new file for one before it is locked:
// then another name is tried.
SessionFile::SessionFile(const std::filesystem::path& folder, std::string servers)
    : servers_(std::move(servers)), descriptor_(-1) {
    std::filesystem::create_directories(folder);
    std::random_device random;
    for (int tries = 0; descriptor_ < 0; ++tries) {
        path_ = folder / (std::string(name_begin) + std::to_string(::getpid()) + "-" +
                          std::to_string(random()));
        errno = 0;
        descriptor_ = open_locked(path_, O_CREAT | O_EXCL);
        if (descriptor_ < 0 && tries == 10) {
            fail(path_, "cannot be made");
        }
    }
}

SessionFile::~SessionFile() {
    if (descriptor_ >= 0) {
        ::close(descriptor_);
    }
}

std::vector<SessionFile> SessionFile::left_behind(const std::filesystem::path& folder,
                                                  const std::string& servers) {
    std::vector<SessionFile> left;
    if (!std::filesystem::exists(folder)) {
        return left;
    }
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (!entry.path().filename().string().starts_with(name_begin)) {
            continue;
        }
        const int descriptor = open_locked(entry.path(), 0);
        if (descriptor < 0) {
            continue;  // its process lives
        }
        SessionFile file(entry.path(), servers, descriptor);
        struct stat status {};
        if (file.read()) {
            left.push_back(std::move(file));
        } else if (::fstat(descriptor, &status) == 0 && status.st_size == 0) {
            file.remove();  // its process has had no session
        }
    }
    return left;
}

void SessionFile::write(const SessionKey& key) {
    std::ostringstream line;
    line << magic << ' ' << machine() << ' ' << key.id << ' ' << to_hex(key.password) << ' '
         << servers_ << '\n';
    const std::string text = std::move(line).str();
    errno = ENOSPC;  // stays so if a part is written, as to a disk that becomes full
    const ssize_t written = ::pwrite(descriptor_, text.data(), text.size(), 0);
    if (written != static_cast<ssize_t>(text.size()) ||
        ::ftruncate(descriptor_, static_cast<off_t>(text.size())) != 0) {
        fail(path_, "cannot be written");
    }
}

std::optional<SessionKey> SessionFile::read() const {
    std::string text(longest_file, '\0');
    const ssize_t size = ::pread(descriptor_, text.data(), text.size(), 0);
    text.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    if (!text.ends_with('\n')) {
        return std::nullopt;
    }
    std::istringstream line(text);
    std::string word;
    std::string at;
    std::string password;
    std::string servers;
    SessionKey key;
    line >> word >> at >> key.id >> password >> servers;
    std::optional<std::string> bytes = from_hex(password);
    if (!line || word != magic || at != machine() || servers != servers_ || key.id == 0 || !bytes) {
        return std::nullopt;
    }
    key.password = std::move(*bytes);
    return key;
}

void SessionFile::remove() noexcept {
    ::unlink(path_.c_str());
}

}  // namespace weir::zookeeper
