#pragma once

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
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
    bool json = false;   // a JSON object for each line of the table
    int once = 0;        // the first contender, so often, without clock: for counting instructions
    std::string only;    // part of the name of the workloads to run; empty: all

    bool wants(std::string_view workload) const { return workload.find(only) != workload.npos; }
};

// PROGRAM [--quick] [--json] [--once[=TIMES]] [PART OF A WORKLOAD'S NAME]
inline Options options(int argc, char** argv) {
    Options result;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        result.quick = result.quick || argument == "--quick";
        result.json = result.json || argument == "--json";
        if (argument == "--once") {
            result.once = 1;
        } else if (argument.starts_with("--once=")) {
            result.once = std::max(1, std::atoi(argv[i] + std::strlen("--once=")));
        } else if (argv[i][0] != '-') {
            result.only = argument;
        }
    }
    return result;
}

// Runs the contenders in turn and prints a line for each: the median and spread of the time of one
// of `operations`, and its ratio to the last contender, which is the limit.
inline void compare(const Options& options, const char* workload, double operations,
                    const std::vector<Contender>& contenders) {
    if (!options.wants(workload)) {
        return;
    }
    if (options.once > 0) {
        for (int i = 0; i != options.once; ++i) {
            contenders.front().run();
        }
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
        const char* name = contenders[i].name.c_str();
        const double middle = median(times[i]);
        if (options.json) {
            std::printf(
                "{\"workload\": \"%s\", \"contender\": \"%s\", \"nanoseconds\": %.2f, "
                "\"least\": %.2f, \"most\": %.2f, \"ratio\": %.3f}\n",
                workload, name, middle, times[i].front(), times[i].back(), middle / limit);
        } else {
            std::printf("%-44s %-22s %9.1f ns  (%.1f .. %.1f)  %6.1f x\n", i == 0 ? workload : "",
                        name, middle, times[i].front(), times[i].back(), middle / limit);
        }
    }
    std::fflush(stdout);
}

}  // namespace weir::benchmark
