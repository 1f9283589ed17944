// Queues of kinds that modules bring, in server.queues.
#include "modules/system/server/configured_queues.h"

#include <string>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/send.h"
#include "modules/system/call/json.h"
#include "modules/testing/simulated_server.h"

namespace weir {

namespace {

struct Plate : Event {
    Index<int> number;

    static auto declare() {
        return declare_event<Plate>("weir.configured_queues_test.Plate")
            .index("number", &Plate::number)
            .blocking();
    }
};

struct PileSettings {
    std::size_t most = 3;

    static config::Settings<PileSettings> describe() {
        return config::settings<PileSettings>(
            "A pile",
            config::setting("most", &PileSettings::most, "How many it holds").range(1, 9));
    }
};

// Brings a kind of queues, and one without settings.
class Piles final : public Module {
public:
    using Module::Module;
    static auto declare() {
        return declare_module<Piles>("piles", "Piles up")
            .queue_kind<PileSettings>("pile", "Takes as many as its settings say",
                                      [](const PileSettings& settings) -> LeafQueueFactory {
                                          return [most = settings.most](std::size_t) {
                                              return make_fifo_queue(most);
                                          };
                                      })
            .queue_kind("heap", "As they came", make_fifo_queue);
    }
};

class Kitchen final : public Module {
public:
    using Module::Module;
    static auto declare() { return declare_module<Kitchen>("kitchen", "Cooks").event<Plate>(); }
};

Registry kitchen() {
    return Registry().add<Piles>().add<Kitchen>();
}

std::string app(const std::string& queues, const std::string& startup = R"(["kitchen", "piles"])") {
    return R"({"server": {"startup": )" + startup + R"(, "queues": [)" + queues + "]}}";
}

std::string problems_of(const std::string& queues) {
    config::Problems problems;
    const CheckedApp checked(SimulatedServer::read(app(queues)), kitchen(), problems);
    std::string text = problems.text();
    return text.substr(std::min(text.find("server."), text.size()));
}

constexpr const char* plates = R"({"event": "weir.configured_queues_test.Plate", "name": "plates",
    "kind": "pile", "settings": {"most": 2}})";

Task<> until_loaded(Loader& loader, std::string name) {
    while (loader.state(name) != ModuleState::succeeded) {
        co_await do_events();
    }
}

Task<> send_plate(int number) {
    co_await send(make_event<Plate>(number));
}

Task<> pile_up(SimulatedServer& world, std::string& taken) {
    co_await until_loaded(world.loader(), "kitchen");
    co_await until_loaded(world.loader(), "piles");
    const Queue* queue = world.scheduler().queue().find("plates");
    REQUIRE(queue != nullptr);
    CHECK(queue->default_queue().kind() == "fifo");
    CHECK(queue->default_queue().max_size() == 2);
    CHECK(world.loader().module_of(*queue) == "piles");
    co_await send_plate(1);
    co_await send_plate(2);
    const MatcherOf<Plate> any = match<Plate>().make();
    while (taken.size() != 2) {
        const Ref<Plate> plate = co_await any;
        plate->set_ignorable();
        taken += std::to_string(plate->number.get());
    }
}

}  // namespace

TEST_CASE("configured queues: a queue has the kind that a module brings, with its settings") {
    std::string taken;
    SimulatedServer world(app(plates), kitchen());
    world.run(pile_up(world, taken));
    CHECK(taken == "12");
    CHECK(world.log() == "");
}

TEST_CASE("configured queues: a queue of a module's kind comes and goes with the module") {
    SimulatedServer world(app(plates), kitchen());
    const auto change = [](SimulatedServer& simulated) -> Task<> {
        Loader& loader = simulated.loader();
        co_await until_loaded(loader, "kitchen");
        co_await until_loaded(loader, "piles");
        const auto find = [&] { return simulated.scheduler().queue().find("plates"); };
        const Queue* const first = find();
        REQUIRE(first != nullptr);
        co_await send_plate(1);
        std::vector<std::string> names{"piles", "kitchen"};
        co_await loader.reload(std::move(names));
        CHECK(find() == first);
        CHECK(first->size() == 1);
        co_await loader.unload("piles");
        CHECK(find() == nullptr);
        co_await loader.load("piles");
        REQUIRE(find() != nullptr);
        CHECK(find()->size() == 0);
    };
    world.run(change(world));
    CHECK(world.log() == "");
}

TEST_CASE("configured queues: mistakes in kinds and their settings have a position") {
    const std::string queue =
        R"({"event": "weir.configured_queues_test.Plate", "name": "plates", "kind": )";
    CHECK(problems_of(queue + R"("fair"})") == "");
    CHECK(problems_of(queue + R"("auto"})") == "");
    CHECK(problems_of(queue + R"("heap"})") == "");
    CHECK(problems_of(queue + R"("pil"})") ==
          "server.queues[0].kind: unknown queue kind 'pil' (did you mean 'pile'?)\n");
    CHECK(problems_of(queue + R"("fifo", "settings": {}})") ==
          "server.queues[0].settings: the kind 'fifo' has no settings\n");
    CHECK(problems_of(queue + R"("heap", "settings": {}})") ==
          "server.queues[0].settings: the kind 'heap' has no settings\n");
    CHECK(problems_of(queue + R"("pile", "settings": {"most": 10}})") ==
          "server.queues[0].settings.most: 10 is out of range: 1 to 9\n");
    CHECK(problems_of(queue + R"("pile", "settings": {"mots": 1}})") ==
          "server.queues[0].settings.mots: unknown setting 'mots' (did you mean 'most'?)\n");
    CHECK(problems_of(R"({"event": "weir.TimerEvent", "kind": "heap", "queues": [{"event": )"
                      R"("weir.TimerEvent"}]})") ==
          "server.queues[0]: a queue of the kind 'heap' needs a name\n"
          "app.json:1:112: server.queues[0].queues: a queue of the kind 'heap' can have no queues "
          "in it\n");
}

}  // namespace weir
