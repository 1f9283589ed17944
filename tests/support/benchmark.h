#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// The frame of all benchmarks. Three kinds of contenders do a workload: weir; its baseline, which
// is the least hand-written C++ for the same; and peers, other libraries and programs. They run in
// turn, so that a disturbance hits all of them. The ratio of the medians is what counts.
namespace weir::benchmark {

enum class Kind { weir, baseline, peer };

// A peer could not do its workload. It is left out of the results; the benchmark does not fail.
struct PeerFailed : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct Contender {
    std::string name;
    // Does the whole workload once. Returns the nanoseconds of the part that counts.
    std::function<double()> run;
    Kind kind = Kind::weir;
};

// Measures the processor time of this thread, in nanoseconds: the workloads never wait, and other
// programs hardly change it.
class Stopwatch {
public:
    double elapsed() const noexcept { return now() - start_; }

private:
    static double now() noexcept {
        timespec time{};
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
    }

    double start_ = now();
};

// Runs the function. Returns the nanoseconds that it took.
template <class F>
double time(F function) {
    const Stopwatch watch;
    function();
    return watch.elapsed();
}

struct Options {
    bool quick = false;    // few runs, to see that everything works
    bool json = false;     // prints a JSON object for each figure
    bool sweep = false;    // measures the cost by size, instead of the workloads
    int once = 0;          // > 0: runs only weir, so often, untimed: for counting instructions
    std::string only;      // runs workloads whose names contain this
    std::string original;  // a checkout of VLCP as a peer; empty: none

    bool wants(std::string_view workload) const { return workload.find(only) != workload.npos; }
    int rounds() const noexcept { return quick ? 3 : 11; }
};

// PROGRAM [--quick] [--json] [--sweep] [--once[=TIMES]] [--original=DIR] [PART OF A NAME]
inline Options options(int argc, char** argv) {
    Options result;
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        const auto value = [&] { return argv[i] + argument.find('=') + 1; };
        result.quick = result.quick || argument == "--quick";
        result.json = result.json || argument == "--json";
        result.sweep = result.sweep || argument == "--sweep";
        if (argument == "--once") {
            result.once = 1;
        } else if (argument.starts_with("--once=")) {
            result.once = std::max(1, std::atoi(value()));
        } else if (argument.starts_with("--original=")) {
            result.original = value();
        } else if (argv[i][0] != '-') {
            result.only = argument;
        }
    }
    return result;
}

inline double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// One line of output.
struct Figure {
    std::string workload;
    std::string contender;
    Kind kind = Kind::weir;
    std::string unit;            // of the values: ns, us, ms, bytes
    std::vector<double> values;  // one for each round; the median counts
    long size = 0;               // in a sweep, the number of things; else 0
    // Further measurements by names with units: "p99, us".
    std::vector<std::pair<std::string, double>> more = {};
};

inline void print(const Options& options, const Figure& figure) {
    const auto [least, most] = std::minmax_element(figure.values.begin(), figure.values.end());
    const double middle = median(figure.values);
    constexpr const char* kinds[] = {"weir", "baseline", "peer"};
    if (options.json) {
        std::printf(
            "{\"workload\": \"%s\", \"contender\": \"%s\", \"kind\": \"%s\", \"unit\": \"%s\", "
            "\"value\": %.2f, \"least\": %.2f, \"most\": %.2f",
            figure.workload.c_str(), figure.contender.c_str(),
            kinds[static_cast<std::size_t>(figure.kind)], figure.unit.c_str(), middle, *least,
            *most);
        if (figure.size != 0) {
            std::printf(", \"size\": %ld", figure.size);
        }
        for (const auto& [name, value] : figure.more) {
            std::printf(", \"%s\": %.3f", name.c_str(), value);
        }
        std::printf("}\n");
    } else {
        const std::string size = figure.size == 0 ? "" : " " + std::to_string(figure.size);
        std::printf("%-44s %-20s %9.1f %s  (%.1f .. %.1f)", (figure.workload + size).c_str(),
                    figure.contender.c_str(), middle, figure.unit.c_str(), *least, *most);
        for (const auto& [name, value] : figure.more) {
            std::printf("  %s: %.4g", name.c_str(), value);
        }
        std::printf("\n");
    }
    std::fflush(stdout);
}

// Runs the contenders in turn, first once to warm up, and prints a figure for each: the time of
// one of `operations`. Peers are programs that warm up by themselves, and run less often.
inline void compare(const Options& options, const std::string& workload, double operations,
                    const std::vector<Contender>& contenders) {
    if (options.sweep || !options.wants(workload)) {
        return;
    }
    if (options.once > 0) {
        for (int i = 0; i != options.once; ++i) {
            contenders.front().run();
        }
        std::printf("%s: %.0f operations\n", workload.c_str(), operations);
        return;
    }
    std::vector<std::vector<double>> times(contenders.size());
    std::vector<bool> failed(contenders.size());
    for (int round = -1; round != options.rounds(); ++round) {
        for (std::size_t i = 0; i != contenders.size(); ++i) {
            if (failed[i] || (contenders[i].kind == Kind::peer && round % 4 != 0)) {
                continue;
            }
            try {
                const double time = contenders[i].run();
                if (round >= 0) {
                    times[i].push_back(time / operations);
                }
            } catch (const PeerFailed& error) {
                failed[i] = true;
                std::fprintf(stderr, "%s: a peer is left out: %s\n", workload.c_str(),
                             error.what());
            }
        }
    }
    for (std::size_t i = 0; i != contenders.size(); ++i) {
        if (!failed[i]) {
            print(options,
                  {workload, contenders[i].name, contenders[i].kind, "ns", std::move(times[i])});
        }
    }
}

// A contender of a sweep: `run` returns the nanoseconds of one operation at a size.
struct Sized {
    std::string name;
    std::function<double(long size)> run;
    Kind kind = Kind::weir;
};

// Measures how the cost grows: prints a figure for each size, powers of ten up to `most`. Does
// nothing without the option --sweep.
inline void sweep(const Options& options, const std::string& workload, long most,
                  const std::vector<Sized>& contenders) {
    if (!options.sweep || !options.wants(workload)) {
        return;
    }
    for (long size = 1; size <= (options.quick ? std::min(most, 1000L) : most); size *= 10) {
        std::vector<std::vector<double>> times(contenders.size());
        for (int round = -1; round != 3; ++round) {
            for (std::size_t i = 0; i != contenders.size(); ++i) {
                const double time = contenders[i].run(size);
                if (round >= 0) {
                    times[i].push_back(time);
                }
            }
        }
        for (std::size_t i = 0; i != contenders.size(); ++i) {
            print(options, {workload, contenders[i].name, contenders[i].kind, "ns",
                            std::move(times[i]), size});
        }
    }
}

}  // namespace weir::benchmark
