#include "modules/system/log/line.h"

#include <catch2/catch.hpp>

#include "modules/system/call/json.h"

namespace weir {

namespace {

using namespace std::chrono_literals;

LogLine line_of(std::string_view text) {
    LogLine line;
    line.time = std::chrono::sys_days(std::chrono::year(2026) / 5 / 1) + 12h + 250ms + 900us;
    line.level = LogLevel::warning;
    line.module = "cafe";
    line.routine = "cafe.breakfast";
    line.text = text;
    return line;
}

std::string written(const LogLine& line, LogLines format) {
    std::string text;
    append_line(text, line, format);
    return text;
}

}  // namespace

TEST_CASE("log line: text has time, level, module and routine before the message", "[log]") {
    CHECK(written(line_of("no milk"), LogLines::text) ==
          "2026-05-01T12:00:00.250Z warning [cafe] cafe.breakfast: no milk\n");
}

TEST_CASE("log line: text leaves out a module or routine that is not known", "[log]") {
    LogLine line = line_of("no milk");
    line.level = LogLevel::info;
    line.module = "";
    CHECK(written(line, LogLines::text) ==
          "2026-05-01T12:00:00.250Z info    cafe.breakfast: no milk\n");
    line.routine = "";
    CHECK(written(line, LogLines::text) == "2026-05-01T12:00:00.250Z info    no milk\n");
}

TEST_CASE("log line: no message looks like two lines, or reaches the terminal", "[log]") {
    LogLine line = line_of("first\nsecond \x1b[31m\xff\n");
    line.routine = "a\nb";
    CHECK(written(line, LogLines::text) ==
          "2026-05-01T12:00:00.250Z warning [cafe] a\\nb: first\n    second \\x1b[31m\\xff\n");
}

TEST_CASE("log line: JSON is one object in one line", "[log]") {
    CHECK(written(line_of("no \"milk\"\n"), LogLines::json) ==
          R"({"time":"2026-05-01T12:00:00.250Z","level":"warning","module":"cafe",)"
          R"("routine":"cafe.breakfast","message":"no \"milk\"\n"})"
          "\n");
}

TEST_CASE("log line: JSON has null for a module or routine that is not known", "[log]") {
    LogLine line = line_of("no milk");
    line.module = line.routine = "";
    const Json json = Json::parse(written(line, LogLines::json));
    CHECK(json.at("module").is_null());
    CHECK(json.at("routine").is_null());
}

TEST_CASE("log line: JSON is valid whatever bytes a message has", "[log]") {
    std::string bytes;
    for (int byte = 0; byte != 256; ++byte) {
        bytes += static_cast<char>(byte);
    }
    LogLine line = line_of(bytes);
    line.routine = "\xc3(";
    const std::string text = written(line, LogLines::json);
    CHECK(text.find('\n') == text.size() - 1);
    const Json json = Json::parse(text);
    const auto message = json.at("message").get<std::string>();
    CHECK(message.substr(0, 128) == bytes.substr(0, 128));
    CHECK(message.substr(128, 3) == "\xef\xbf\xbd");
    CHECK(json.at("routine") == "\xef\xbf\xbd(");
}

TEST_CASE("log line: the level is where it is said to be", "[log]") {
    const LogLine line = line_of("no milk");
    const LogLevelPlace place = place_of_level(line.level);
    CHECK(written(line, LogLines::text).substr(place.begin, place.end - place.begin) == "warning");
}

}  // namespace weir
