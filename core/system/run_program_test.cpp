#include "core/system/run_program.h"

#include <string>

#include <catch2/catch.hpp>

#include "core/run/uv_poller.h"
#include "core/wait/future.h"
#include "tests/support/world_on.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

RunResult run(Task<RunResult> task) {
    test::WorldOn<UvPoller> world;
    RoutineFuture<RunResult> future(world.container, std::move(task));
    world.scheduler.run();
    REQUIRE(future.done());
    return future.result();
}

ProcessOptions shell(std::string script) {
    return {.command = {"/bin/sh", "-c", std::move(script)}};
}

}  // namespace

TEST_CASE("a program's output, errors and exit code are returned") {
    const RunResult result = run(run_program(shell("echo out; echo err >&2; exit 3")));
    CHECK(result.output == "out\n");
    CHECK(result.errors == "err\n");
    CHECK(result.exit.code == 3);
    CHECK_FALSE(result.timed_out);
    CHECK_FALSE(result.cut);
}

TEST_CASE("a program that reads and writes more than a pipe holds does not stand still") {
    const std::string input(3'000'000, 'x');
    const RunResult result = run(run_program({.command = {"cat"}}, input));
    CHECK(result.output == input);
    CHECK(result.exit.success());
}

TEST_CASE("a program that does not read its input is run to its end") {
    const RunResult result =
        run(run_program(shell("exec <&-; echo done"), std::string(200'000, 'x')));
    CHECK(result.output == "done\n");
}

TEST_CASE("a program that takes too long is stopped, with what it has written") {
    RunLimits limits;
    limits.time = 300ms;
    const RunResult result = run(run_program(shell("echo begun; sleep 1000"), {}, limits));
    CHECK(result.timed_out);
    CHECK(result.output == "begun\n");
    CHECK(result.exit.text() == "was ended by signal 15 (Terminated)");
}

TEST_CASE("what a program writes beyond the limit is dropped") {
    RunLimits limits;
    limits.output = 10;
    const RunResult result = run(run_program(shell("yes | head -c 100000"), {}, limits));
    CHECK(result.cut);
    CHECK(result.output == "y\ny\ny\ny\ny\n");
    CHECK(result.exit.success());
}

}  // namespace weir
