#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

// What the benchmarks share. A workload is done by weir and by its limit: the least that
// hand-written C++ needs for the same. Both run in turn in one process, so that what disturbs one
// disturbs the other; what counts is the ratio of the medians.
namespace weir::benchmark {

struct Contender {
    std::string name;
    // Does the whole workload once; the time in nanoseconds of the part that counts.
    std::function<double()> run;
};

// Runs the function; the time that it took in nanoseconds.
template <class F>
double time(F function) {
    const auto start = std::chrono::steady_clock::now();
    function();
    return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start)
        .count();
}

struct Options {
    bool quick = false;  // few runs: does it work?
    bool once = false;   // the first contender, once, without clock: for counting instructions
};

inline Options options(int argc, char** argv) {
    Options result;
    for (int i = 1; i < argc; ++i) {
        result.quick = result.quick || std::strcmp(argv[i], "--quick") == 0;
        result.once = result.once || std::strcmp(argv[i], "--once") == 0;
    }
    return result;
}

// Runs the contenders in turn and prints a line for each: the median and spread of the time of one
// of `operations`, and its ratio to the last contender, which is the limit.
inline void compare(const Options& options, const char* workload, double operations,
                    const std::vector<Contender>& contenders) {
    if (options.once) {
        contenders.front().run();
        std::printf("%s: %.0f operations\n", workload, operations);
        return;
    }
    const int rounds = options.quick ? 3 : 11;
    std::vector<std::vector<double>> times(contenders.size());
    for (int round = -1; round != rounds; ++round) {  // the first is a warm-up
        for (std::size_t i = 0; i != contenders.size(); ++i) {
            const double time = contenders[i].run();
            if (round >= 0) {
                times[i].push_back(time / operations);
            }
        }
    }
    for (std::vector<double>& of_one : times) {
        std::sort(of_one.begin(), of_one.end());
    }
    const auto median = [](const std::vector<double>& sorted) { return sorted[sorted.size() / 2]; };
    const double limit = median(times.back());
    for (std::size_t i = 0; i != contenders.size(); ++i) {
        std::printf("%-44s %-22s %9.1f ns  (%.1f .. %.1f)  %6.1f x\n", i == 0 ? workload : "",
                    contenders[i].name.c_str(), median(times[i]), times[i].front(), times[i].back(),
                    median(times[i]) / limit);
    }
    std::fflush(stdout);
}

}  // namespace weir::benchmark
