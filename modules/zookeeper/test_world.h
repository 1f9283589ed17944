#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/simulation/simulation.h"
#include "core/wait/timeout.h"
#include "modules/zookeeper/session.h"
#include "modules/zookeeper/testing/fake_ensemble.h"
#include "tests/support/campaign.h"
#include "tests/support/virtual_world.h"

namespace weir::zookeeper {

using namespace std::chrono_literals;

// A scheduler in virtual time, with servers in memory.
struct FakeWorld : test::VirtualWorld {
    explicit FakeWorld(std::uint64_t seed = 1, FakeOptions options = {})
        : VirtualWorld(seed), ensemble(scheduler, std::move(options)) {}

    template <class... T>
    void run(T... tasks) {
        run_with_log(std::move(tasks)...);
    }
    Duration now() { return scheduler.now().time_since_epoch(); }

    FakeEnsemble ensemble;
};

// Runs the function with the seeds from 1 to `count`, or to WEIR_SEEDS, or with WEIR_SEED alone;
// with the address sanitizer with a part of `count`. A failed check tells its seed.
template <class F>
void for_seeds(std::uint64_t count, F run) {
    const char* const alone = std::getenv("WEIR_SEED");
    const char* const all = std::getenv("WEIR_SEEDS");
    std::uint64_t seed = alone != nullptr ? std::stoull(alone) : 1;
    const std::uint64_t last = alone != nullptr ? seed
                               : all != nullptr ? std::stoull(all)
                                                : count / test::one_run_of;
    for (; seed <= last; ++seed) {
        INFO("repeat it alone with WEIR_SEED=" << seed);
        run(seed);
    }
}

// Returns the text of the error of class E that awaiting the request throws; empty: none.
template <class E, class T>
Task<std::string> error_of(Pending<T>& request) {
    try {
        co_await request;
    } catch (const E& error) {
        co_return error.what();
    }
    co_return std::string();
}

}  // namespace weir::zookeeper
