#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/simulation/simulation.h"
#include "tests/support/world_on.h"

namespace weir::test {

/// A scheduler in virtual time that runs the tasks of a test side by side.
struct VirtualWorld : WorldOn<Simulation> {
    explicit VirtualWorld(std::uint64_t seed = 1) : WorldOn({}, seed) {}

    /// Runs the tasks until all have ended. Fails the test if one has not.
    template <class... T>
    void run_to_end(T... tasks) {
        std::vector<Ref<Routine>> routines{container.start(std::move(tasks), {.name = "test"})...};
        scheduler.run();
        for (const Ref<Routine>& routine : routines) {
            REQUIRE(routine->ended());
        }
    }
    /// The same; fails the test also if the log has a line.
    template <class... T>
    void run(T... tasks) {
        run_to_end(std::move(tasks)...);
        CHECK(log == std::vector<std::string>());
    }
    /// The same; but the log may have lines which tell of no exception.
    template <class... T>
    void run_with_log(T... tasks) {
        run_to_end(std::move(tasks)...);
        for (const std::string& line : log) {
            INFO(line);
            CHECK(line.find("exception") == std::string::npos);
        }
    }
    Time in(Duration time) { return scheduler.now() + time; }
};

}  // namespace weir::test
