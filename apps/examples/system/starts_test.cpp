#include "starts.h"

#include <cstdlib>
#include <filesystem>

#include <catch2/catch.hpp>
#include <weir/testing.h>

// Returns the result of one call, or nothing if it failed.
static std::optional<int> count(const std::string& path) {
    weir::Simulation world;
    weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
    weir::add_standard_queues(scheduler.queue());
    weir::Container container(scheduler);
    const weir::RoutineFuture<int> starts(container, count_start(path));
    scheduler.run();
    try {
        return starts.result();
    } catch (const weir::SystemError&) {
        return {};
    }
}

TEST_CASE("a count in a file survives whichever write fails") {
    std::string folder = std::filesystem::temp_directory_path().string() + "/weir_starts.XXXXXX";
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    const std::string path = folder + "/starts";
    int last = 0;
    bool failed = true;
    for (unsigned nth = 1; failed; ++nth) {
        {
            const weir::WriteFailure failure(nth);
            const std::optional<int> starts = count(path);
            failed = failure.happened();
            CHECK(starts.has_value() == !failed);
        }
        const int now = count(path).value();
        // The call that failed has counted, or has not.
        CHECK(now >= last + 1);
        CHECK(now <= last + 2);
        CHECK(std::distance(std::filesystem::directory_iterator(folder), {}) == 1);
        last = now;
    }
    std::filesystem::remove_all(folder);
}
