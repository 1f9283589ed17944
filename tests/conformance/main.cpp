// Runs conformance cases: recorded runs of VLCP, which weir reproduces entry for entry.

#include <cstdio>
#include <fstream>
#include <iostream>
#include <string_view>

#include "tests/conformance/scenario.h"

namespace weir::conformance {

namespace {

constexpr const char* usage =
    "usage: conformance CASE.json...         runs cases, compares their traces\n"
    "       conformance --traced CASE.json...  the same while a tracer sees every event\n"
    "       conformance --observed CASE.json...  the same while a tracer comes and goes, and\n"
    "                                        snapshots are taken, at random moments\n"
    "       conformance --literal CASE.json...  the same with queue trees that are not compiled\n"
    "       conformance --trace CASE.json    prints the trace of the case's scenario\n";

Json read(const char* path) {
    std::ifstream file(path);
    if (!file) {
        throw std::runtime_error("cannot be read");
    }
    return Json::parse(file);
}

Json run(const Json& scenario, const Way& way = {}) {
    return scenario.at("kind") == "structures" ? run_structures(scenario, way)
                                               : run_program(scenario, way);
}

// Returns the first entry that differs, as one line of output; empty if none does.
std::string first_difference(const Json& expected, const Json& got) {
    for (std::size_t i = 0; i < std::max(expected.size(), got.size()); ++i) {
        const std::string wanted = i < expected.size() ? Json(expected[i]).dump() : "no entry";
        const std::string actual = i < got.size() ? Json(got[i]).dump() : "no entry";
        const bool same = i < expected.size() && i < got.size() &&
                          nlohmann::json(expected[i]) == nlohmann::json(got[i]);
        if (!same) {
            return "entry " + std::to_string(i) + ": expected " + wanted + ", got " + actual;
        }
    }
    return {};
}

int check(int count, char** paths, const Way& way) {
    int passed = 0;
    int failed = 0;
    for (int i = 0; i < count; ++i) {
        std::string difference;
        try {
            const Json recorded = read(paths[i]);
            difference = first_difference(recorded.at("trace"), run(recorded.at("scenario"), way));
        } catch (const std::exception& error) {
            difference = error.what();
        }
        if (difference.empty()) {
            ++passed;
        } else {
            ++failed;
            std::printf("%s: %s\n", paths[i], difference.c_str());
        }
    }
    std::printf("%d passed, %d failed\n", passed, failed);
    return failed > 0 ? 1 : 0;
}

int print_trace(const char* path) {
    const Json file = read(path);
    const Json& scenario = file.contains("scenario") ? file.at("scenario") : file;
    std::cout << Json{{"trace", run(scenario)}}.dump() << '\n';
    return 0;
}

}  // namespace

}  // namespace weir::conformance

int main(int argc, char** argv) {
    using namespace weir::conformance;
    if (argc == 3 && std::string_view(argv[1]) == "--trace") {
        try {
            return print_trace(argv[2]);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "conformance: %s: %s\n", argv[2], error.what());
            return 2;
        }
    }
    const std::string_view option = argc > 1 ? argv[1] : "";
    const Way way{.traced = option == "--traced",
                  .observed = option == "--observed",
                  .compiled = option != "--literal"};
    const int first = way.traced || way.observed || !way.compiled ? 2 : 1;
    if (argc <= first || argv[first][0] == '-') {
        std::fputs(usage, stderr);
        return 2;
    }
    return check(argc - first, argv + first, way);
}
