// The timers of libuv itself (W7).

#include <random>

#include <uv.h>

#include "tests/benchmark/peers/peer_main.h"
#include "tests/support/benchmark.h"

namespace weir::benchmark {

namespace {

class UvTimers {
public:
    explicit UvTimers(long count) : timers_(static_cast<std::size_t>(count)) {
        uv_loop_init(&loop_);
        for (uv_timer_t& timer : timers_) {
            uv_timer_init(&loop_, &timer);
        }
    }
    ~UvTimers() {
        for (uv_timer_t& timer : timers_) {
            uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
        }
        uv_run(&loop_, UV_RUN_DEFAULT);
        uv_loop_close(&loop_);
    }
    UvTimers(const UvTimers&) = delete;
    UvTimers& operator=(const UvTimers&) = delete;

    // Each due in so many milliseconds at most.
    double start(std::uint64_t most) {
        std::mt19937_64 random(3);
        return time([&] {
            for (uv_timer_t& timer : timers_) {
                uv_timer_start(
                    &timer, [](uv_timer_t*) {}, 1 + random() % most, 0);
            }
        });
    }
    double stop() {
        return time([&] {
            for (uv_timer_t& timer : timers_) {
                uv_timer_stop(&timer);
            }
        });
    }
    // A time at which all are due.
    double fire() {
        const std::uint64_t begin = uv_hrtime();
        while (uv_hrtime() - begin < 20'000'000) {
        }
        return time([&] { uv_run(&loop_, UV_RUN_DEFAULT); });
    }

private:
    uv_loop_t loop_;
    std::vector<uv_timer_t> timers_;
};

double start(const std::vector<long>& numbers) {
    return UvTimers(numbers[0]).start(1'000'000) / static_cast<double>(numbers[0]);
}

double stop(const std::vector<long>& numbers) {
    UvTimers timers(numbers[0]);
    timers.start(1'000'000);
    return timers.stop() / static_cast<double>(numbers[0]);
}

double fire(const std::vector<long>& numbers) {
    UvTimers timers(numbers[0]);
    timers.start(10);
    return timers.fire() / static_cast<double>(numbers[0]);
}

}  // namespace

}  // namespace weir::benchmark

int main(int argc, char** argv) {
    using namespace weir::benchmark;
    return peer_main(argc, argv, {{"W7-start", start}, {"W7-stop", stop}, {"W7-fire", fire}});
}
