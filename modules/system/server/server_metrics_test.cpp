#include "modules/system/server/server_metrics.h"

#include <optional>
#include <stdexcept>
#include <string>

#include <catch2/catch.hpp>

#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/system/call/json.h"
#include "modules/system/module/module.h"
#include "modules/testing/simulated_server.h"

namespace weir {

namespace {

using namespace std::chrono_literals;

// A module with a metric of each kind, and functions that take time and fail.
class Oven final : public Module {
public:
    using Module::Module;

    static auto declare() {
        return declare_module<Oven>("oven", "Bakes")
            .counter("loaves", "Loaves baked", &Oven::loaves_)
            .gauge("heat", "Degrees", &Oven::heat)
            .gauge("shelf", "Loaves on each shelf", &Oven::shelves)
            .gauge("smoke", "Share of the air", &Oven::smoke)
            .histogram("baking", "Time in the oven", &Oven::baking_)
            .function("bake", "Bakes a loaf", &Oven::bake)
            .function("burn", "Fails", &Oven::burn)
            .function("look", "Looks", &Oven::look);
    }

private:
    Task<> bake() {
        co_await sleep(2s);
        ++loaves_;
        baking_.record(2s);
    }
    void burn() { throw ApiException("burnt", "too hot"); }
    bool look() const { return true; }
    double heat() const { return 220.5; }
    void smoke(MetricFamily& values) const {
        values.add(1, {{"room", "kitchen"}});
        throw std::runtime_error("the sensor is broken");
    }
    void shelves(MetricFamily& values) const {
        values.add(loaves_, {{"shelf", "upper"}});
        values.add(0, {{"shelf", "lower"}});
    }

    std::uint64_t loaves_ = 0;
    Histogram baking_;
};

SimulatedServer server() {
    return SimulatedServer(R"({"server": {"startup": ["oven"]}})", Registry().add<Oven>());
}

// Returns the sample with these labels.
std::optional<MetricSample> sample(SimulatedServer& world, const std::string& name,
                                   const MetricLabels& labels = {}) {
    for (const MetricFamily& family : collect_metrics(world.server())) {
        for (const MetricSample& one : family.samples) {
            if (family.name == name && one.labels == labels) {
                return one;
            }
        }
    }
    return std::nullopt;
}

double value(SimulatedServer& world, const std::string& name, const MetricLabels& labels = {}) {
    const std::optional<MetricSample> found = sample(world, name, labels);
    REQUIRE(found);
    return found->value;
}

}  // namespace

TEST_CASE(
    "metrics: one that fails is logged by its name, has no values, and takes none from others") {
    SimulatedServer world = server();
    world.run([](SimulatedServer& simulated) -> Task<> {
        static_cast<void>(co_await call("oven", "look"));
        CHECK(value(simulated, "weir_oven_heat") == 220.5);
        CHECK_FALSE(sample(simulated, "weir_oven_smoke", {{"room", "kitchen"}}));
    }(world));
    CHECK_THAT(world.log(),
               Catch::Contains("the metric weir_oven_smoke of the module 'oven' ended"));
}

TEST_CASE("metrics: what a module declares is collected in its name") {
    SimulatedServer world = server();
    world.run([](SimulatedServer& simulated) -> Task<> {
        static_cast<void>(co_await call("oven", "bake"));
        CHECK(value(simulated, "weir_oven_loaves_total") == 1);
        CHECK(value(simulated, "weir_oven_heat") == 220.5);
        CHECK(value(simulated, "weir_oven_shelf", {{"shelf", "upper"}}) == 1);
        CHECK(value(simulated, "weir_oven_shelf", {{"shelf", "lower"}}) == 0);
        CHECK(value(simulated, "weir_oven_baking_seconds") == 2);
    }(world));
}

TEST_CASE("metrics: the calls of each function are counted, with their time and failures") {
    SimulatedServer world = server();
    world.run([](SimulatedServer& simulated) -> Task<> {
        const MetricLabels bake{{"module", "oven"}, {"function", "bake"}};
        const MetricLabels burn{{"module", "oven"}, {"function", "burn"}};
        CHECK(!sample(simulated, "weir_module_call_seconds", bake));
        static_cast<void>(co_await call("oven", "bake"));
        static_cast<void>(co_await call("oven", "bake"));
        // A caller that gives up after a second.
        Json nothing = Json::object();
        static_cast<void>(co_await call("oven", "bake", std::move(nothing), 1s));
        static_cast<void>(co_await call("oven", "burn"));
        const std::optional<MetricSample> baked =
            sample(simulated, "weir_module_call_seconds", bake);
        REQUIRE(baked);
        CHECK(baked->count == 3);
        CHECK(baked->value == Approx(5));
        CHECK(value(simulated, "weir_module_failed_calls_total", bake) == 1);
        CHECK(value(simulated, "weir_module_failed_calls_total", burn) == 1);
    }(world));
}

TEST_CASE("metrics: queues, rounds, timers and the process are counted") {
    SimulatedServer world = server();
    world.run([](SimulatedServer& simulated) -> Task<> {
        const double before =
            value(simulated, "weir_core_queue_processed_total", {{"queue", "root/moduleapi"}});
        static_cast<void>(co_await call("oven", "look"));
        CHECK(value(simulated, "weir_core_queue_processed_total", {{"queue", "root/moduleapi"}}) ==
              before + 1);
        CHECK(value(simulated, "weir_core_queue_events", {{"queue", "root/moduleapi"}}) == 0);
        CHECK(value(simulated, "weir_core_rounds_total") > 0);
        CHECK(value(simulated, "weir_module_state", {{"module", "oven"}, {"state", "succeeded"}}) ==
              1);
        CHECK(value(simulated, "weir_module_changes_total",
                    {{"module", "oven"}, {"change", "loaded"}}) == 1);
        CHECK(value(simulated, "weir_module_changes_total",
                    {{"module", "oven"}, {"change", "unloaded"}}) == 0);
        CHECK(value(simulated, "process_open_fds") > 2);
        CHECK(value(simulated, "process_resident_memory_bytes") > 1'000'000);
    }(world));
}

namespace {

struct Chime : Event {
    static auto declare() { return declare_event<Chime>("server_metrics_test.Chime"); }
};

}  // namespace

TEST_CASE("metrics: events are counted by type, in all as many as have left the queues") {
    SimulatedServer world = server();
    world.run([](SimulatedServer& simulated) -> Task<> {
        const MetricLabels chimes{{"type", "server_metrics_test.Chime"}};
        CHECK(!sample(simulated, "weir_core_events_delivered_total", chimes));
        for (int i = 0; i != 3; ++i) {
            co_await send(make_event<Chime>());
        }
        co_await sleep(1s);
        CHECK(value(simulated, "weir_core_events_delivered_total", chimes) == 3);
        // All that has left a queue is of some type.
        double by_type = 0;
        for (const MetricFamily& family : collect_metrics(simulated.server())) {
            for (const MetricSample& one : family.samples) {
                by_type += family.name == "weir_core_events_delivered_total" ? one.value : 0;
            }
        }
        CHECK(by_type == value(simulated, "weir_core_queue_processed_total", {{"queue", "root"}}));
    }(world));
}

TEST_CASE("metrics: a name or sentence that the text format has no room for is refused") {
    CHECK_THROWS_AS(ModuleMetric(MetricKind::gauge, "Heat", "Degrees", {}, nullptr),
                    std::invalid_argument);
    CHECK_THROWS_AS(ModuleMetric(MetricKind::gauge, "", "Degrees", {}, nullptr),
                    std::invalid_argument);
    CHECK_THROWS_AS(ModuleMetric(MetricKind::gauge, "heat", "Two\nlines", {}, nullptr),
                    std::invalid_argument);
}

}  // namespace weir
