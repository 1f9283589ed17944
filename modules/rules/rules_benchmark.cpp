// A rule that fires (W12): from an event that is sent, as data, to the call that a rule makes for
// it.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

#include "core/run/container.h"
#include "core/simulation/simulation.h"
#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "modules/lock/plugin/module.h"
#include "modules/rules/module.h"
#include "modules/system/call/json.h"
#include "modules/system/event/event_exchange.h"
#include "modules/system/server/server.h"
#include "tests/support/benchmark.h"

namespace weir {

namespace {

struct Count {
    std::string customer;
    int pieces = 0;

    static config::Settings<Count> describe() {
        return config::settings<Count>("Counts",
                                       config::setting("customer", &Count::customer, "Whose"),
                                       config::setting("pieces", &Count::pieces, "How many"));
    }
};

class Counter : public Module {
public:
    using Module::Module;

    static auto declare() {
        return declare_module<Counter>("counter", "Counts").function("count", &Counter::count);
    }
    static inline long counted = 0;

private:
    void count(const Count& count) { counted += count.pieces; }
};

constexpr const char* app = R"({
    "server": {"startup": ["counter", "rules"], "log": {"level": "warning"},
               "events": {"shop.Order": {"indices": [{"name": "customer"}],
                          "members": [{"name": "pieces", "type": "integer"}]}}},
    "module": {"rules": {"rules": {"count": {
        "on": "shop.Order", "if": {"member": "pieces", "above": 0},
        "do": [{"call": "counter.count", "with": {"customer": "{{event.customer}}",
                                                  "pieces": "{{event.pieces}}"}}]}}}}
})";

// How many events come in a round of the scheduler: as many as a server reads at a time. A rule
// lets runs of more than 100 wait for the next round.
constexpr long at_a_time = 64;

// Sends events as fast as their queue takes them.
Task<> send_all(Server& server, long count, double& taken) {
    co_await sleep(std::chrono::seconds(1));
    const benchmark::Stopwatch watch;
    for (long i = 0; i != count; ++i) {
        Task<> sending = server.events().publish(
            "shop.Order", R"({"customer": "ann", "pieces": 1})", {.timeout = std::nullopt});
        co_await sending;
        if (i % at_a_time == 0) {
            co_await do_events();
        }
    }
    while (Counter::counted != count) {
        co_await sleep(std::chrono::milliseconds(1));
    }
    taken = watch.elapsed();
    server.scheduler().quit();
}

double fire(long count) {
    config::Sources sources;
    sources.files.push_back({"app.json", app});
    config::Problems problems;
    Simulation simulation;
    Server server(
        simulation, config::Configuration::load(sources, problems),
        {.registry = Registry().add<Counter>().add<rules::RulesModule>().add<LockModule>()});
    Container container(server.scheduler());
    Counter::counted = 0;
    double taken = 0;
    container.start(send_all(server, count, taken));
    server.run();
    if (Counter::counted != count) {
        std::fprintf(stderr, "%ld of %ld runs\n", Counter::counted, count);
        std::exit(1);
    }
    return taken;
}

}  // namespace

}  // namespace weir

int main(int argc, char** argv) {
    using namespace weir;
    const auto options = benchmark::options(argc, argv);
    const long count = options.quick ? 5'000 : 50'000;
    benchmark::compare(options, "W12 a rule fires, from event to call", static_cast<double>(count),
                       {{"weir", [=] { return fire(count); }}});
}
