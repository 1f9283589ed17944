#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "modules/testing/simulated_server.h"

namespace weir {

// What many runs, each with a seed of its own, have in common.
struct Campaign {
    // Of each run's server; see SimulatedServer.
    std::string configuration;
    Registry registry = {};
    // Failpoints (core/simulation/failpoint.h) that are to be listed even if no run reached them.
    std::vector<std::string> points = {};
    // The test program's.
    std::string plugin_path = std::string(SimulatedServer::default_plugin_path());
};

// What became of them.
struct CampaignReport {
    struct Point {
        std::size_t runs_reached = 0;  // of all runs, active or not
        std::size_t runs_active = 0;
        std::uint64_t reached = 0;
        std::uint64_t happened = 0;
    };

    std::size_t runs = 0;
    std::uint64_t last_trace = 0;         // SimulatedServer::trace() of the last run
    std::map<std::string, Point> points;  // failpoints

    std::vector<std::string> never_reached() const;
    // Those that were reached, but where it never came to what they are for.
    std::vector<std::string> never_happened() const;
    // One line for each point.
    std::string text() const;
};

// Runs the test in a world of its own for each of the seeds 1 to `count`, in which what is left to
// chance happens:
//
//     weir::for_each_seed(20, {.configuration = app}, [](weir::SimulatedServer& world) {
//         world.run(random_guests(world));
//         CHECK(world.log() == "");
//     });
//
// What fails is shown with its seed, and with the command that runs that seed alone. In the
// environment, WEIR_SEEDS says how many, instead of `count`, and then what became of the chance
// points is printed; WEIR_SEED says which one alone. The first seed is run twice: the test fails
// if the two runs differ, for then no failure could be replayed.
CampaignReport for_each_seed(std::size_t count, const Campaign& campaign,
                             const std::function<void(SimulatedServer&)>& test);

}  // namespace weir
