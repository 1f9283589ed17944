#include "modules/system/log/outlet.h"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "core/run/routine.h"
#include "modules/system/log/line.h"

namespace weir {

namespace {

// Between the parts of a payload. A module's name contains none, for it is the name of a file.
constexpr char part_separator = '\0';

LogLevel level_of(spdlog::level::level_enum level) {
    switch (level) {
        case spdlog::level::debug:
            return LogLevel::debug;
        case spdlog::level::info:
            return LogLevel::info;
        case spdlog::level::warn:
            return LogLevel::warning;
        default:
            return LogLevel::error;
    }
}

std::string_view take_part(std::string_view& payload) {
    const std::size_t end = payload.find(part_separator);
    const std::string_view part = payload.substr(0, end);
    payload.remove_prefix(part.size() + 1);
    return part;
}

class LineFormatter final : public spdlog::formatter {
public:
    explicit LineFormatter(LogLines format) : format_(format) {}

    void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& to) override {
        std::string_view payload(message.payload.data(), message.payload.size());
        LogLine line;
        line.time = message.time;
        line.level = level_of(message.level);
        line.module = take_part(payload);
        line.routine = take_part(payload);
        line.text = payload;
        text_.clear();
        append_line(text_, line, format_);
        to.append(text_.data(), text_.data() + text_.size());
        if (format_ == LogLines::text) {
            const LogLevelPlace place = place_of_level(line.level);
            message.color_range_start = place.begin;
            message.color_range_end = place.end;
        }
    }
    std::unique_ptr<spdlog::formatter> clone() const override {
        return std::make_unique<LineFormatter>(format_);
    }

private:
    const LogLines format_;
    std::string text_;
};

// Writes lines to a file descriptor without stdio: a write that hangs holds no lock of stdio, and a
// write that fails is seen.
class DescriptorSink : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
public:
    // A line waits for `patience` milliseconds until the descriptor takes bytes; -1: without end.
    DescriptorSink(int descriptor, int patience) noexcept
        : descriptor_(descriptor), patience_(patience) {}

protected:
    int descriptor() const noexcept { return descriptor_; }
    void set_descriptor(int descriptor) noexcept { descriptor_ = descriptor; }

    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        for (std::size_t done = 0; done != line.size();) {
            const ssize_t written = ::write(descriptor_, line.data() + done, line.size() - done);
            if (written >= 0) {
                done += static_cast<std::size_t>(written);
            } else if (errno == EAGAIN) {
                // A line that has begun is ended, however long that takes.
                wait_until_writable(done == 0 ? patience_ : -1);
            } else if (errno != EINTR) {
                spdlog::throw_spdlog_ex("writing failed", errno);
            }
        }
    }
    void flush_() override {}

private:
    void wait_until_writable(int patience) const {
        pollfd writable{.fd = descriptor_, .events = POLLOUT, .revents = 0};
        if (::poll(&writable, 1, patience) == 0) {
            spdlog::throw_spdlog_ex("the pipe is full and no process reads it");
        }
    }

    int descriptor_;
    const int patience_;
};

// A pipe, a terminal or another device, which is opened and written without waiting for its other
// side. A pipe is opened for reading too, as Linux allows: so it needs no reader, keeps what is
// written until a reader opens it, and a reader that closes it breaks nothing.
class SpecialFile final : public DescriptorSink {
public:
    explicit SpecialFile(std::string file)
        : DescriptorSink(-1, static_cast<int>(pipe_patience.count())), file_(std::move(file)) {
        if (const int error = open(); error != 0 && !waits_for_reader(error)) {
            spdlog::throw_spdlog_ex("opening " + file_ + " failed", error);
        }
    }
    ~SpecialFile() override {
        if (descriptor() >= 0) {
            ::close(descriptor());
        }
    }
    SpecialFile(const SpecialFile&) = delete;
    SpecialFile& operator=(const SpecialFile&) = delete;

    // Opens a file without waiting; returns the descriptor or, negative, what is wrong.
    static int open(const std::string& file) noexcept {
        constexpr int flags = O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        int descriptor = ::open(file.c_str(), O_RDWR | flags);
        if (descriptor < 0 && errno == EACCES) {
            descriptor = ::open(file.c_str(), O_WRONLY | flags);
        }
        return descriptor < 0 ? -errno : descriptor;
    }

private:
    // Whether opening failed only because no process reads the pipe.
    bool waits_for_reader(int error) const noexcept {
        struct stat found {};
        return error == ENXIO && ::stat(file_.c_str(), &found) == 0 && S_ISFIFO(found.st_mode);
    }
    int open() noexcept {
        const int opened = open(file_);
        set_descriptor(std::max(opened, -1));
        return opened < 0 ? -opened : 0;
    }

    // A pipe that may only be written cannot be opened before a process reads it.
    void sink_it_(const spdlog::details::log_msg& message) override {
        if (descriptor() < 0 && open() != 0) {
            spdlog::throw_spdlog_ex("no process reads the pipe " + file_);
        }
        DescriptorSink::sink_it_(message);
    }

    const std::string file_;
};

spdlog::sink_ptr open_standard_error() {
    if (isatty(STDERR_FILENO) == 0) {
        return std::make_shared<DescriptorSink>(STDERR_FILENO, -1);
    }
    const char* no_color = std::getenv("NO_COLOR");
    const bool plain = no_color != nullptr && *no_color != '\0';  // empty counts as not set
    return std::make_shared<spdlog::sinks::ansicolor_stderr_sink_st>(
        plain ? spdlog::color_mode::never : spdlog::color_mode::automatic);
}

// Whether the file is a pipe or a device.
bool is_special(const std::string& file) noexcept {
    struct stat found {};
    return ::stat(file.c_str(), &found) == 0 && !S_ISREG(found.st_mode) && !S_ISDIR(found.st_mode);
}

spdlog::sink_ptr open_file(const std::string& file, const LogSettings& settings) {
    if (is_special(file)) {
        return std::make_shared<SpecialFile>(file);
    }
    spdlog::file_event_handlers handlers;
    handlers.after_open = [](const spdlog::filename_t&, std::FILE* opened) {
        fcntl(fileno(opened), F_SETFD, FD_CLOEXEC);  // not for programs that modules start
    };
    if (settings.rotate_at) {
        return std::make_shared<spdlog::sinks::rotating_file_sink_st>(
            file, settings.rotate_at->bytes, settings.rotated_files, false, handlers);
    }
    return std::make_shared<spdlog::sinks::basic_file_sink_st>(file, false, handlers);
}

// File systems whose files are the kernel's own: what is written there is an order, or fails.
bool of_the_kernel(const struct statfs& system) noexcept {
    switch (static_cast<std::uint32_t>(system.f_type)) {
        case PROC_SUPER_MAGIC:
        case SYSFS_MAGIC:
        case CGROUP_SUPER_MAGIC:
        case CGROUP2_SUPER_MAGIC:
        case DEBUGFS_MAGIC:
        case TRACEFS_MAGIC:
        case SECURITYFS_MAGIC:
        case SELINUX_MAGIC:
        case BPF_FS_MAGIC:
        case EFIVARFS_MAGIC:
        case PSTOREFS_MAGIC:
            return true;
        default:
            return false;
    }
}

std::string why_nothing_made_in(const std::filesystem::path& folder) {
    const std::string cannot = "cannot be made in " + folder.string() + ": ";
    struct statfs system {};
    if (::statfs(folder.c_str(), &system) == 0 && of_the_kernel(system)) {
        return cannot + "it belongs to the kernel";
    }
    return ::access(folder.c_str(), W_OK | X_OK) == 0 ? std::string()
                                                      : cannot + std::strerror(errno);
}

// Root may open files that take no writes; a write of nothing shows most of them.
std::string why_not_written(int file) {
    struct stat found {};
    struct statfs system {};
    if (::fstat(file, &found) == 0 && S_ISBLK(found.st_mode)) {
        return "cannot be written: it is a block device";
    }
    if (S_ISREG(found.st_mode) && ::fstatfs(file, &system) == 0 && of_the_kernel(system)) {
        return "cannot be written: it belongs to the kernel";
    }
    return ::write(file, "", 0) == 0 || errno == EAGAIN
               ? std::string()
               : std::string("cannot be written: ") + std::strerror(errno);
}

// Opening a symbolic link makes the file that it leads to, but no folder.
std::string why_no_new_file_behind_link(const std::filesystem::path& link) {
    std::error_code error;
    const std::filesystem::path target =
        link.parent_path() / std::filesystem::read_symlink(link, error);
    const std::filesystem::path folder = target.has_parent_path() ? target.parent_path() : ".";
    if (!std::filesystem::is_directory(folder, error)) {
        return "cannot be made: it is a link to " + target.string() + ", whose folder is missing";
    }
    return why_nothing_made_in(folder);
}

// Opening makes missing folders: the last folder of the path that exists must be writable.
std::string why_no_new_file(std::filesystem::path folder) {
    std::error_code error;
    if (folder.empty()) {
        folder = ".";
    }
    while (!std::filesystem::exists(folder, error) && folder.has_parent_path() &&
           folder.parent_path() != folder) {
        folder = folder.parent_path();
    }
    if (!std::filesystem::exists(folder, error)) {
        folder = ".";
    }
    if (!std::filesystem::is_directory(folder, error)) {
        return "cannot be made: " + folder.string() + " is not a folder";
    }
    return why_nothing_made_in(folder);
}

}  // namespace

std::string log_payload(const LogRecord& record) {
    std::string payload(record.source);
    payload += part_separator;
    if (const Routine* routine = record.routine) {
        const std::string_view file = routine->started_at().file_name();
        payload += routine->name().empty()
                       ? std::string(file.substr(file.rfind('/') + 1)) + ':' +
                             std::to_string(routine->started_at().line())
                       : routine->name().substr(0, routine->name().find(part_separator));
    }
    payload += part_separator;
    payload += record.text;
    return payload;
}

std::shared_ptr<spdlog::sinks::sink> open_log_outlet(const LogSettings& settings) {
    const spdlog::sink_ptr outlet =
        settings.file ? open_file(*settings.file, settings) : open_standard_error();
    outlet->set_formatter(std::make_unique<LineFormatter>(settings.format));
    return outlet;
}

std::string why_no_log_file(const std::string& file) {
    struct stat found {};
    if (::stat(file.c_str(), &found) != 0) {
        if (errno != ENOENT) {
            return std::string("cannot be opened: ") + std::strerror(errno);
        }
        std::error_code error;
        return std::filesystem::is_symlink(file, error)
                   ? why_no_new_file_behind_link(file)
                   : why_no_new_file(std::filesystem::path(file).parent_path());
    }
    if (S_ISFIFO(found.st_mode)) {
        // Opened and closed it would end a program that waits to read it.
        return ::access(file.c_str(), W_OK) == 0
                   ? std::string()
                   : std::string("cannot be opened: ") + std::strerror(errno);
    }
    const int opened = SpecialFile::open(file);
    if (opened < 0) {
        return std::string("cannot be opened: ") + std::strerror(-opened);
    }
    std::string why = why_not_written(opened);
    ::close(opened);
    return why;
}

}  // namespace weir
