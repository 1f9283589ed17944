#include "core/program/watchdog.h"

#include <atomic>
#include <functional>
#include <vector>

#include "core/wait/timeout.h"
#include "tests/support/net.h"

namespace weir {

using namespace std::chrono_literals;
using testing::World;

namespace {

constexpr Duration most = 20s;  // that a test waits for the watchdog's thread

// What the watchdog has said; filled by its thread.
struct Said {
    std::mutex mutex;
    std::vector<std::string> reports;
    std::atomic<std::size_t> count = 0;
    std::atomic<std::size_t> signs = 0;

    WatchdogOptions options(Duration limit, std::optional<Duration> alive_every = {}) {
        WatchdogOptions options;
        options.limit = limit;
        options.report = [this](const std::string& text) {
            const std::lock_guard lock(mutex);
            reports.push_back(text);
            ++count;
        };
        options.alive_every = alive_every;
        options.alive = [this] { ++signs; };
        return options;
    }
    std::string report(std::size_t which) {
        const std::lock_guard lock(mutex);
        return reports.at(which);
    }
};

}  // namespace

// Holds up the loop until the condition holds. Not in the namespace above, because a report names
// only functions that the linker knows.
[[gnu::noinline]] void compute_for_long(Scheduler& scheduler,
                                        const std::function<bool()>& condition) {
    const Time end = scheduler.now() + most;
    while (!condition() && scheduler.now() < end) {
    }
}

TEST_CASE("a loop that is stuck is reported while it is, with the routine and the functions") {
    World w;
    Said said;
    const Watchdog watchdog(w.poller, w.scheduler, said.options(30ms));
    const auto test = [&]() -> Task<> {
        co_await sleep(1ms);
        compute_for_long(w.scheduler, [&] { return said.count == 1; });
        CHECK(said.count == 1);
        co_await sleep(1ms);
        compute_for_long(w.scheduler, [&] { return said.count == 2; });
        CHECK(said.count == 2);
    };
    w.run(test());
    for (const std::size_t which : {0UL, 1UL}) {
        const std::string report = said.report(which);
        INFO(report);
        CHECK_THAT(report, Catch::StartsWith("the loop has been stuck for 0."));
        CHECK_THAT(report, Catch::Contains(" in routine 'test' started at "));
        CHECK_THAT(report, Catch::Contains("compute_for_long"));
        CHECK_THAT(report, Catch::Contains("watchdog_test.cpp:"));
    }
}

TEST_CASE("a loop that waits is not stuck, and gives signs of life") {
    World w;
    Said said;
    const Watchdog watchdog(w.poller, w.scheduler, said.options(200ms, 10ms));
    const auto test = [&]() -> Task<> {
        const Time begun = w.scheduler.now();
        while (said.signs < 10 || w.scheduler.now() - begun < 300ms) {
            co_await sleep(50ms);
        }
    };
    w.run(test());
    CHECK(said.signs >= 10);
}

TEST_CASE("a loop that is stuck gives no signs of life until it goes on") {
    World w;
    Said said;
    const Watchdog watchdog(w.poller, w.scheduler, said.options(30ms, 5ms));
    const auto test = [&]() -> Task<> {
        co_await sleep(1ms);
        compute_for_long(w.scheduler, [&] { return said.count == 1; });
        const std::size_t before = said.signs;
        const Time begun = w.scheduler.now();
        compute_for_long(w.scheduler, [&] { return w.scheduler.now() - begun > 60ms; });
        CHECK(said.signs == before);
        while (said.signs == before) {
            co_await sleep(5ms);
        }
    };
    w.run(test());
}

}  // namespace weir
