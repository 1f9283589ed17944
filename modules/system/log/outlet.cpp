#include "modules/system/log/outlet.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <unistd.h>

#include "core/run/routine.h"
#include "modules/system/log/line.h"

namespace weir {

namespace {

// Between the parts of a payload; a module's name has none, for it is the name of a file.
constexpr char separator = '\0';

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
    const std::size_t end = payload.find(separator);
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

// Standard error without stdio: a write that hangs holds no lock of it, and one that fails is seen.
class StandardError final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        for (std::size_t done = 0; done != line.size();) {
            const ssize_t written = ::write(STDERR_FILENO, line.data() + done, line.size() - done);
            if (written >= 0) {
                done += static_cast<std::size_t>(written);
            } else if (errno == EAGAIN) {
                pollfd writable{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
                ::poll(&writable, 1, -1);
            } else if (errno != EINTR) {
                spdlog::throw_spdlog_ex("writing to standard error failed", errno);
            }
        }
    }
    void flush_() override {}
};

spdlog::sink_ptr open_standard_error() {
    if (isatty(STDERR_FILENO) == 0) {
        return std::make_shared<StandardError>();
    }
    const char* no_color = std::getenv("NO_COLOR");
    const bool plain = no_color != nullptr && *no_color != '\0';  // empty counts as not set
    return std::make_shared<spdlog::sinks::ansicolor_stderr_sink_st>(
        plain ? spdlog::color_mode::never : spdlog::color_mode::automatic);
}

spdlog::sink_ptr open_file(const std::string& file, const LogSettings& settings) {
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

}  // namespace

std::string log_payload(const LogRecord& record) {
    std::string payload(record.source);
    payload += separator;
    if (const Routine* routine = record.routine) {
        const std::string_view file = routine->started_at().file_name();
        payload += routine->name().empty()
                       ? std::string(file.substr(file.rfind('/') + 1)) + ':' +
                             std::to_string(routine->started_at().line())
                       : routine->name().substr(0, routine->name().find(separator));
    }
    payload += separator;
    payload += record.text;
    return payload;
}

std::shared_ptr<spdlog::sinks::sink> open_log_outlet(const LogSettings& settings) {
    const spdlog::sink_ptr outlet =
        settings.file ? open_file(*settings.file, settings) : open_standard_error();
    outlet->set_formatter(std::make_unique<LineFormatter>(settings.format));
    return outlet;
}

}  // namespace weir
