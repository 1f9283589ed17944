#include "apps/weir/process_tree.h"

#include <csignal>

#include <catch2/catch.hpp>
#include <sys/wait.h>
#include <unistd.h>

namespace weir::app {

namespace {

// A child process that waits until it is killed.
pid_t start_child() {
    const pid_t child = fork();
    if (child == 0) {
        pause();
        _exit(0);
    }
    return child;
}

}  // namespace

TEST_CASE("descendants are the children that live, without those that are left out") {
    const pid_t first = start_child();
    const pid_t second = start_child();
    REQUIRE(first > 0);
    REQUIRE(second > 0);
    const auto ids = [](const std::vector<LivingProcess>& processes) {
        std::vector<pid_t> result;
        for (const LivingProcess& process : processes) {
            CHECK(process.group == getpgrp());
            result.push_back(process.id);
        }
        return result;
    };
    CHECK_THAT(ids(descendants(getpid(), {})), Catch::UnorderedEquals(std::vector{first, second}));
    CHECK(ids(descendants(getpid(), {first})) == std::vector{second});
    kill(first, SIGKILL);
    // It has ended, and is not reaped.
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(first), &info, WEXITED | WNOWAIT);
    CHECK(ids(descendants(getpid(), {})) == std::vector{second});
    CHECK(group_lives(getpgrp()));
    kill(second, SIGKILL);
    waitpid(first, nullptr, 0);
    waitpid(second, nullptr, 0);
}

TEST_CASE("a group whose processes only wait to be reaped is not alive") {
    const pid_t child = start_child();
    REQUIRE(child > 0);
    REQUIRE(setpgid(child, child) == 0);
    CHECK(group_lives(child));
    kill(child, SIGKILL);
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT);
    CHECK_FALSE(group_lives(child));
    waitpid(child, nullptr, 0);
}

}  // namespace weir::app
