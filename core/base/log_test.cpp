#include "core/base/log.h"

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "core/run/container.h"
#include "core/simulation/simulation.h"
#include "core/wait/timeout.h"

namespace weir {

namespace {

// Returns what the function writes to standard error.
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

Task<> say_and_throw(Scheduler& scheduler) {
    scheduler.log(LogLevel::warning, "text", "the test");
    co_await sleep(std::chrono::seconds(1));
    throw std::runtime_error("enough");
}

}  // namespace

TEST_CASE("every log level has a name", "[log]") {
    CHECK(to_string(LogLevel::debug) == "debug");
    CHECK(to_string(LogLevel::info) == "info");
    CHECK(to_string(LogLevel::warning) == "warning");
    CHECK(to_string(LogLevel::error) == "error");
}

TEST_CASE("the sink writes messages of the given level and above to standard error, one line each",
          "[log]") {
    const std::string text = written_to_stderr([] {
        const LogSink log = log_to_stderr(LogLevel::warning);
        log({LogLevel::debug, "unseen"});
        log({LogLevel::info, "unseen"});
        log({LogLevel::warning, "look out"});
        log({LogLevel::error, "too late"});
    });
    CHECK(text == "weir: warning: look out\nweir: error: too late\n");
}

TEST_CASE("the sink writes warnings and errors unless the caller gives a level", "[log]") {
    CHECK(written_to_stderr([] { log_to_stderr()({LogLevel::info, "unseen"}); }).empty());
    CHECK(written_to_stderr([] {
              log_to_stderr(LogLevel::debug)({LogLevel::debug, "seen"});
          }) == "weir: debug: seen\n");
}

TEST_CASE("a log record names the routine that runs, or the routine that an exception ended",
          "[log]") {
    std::vector<std::string> told;
    Simulation simulation;
    Scheduler scheduler(
        simulation, {.log = [&told](const LogRecord& record) {
            told.push_back(std::string(to_string(record.level)) + " " + std::string(record.source) +
                           " " +
                           (record.routine == nullptr ? "no routine" : record.routine->name()));
        }});
    Container container(scheduler);
    container.start(say_and_throw(scheduler), {.name = "speaker"});
    scheduler.log(LogLevel::info, "before");
    scheduler.run();
    CHECK(told == std::vector<std::string>{"info  no routine", "warning the test speaker",
                                           "error  speaker"});
}

}  // namespace weir
