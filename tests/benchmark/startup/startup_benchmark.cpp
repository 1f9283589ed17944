// W11: the time to start `weir run` with idle modules, each a plugin, from exec until the last is
// loaded, and the memory of the process then.

#include <chrono>
#include <fstream>

#include "tests/support/benchmark.h"
#include "tests/support/child.h"
#include "tests/support/peer.h"

namespace weir::benchmark {

namespace {

const std::filesystem::path plugins = own_folder() / "startup/plugins";

std::vector<std::string> weir_command(int modules) {
    return {own_folder() / "../bin/weir",
            "run",
            WEIR_SOURCE_DIR "/tests/benchmark/startup/idle.json",
            "--plugins",
            plugins,
            "--set",
            "server.startup=[\"idle" + std::to_string(modules) + "\"]"};
}

std::vector<std::string> bare_command(int modules) {
    return {own_folder() / "startup/bare_startup", plugins, std::to_string(modules)};
}

struct Startup {
    double time = 0;       // nanoseconds
    double processor = 0;  // nanoseconds
    double memory = 0;     // KiB; shared pages count in proportion
};

// Reads a field of /proc/PID/smaps_rollup, in KiB.
double proportional_memory(pid_t process) {
    std::ifstream lines("/proc/" + std::to_string(process) + "/smaps_rollup");
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("Pss:")) {
            return std::stod(line.substr(4));
        }
    }
    throw std::runtime_error("the system does not tell the memory of a process");
}

Startup start(const std::vector<std::string>& command, int modules) {
    const auto began = std::chrono::steady_clock::now();
    Child process(command);
    process.wait_for("idle" + std::to_string(modules) + " is loaded");
    const std::chrono::duration<double, std::nano> taken = std::chrono::steady_clock::now() - began;
    return {taken.count(), process.processor_time() * 1000, proportional_memory(process.pid())};
}

using Command = std::vector<std::string> (*)(int modules);

struct Program {
    std::string name;
    Kind kind;
    Command command;
};

const std::vector<Program> programs = {{"weir", Kind::weir, weir_command},
                                       {"baseline", Kind::baseline, bare_command}};

// Starts the programs in turn, with so many modules. Returns the measurements by program and round.
std::vector<std::vector<Startup>> start_all(int modules, int rounds) {
    std::vector<std::vector<Startup>> startups(programs.size());
    for (int round = -1; round != rounds; ++round) {  // the first is a warm-up
        for (std::size_t i = 0; i != programs.size(); ++i) {
            const Startup startup = start(programs[i].command(modules), modules);
            if (round >= 0) {
                startups[i].push_back(startup);
            }
        }
    }
    return startups;
}

std::vector<double> all_of(const std::vector<Startup>& startups, double Startup::*member,
                           double unit) {
    std::vector<double> values;
    for (const Startup& startup : startups) {
        values.push_back(startup.*member / unit);
    }
    return values;
}

void compare_programs(const Options& options, const std::string& workload) {
    constexpr int modules = 20;
    const auto startups = start_all(modules, options.rounds());
    for (std::size_t i = 0; i != programs.size(); ++i) {
        const double memory = median(all_of(startups[i], &Startup::memory, 1));
        const double of_one = start(programs[i].command(1), 1).memory;
        print(options,
              {.workload = workload,
               .contender = programs[i].name,
               .kind = programs[i].kind,
               .unit = "ms",
               .values = all_of(startups[i], &Startup::time, 1e6),
               .more = {{"processor, ms", median(all_of(startups[i], &Startup::processor, 1e6))},
                        {"memory, KiB", memory},
                        {"of a module, KiB", (memory - of_one) / (modules - 1)}}});
    }
}

void sweep_modules(const Options& options, const std::string& workload) {
    for (const int modules : {1, 2, 5, 10, 20}) {
        const auto startups = start_all(modules, 3);
        for (std::size_t i = 0; i != programs.size(); ++i) {
            print(options, {.workload = workload,
                            .contender = programs[i].name,
                            .kind = programs[i].kind,
                            .unit = "ns",
                            .values = all_of(startups[i], &Startup::processor, modules),
                            .size = modules});
        }
    }
}

}  // namespace

}  // namespace weir::benchmark

int main(int argc, char** argv) {
    using namespace weir::benchmark;
    const auto options = weir::benchmark::options(argc, argv);
    const std::string workload = options.sweep
                                     ? "W11 processor time of a module that starts, by modules"
                                     : "W11 start of weir run with 20 modules";
    if (options.once > 0 || !options.wants(workload)) {
        return 0;
    }
    try {
        (options.sweep ? sweep_modules : compare_programs)(options, workload);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "startup_benchmark: %s\n", error.what());
        return 1;
    }
}
