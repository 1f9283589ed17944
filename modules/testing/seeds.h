#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "modules/testing/simulated_server.h"

namespace weir {

/// The common parameters of a campaign: many runs of one test, each with its own seed.
struct Campaign {
    /// Configuration and registry of each run's server; see SimulatedServer.
    std::string configuration;
    Registry registry = {};
    /// Failpoints (core/simulation/failpoint.h) to be listed even if no run reaches them.
    std::vector<std::string> points = {};
    /// The test program's.
    std::string plugin_path = std::string(SimulatedServer::default_plugin_path());
};

/// The result of a campaign.
struct CampaignReport {
    struct Point {
        std::size_t runs_reached = 0;  ///< of all runs, active or not
        std::size_t runs_active = 0;
        std::uint64_t reached = 0;
        std::uint64_t happened = 0;
    };

    std::size_t runs = 0;
    std::uint64_t last_trace = 0;         ///< SimulatedServer::trace() of the last run
    std::map<std::string, Point> points;  ///< by failpoint

    std::vector<std::string> never_reached() const;
    /// Returns the failpoints that were reached but never happened.
    std::vector<std::string> never_happened() const;
    /// Returns one line for each failpoint.
    std::string text() const;
};

/// Runs the test in a SimulatedServer of its own for each of the seeds 1 to `count`, with
/// failpoints:
///
///     weir::for_each_seed(20, {.configuration = app}, [](weir::SimulatedServer& world) {
///         world.run(random_guests(world));
///         CHECK(world.log() == "");
///     });
///
/// Shows each failure with its seed and the command that runs that seed alone. The environment
/// variable WEIR_SEEDS replaces `count` and prints the report; WEIR_SEED selects a single seed. The
/// first seed runs twice: the test fails if the two runs differ, because then no failure could be
/// replayed.
CampaignReport for_each_seed(std::size_t count, const Campaign& campaign,
                             const std::function<void(SimulatedServer&)>& test);

}  // namespace weir
