#include "modules/system/log/line.h"

#include <cstdio>
#include <ctime>
#include <limits>

#include "config/document/value.h"
#include "config/text/quoted.h"

namespace weir {

namespace {

constexpr std::size_t time_characters = 24;

// ISO 8601: 2026-05-01T12:00:00.250Z
std::string time_text(std::chrono::system_clock::time_point time) {
    using namespace std::chrono;
    const auto second = floor<seconds>(time);
    const std::time_t since_epoch = system_clock::to_time_t(second);
    std::tm parts{};
    gmtime_r(&since_epoch, &parts);
    char text[64];
    const std::size_t size = std::strftime(text, sizeof text, "%FT%T", &parts);
    std::snprintf(text + size, sizeof text - size, ".%03dZ",
                  static_cast<int>(floor<milliseconds>(time - second).count()));
    return text;
}

std::string printable(std::string_view text) {
    return config::printable(text, std::numeric_limits<std::size_t>::max());
}

void append_text(std::string& to, const LogLine& line) {
    constexpr std::size_t level_width = 8;
    const std::string_view level = to_string(line.level);
    to += time_text(line.time) + ' ';
    to += level;
    to.append(level_width - level.size(), ' ');
    if (!line.module.empty()) {
        to += '[' + printable(line.module) + "] ";
    }
    if (!line.routine.empty()) {
        to += printable(line.routine) + ": ";
    }
    std::string_view rest = line.text;
    for (std::size_t end = 0; (end = rest.find('\n')) != std::string_view::npos;) {
        to += printable(rest.substr(0, end));
        rest.remove_prefix(end + 1);
        to += rest.empty() ? "" : "\n    ";
    }
    to += printable(rest) + '\n';
}

void append_json(std::string& to, const LogLine& line) {
    using config::Value;
    const auto text_or_null = [](std::string_view text) {
        return text.empty() ? Value() : Value(text);
    };
    const Value json = Value::object()
                           .add("time", time_text(line.time))
                           .add("level", to_string(line.level))
                           .add("module", text_or_null(line.module))
                           .add("routine", text_or_null(line.routine))
                           .add("message", line.text);
    to += to_json(json) + '\n';
}

}  // namespace

void append_line(std::string& to, const LogLine& line, LogLines format) {
    if (format == LogLines::json) {
        append_json(to, line);
    } else {
        append_text(to, line);
    }
}

LogLevelPlace place_of_level(LogLevel level) noexcept {
    return {time_characters + 1, time_characters + 1 + to_string(level).size()};
}

}  // namespace weir
