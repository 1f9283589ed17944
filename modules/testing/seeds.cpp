#include "modules/testing/seeds.h"

#include <cstdlib>
#include <exception>
#include <iostream>
#include <optional>
#include <stdexcept>

#include "modules/testing/framework.h"

namespace weir {

namespace {

std::optional<std::uint64_t> number_from_environment(const char* name) {
    const char* text = std::getenv(name);
    if (text == nullptr) {
        return std::nullopt;
    }
    char* end = nullptr;
    const std::uint64_t number = std::strtoull(text, &end, 10);
    if (end == text || *end != '\0' || number == 0) {
        throw std::invalid_argument(std::string(name) + " is '" + text +
                                    "': expected a number from 1 on");
    }
    return number;
}

class Runs {
public:
    Runs(const Campaign& campaign, const std::function<void(SimulatedServer&)>& test)
        : campaign_(campaign), test_(test) {
        for (const std::string& point : campaign.points) {
            report_.points[point];
        }
    }

    const CampaignReport& report() const noexcept { return report_; }

    // Returns the hash of the run's trace.
    std::uint64_t run(std::uint64_t seed) {
        const std::shared_ptr<void> note =
            note_for_test("seed " + std::to_string(seed) + ": " + command_for_seed(seed));
        SimulatedServer world(campaign_.configuration, campaign_.registry, seed,
                              campaign_.plugin_path);
        world.keep_trace();
        world.simulation().allow_failpoints();
        test_(world);
        world.finish();
        ++report_.runs;
        for (const auto& [name, point] : world.simulation().failpoints().points()) {
            CampaignReport::Point& known = report_.points[name];
            ++known.runs_reached;
            known.runs_active += point.active ? 1 : 0;
            known.reached += point.reached;
            known.happened += point.happened;
        }
        return report_.last_trace = world.trace();
    }

private:
    const Campaign& campaign_;
    const std::function<void(SimulatedServer&)>& test_;
    CampaignReport report_;
};

}  // namespace

std::vector<std::string> CampaignReport::never_reached() const {
    std::vector<std::string> names;
    for (const auto& [name, point] : points) {
        if (point.reached == 0) names.push_back(name);
    }
    return names;
}

std::vector<std::string> CampaignReport::never_happened() const {
    std::vector<std::string> names;
    for (const auto& [name, point] : points) {
        if (point.reached != 0 && point.happened == 0) names.push_back(name);
    }
    return names;
}

std::string CampaignReport::text() const {
    std::string text = "failpoints in " + std::to_string(runs) + " runs:\n";
    for (const auto& [name, point] : points) {
        text += "  " + name + ": ";
        if (point.reached == 0) {
            text += "never reached\n";
            continue;
        }
        text += "reached " + std::to_string(point.reached) + " times in " +
                std::to_string(point.runs_reached) + " runs, active in " +
                std::to_string(point.runs_active) + " of them, happened " +
                (point.happened == 0 ? "never" : std::to_string(point.happened) + " times") + "\n";
    }
    return text;
}

CampaignReport for_each_seed(std::size_t count, const Campaign& campaign,
                             const std::function<void(SimulatedServer&)>& test) {
    Runs runs(campaign, test);
    if (const auto only = number_from_environment("WEIR_SEED")) {
        runs.run(*only);
        return runs.report();
    }
    const auto asked = number_from_environment("WEIR_SEEDS");
    // A separate object, so that the extra run does not count in the report.
    const std::uint64_t first = Runs(campaign, test).run(1);
    for (std::uint64_t seed = 1; seed <= asked.value_or(count); ++seed) {
        const std::uint64_t trace = runs.run(seed);
        if (seed == 1 && trace != first) {
            fail_test(
                "two runs with the seed 1 differ: the test, or what it tests, depends on "
                "something other than the seed, and no failure can be replayed");
        }
    }
    if (asked) {
        std::cerr << runs.report().text();
    }
    return runs.report();
}

}  // namespace weir
