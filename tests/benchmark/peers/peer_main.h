#pragma once

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace weir::benchmark {

// Runs a workload with the numbers of the command line; returns the nanoseconds of an operation.
using PeerWorkload = std::function<double(const std::vector<long>& numbers)>;

// The main function of a peer, PEER WORKLOAD NUMBER...; see tests/support/peer.h.
inline int peer_main(int argc, char** argv, const std::map<std::string, PeerWorkload>& workloads) {
    const auto workload = argc > 1 ? workloads.find(argv[1]) : workloads.end();
    if (workload == workloads.end()) {
        std::fprintf(stderr, "Usage: %s WORKLOAD NUMBER...\n", argv[0]);
        return 1;
    }
    std::vector<long> numbers;
    for (int i = 2; i < argc; ++i) {
        numbers.push_back(std::atol(argv[i]));
    }
    workload->second(numbers);  // warms up
    std::printf("nanoseconds %.2f\n", workload->second(numbers));
    return 0;
}

}  // namespace weir::benchmark
