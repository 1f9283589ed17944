#include "core/log.h"

#include <cstdio>
#include <string>

#include <catch2/catch.hpp>
#include <unistd.h>

namespace weir {

namespace {

// What is written to standard error while the function runs.
template <class F>
std::string written_to_stderr(F function) {
    std::FILE* file = std::tmpfile();
    REQUIRE(file != nullptr);
    std::fflush(stderr);
    const int before = dup(STDERR_FILENO);
    dup2(fileno(file), STDERR_FILENO);
    function();
    std::fflush(stderr);
    dup2(before, STDERR_FILENO);
    close(before);
    std::rewind(file);
    std::string text;
    for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) {
        text += static_cast<char>(c);
    }
    std::fclose(file);
    return text;
}

}  // namespace

TEST_CASE("Every level of the log has a name", "[log]") {
    CHECK(to_string(LogLevel::debug) == "debug");
    CHECK(to_string(LogLevel::info) == "info");
    CHECK(to_string(LogLevel::warning) == "warning");
    CHECK(to_string(LogLevel::error) == "error");
}

TEST_CASE("Messages from a level on go to standard error, one line each", "[log]") {
    const std::string text = written_to_stderr([] {
        const LogSink log = log_to_stderr(LogLevel::warning);
        log(LogLevel::debug, "unseen");
        log(LogLevel::info, "unseen");
        log(LogLevel::warning, "look out");
        log(LogLevel::error, "too late");
    });
    CHECK(text == "weir: warning: look out\nweir: error: too late\n");
}

TEST_CASE("Without being told otherwise, warnings and errors are written", "[log]") {
    CHECK(written_to_stderr([] { log_to_stderr()(LogLevel::info, "unseen"); }).empty());
    CHECK(written_to_stderr([] { log_to_stderr(LogLevel::debug)(LogLevel::debug, "seen"); }) ==
          "weir: debug: seen\n");
}

}  // namespace weir
