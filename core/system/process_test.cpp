#include "core/system/process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <stdexcept>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/run/uv_poller.h"
#include "core/simulation/simulation.h"
#include "core/wait/future.h"
#include "core/wait/timeout.h"
#include "tests/support/world_on.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using World = test::WorldOn<UvPoller>;

// Runs the task, and returns its result or throws its exception.
template <class T>
T run(World& world, Task<T> task) {
    RoutineFuture<T> future(world.container, std::move(task));
    world.scheduler.run();
    REQUIRE(future.done());
    return future.result();
}

ProcessOptions shell(std::string script) {
    return {.command = {"/bin/sh", "-c", std::move(script)}};
}

Task<std::string> read_all(FileDescriptor file) {
    std::string text;
    for (;;) {
        co_await readable(file.number());
        std::array<char, 1000> buffer{};
        const ssize_t count = ::read(file.number(), buffer.data(), buffer.size());
        if (count <= 0) {
            co_return text;
        }
        text.append(buffer.data(), static_cast<std::size_t>(count));
    }
}

// What the process writes to its standard output.
Task<std::string> output_of(Scheduler& scheduler, ProcessOptions options) {
    options.output = StandardFile::piped;
    Process process(scheduler, options);
    const std::string text = co_await read_all(process.take_output());
    co_await process.wait();
    co_return text;
}

Task<std::string> end_of(Scheduler& scheduler, ProcessOptions options) {
    Process process(scheduler, options);
    co_return (co_await process.wait()).text();
}

bool exists(int pid) {
    return ::kill(pid, 0) == 0 || errno != ESRCH;
}

// Whether this program has a child, running or a zombie.
bool has_children() {
    return ::waitpid(-1, nullptr, WNOHANG) >= 0 || errno != ECHILD;
}

// Waits until a process has ended, and is not even a zombie.
Task<> wait_until_gone(int pid) {
    while (exists(pid)) {
        co_await sleep(1ms);
    }
}

// Waits until a process runs no more; it may be a zombie, as under an init that does not reap.
Task<> wait_until_dead(int pid) {
    while (std::filesystem::exists("/proc/" + std::to_string(pid) + "/exe")) {
        co_await sleep(1ms);
    }
}

}  // namespace

TEST_CASE("a process ends with a code or by a signal") {
    World world;
    CHECK(run(world, end_of(world.scheduler, shell("exit 3"))) == "exited with code 3");
    CHECK(run(world, end_of(world.scheduler, shell("kill -9 $$"))) ==
          "was ended by signal 9 (Killed)");
    CHECK(ProcessExit{}.success());
    CHECK_FALSE(ProcessExit{.code = 1}.success());
    CHECK_FALSE(ProcessExit{.signal = 1}.success());
    CHECK_FALSE(has_children());
}

TEST_CASE("a process gets arguments, variables and a working folder") {
    World world;
    ::setenv("WEIR_TEST_KEPT", "kept", 1);
    ::setenv("WEIR_TEST_REMOVED", "removed", 1);
    ProcessOptions options =
        shell("echo $0-$1-$WEIR_TEST_KEPT-$WEIR_TEST_REMOVED-$WEIR_TEST_SET; pwd");
    options.command.insert(options.command.end(), {"a b", "c"});
    options.environment = {{"WEIR_TEST_REMOVED", std::nullopt}, {"WEIR_TEST_SET", "x=y"}};
    options.folder = "/usr/bin";
    CHECK(run(world, output_of(world.scheduler, options)) == "a b-c-kept--x=y\n/usr/bin\n");
    options.command = {"/usr/bin/env"};
    options.clear_environment = true;
    CHECK(run(world, output_of(world.scheduler, options)) == "WEIR_TEST_SET=x=y\n");
}

TEST_CASE("a process has its standard files and no others, and a session of its own") {
    World world;
    const FileDescriptor open(::open("/dev/null", O_RDONLY));  // not to be inherited
    CHECK(run(world, output_of(world.scheduler, {.command = {"/bin/ls", "/proc/self/fd"}})) ==
          "0\n1\n2\n3\n");  // 3: the folder that ls lists
    CHECK(run(world, output_of(world.scheduler,
                               shell("test \"$(ps -o sid= $$)\" -eq $$ && echo its own"))) ==
          "its own\n");
}

TEST_CASE("a process reads what is written to it, to the end") {
    World world;
    const auto work = [](Scheduler& scheduler) -> Task<std::string> {
        Process process(scheduler, {.command = {"tr", "a-z", "A-Z"},
                                    .input = StandardFile::piped,
                                    .output = StandardFile::piped});
        FileDescriptor input = process.take_input();
        CHECK(::write(input.number(), "hello", 5) == 5);
        input.close();
        co_return co_await read_all(process.take_output());
    };
    CHECK(run(world, work(world.scheduler)) == "HELLO");
}

TEST_CASE("what cannot be started is an error that says what is missing, and where") {
    World world;
    CHECK_THROWS_WITH(Process(world.scheduler, {.command = {"/no/such/program"}}),
                      "starting /no/such/program: no such file or directory (ENOENT): there is no "
                      "file /no/such/program");
    CHECK_THROWS_WITH(Process(world.scheduler, {.command = {"/etc/passwd"}}),
                      "starting /etc/passwd: permission denied (EACCES): /etc/passwd may not be "
                      "executed");
    CHECK_THROWS_WITH(Process(world.scheduler, {.command = {"ls"}, .folder = "/no/folder"}),
                      "starting ls in /no/folder: no such file or directory (ENOENT): there is no "
                      "folder /no/folder");
    CHECK_THROWS_WITH(Process(world.scheduler, {.command = {"./program"}, .folder = "/etc"}),
                      "starting ./program in /etc: no such file or directory (ENOENT): there is no "
                      "file /etc/./program");
    CHECK_THROWS_WITH(Process(world.scheduler, {.command = {"no-such-program"}}),
                      "starting no-such-program: no such file or directory (ENOENT): no folder of "
                      "PATH has a program of this name; PATH is " +
                          std::string(std::getenv("PATH")));
    CHECK_THROWS_AS(Process(world.scheduler, {}), std::invalid_argument);
    test::WorldOn<Simulation> simulated;
    CHECK_THROWS_AS(Process(simulated.scheduler, {.command = {"ls"}}), std::logic_error);
    CHECK_FALSE(has_children());
}

TEST_CASE("closing a routine ends its process with all that this has started") {
    World world;
    const auto work = [](Scheduler& scheduler, int& pid, int& child) -> Task<> {
        ProcessOptions options = shell("sleep 1000 & echo $!; sleep 1000");
        options.output = StandardFile::piped;
        Process process(scheduler, options);
        pid = process.pid();
        const FileDescriptor output = process.take_output();
        co_await readable(output.number());
        std::array<char, 100> buffer{};
        CHECK(::read(output.number(), buffer.data(), buffer.size()) > 0);
        child = std::stoi(buffer.data());
        co_await process.wait();
    };
    const auto close = [](Routine& routine, const int& child) -> Task<> {
        while (child == 0) {
            co_await sleep(1ms);
        }
        routine.close();
    };
    int pid = 0;
    int child = 0;
    const Ref<Routine> routine = world.container.start(work(world.scheduler, pid, child));
    world.container.start(close(*routine, child));
    world.scheduler.run();
    REQUIRE(child != 0);
    // Its parent is now another process, which need not be quick.
    run(world, wait_until_gone(pid));
    CHECK_FALSE(has_children());
    run(world, wait_until_dead(child));
}

TEST_CASE("the group ends although its first process has ended by itself") {
    World world;
    const auto work = [](Scheduler& scheduler) -> Task<std::string> {
        ProcessOptions options = shell("sleep 1000 & exit 0");
        options.output = StandardFile::piped;
        FileDescriptor output;
        {
            Process process(scheduler, options);
            output = process.take_output();
            const ProcessExit exit = co_await process.wait();
            CHECK(exit.success());
        }
        // The child, which has the pipe too, would keep it open for long.
        co_return co_await read_all(std::move(output));
    };
    CHECK(run(world, work(world.scheduler)).empty());
}

TEST_CASE("a process that ignores SIGTERM is killed") {
    World world;
    const auto work = [](Scheduler& scheduler, std::string script) -> Task<std::string> {
        ProcessOptions options = shell(std::move(script));
        options.output = StandardFile::piped;
        Process process(scheduler, options);
        const FileDescriptor output = process.take_output();
        co_await readable(output.number());  // it is ready
        co_return (co_await process.stop(20ms)).text();
    };
    CHECK(run(world, work(world.scheduler, "trap '' TERM; echo; while :; do sleep 1000; done")) ==
          "was ended by signal 9 (Killed)");
    CHECK(run(world, work(world.scheduler, "trap 'exit 7' TERM; echo; sleep 1000 & wait")) ==
          "exited with code 7");
}

TEST_CASE("the end of a process is waited for beside other events, and known afterwards") {
    World world;
    const auto work = [](Scheduler& scheduler) -> Task<int> {
        Process process(scheduler, shell("exit 5"));
        const Timer never = scheduler.set_timer(1h);
        const MatcherOf<DescriptorEvent> ended = process.ended();
        const Matched matched = co_await any_of(never.matcher(), ended);
        CHECK(matched.which == 1);
        CHECK(process.exit().has_value());
        const ProcessExit first = co_await process.wait();
        CHECK(first.code == 5);
        const MatcherOf<DescriptorEvent> still_ended = process.ended();
        co_await still_ended;
        co_return (co_await process.wait()).code;
    };
    CHECK(run(world, work(world.scheduler)) == 5);
}

TEST_CASE("a scheduler that is destroyed leaves no process", "[threads]") {
    {
        World world;
        const auto work = [](Scheduler& scheduler) -> Task<> {
            Process process(scheduler, shell("sleep 1000"));
            co_await process.wait();
        };
        world.container.start(work(world.scheduler), {.daemon = true, .foreground = true});
        CHECK(has_children());
    }
    CHECK_FALSE(has_children());
}

}  // namespace weir
