// Optional dependencies, and versions of APIs.
#include "modules/system/module/dependency.h"

#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "modules/system/call/json.h"
#include "modules/testing/simulated_server.h"

namespace weir {

namespace {

using Texts = std::vector<std::string>;

Texts* story = nullptr;

// A store whose API has a version.
class Store : public Module {
public:
    using Module::Module;
    static auto declare() { return declare_module<Store>("store", "Stores").version(1, 2); }
    Task<> load() override {
        story->push_back("store loads");
        co_return;
    }
    Task<> unload() override {
        story->push_back("store unloads");
        co_return;
    }
};

// Uses the store if it is there.
template <std::uint32_t Major, std::uint32_t Minor, bool Optional>
class Shop : public Module {
public:
    using Module::Module;
    static auto declare() {
        auto declared =
            declare_module<Shop>("shop", "Sells").depends_on("store").at_least(Major, Minor);
        if constexpr (Optional) {
            return std::move(declared).optional();
        } else {
            return declared;
        }
    }
    Task<> load() override {
        story->push_back(has("store") ? "shop loads with store" : "shop loads without store");
        co_return;
    }
    Task<> unload() override {
        story->push_back("shop unloads");
        co_return;
    }
    void dependency_changed(const std::string& dependency) override {
        story->push_back(dependency + (has(dependency) ? " has come" : " goes"));
    }
};

// As the page shows it.
class Library : public Module {
public:
    using Module::Module;
    static auto declare() {
        return declare_module<Library>("library", "Lends books")
            .version(2, 1)
            .depends_on("shelf")
            .at_least(1, 2)
            .depends_on("lamp")
            .optional();
    }
    void dependency_changed(const std::string& dependency) override {
        log().info("{} is {}", dependency, has(dependency) ? "there" : "not there");
    }
};

// Knows which version of it this is.
class Shelf : public Module {
public:
    explicit Shelf(const ModuleContext& context) : Module(context), number(++made) {}
    static auto declare() { return declare_module<Shelf>("shelf", "Holds books"); }

    const int number;
    static inline int made = 0;
};

struct Bookmark {
    static constexpr std::string_view name = "bookmark";
    static constexpr std::uint32_t version = 1;
};

// Looks up the shelf when it takes over a state, and when it begins.
class Reader : public Module {
public:
    using Module::Module;
    static auto declare() {
        return declare_module<Reader>("reader", "Reads")
            .depends_on("shelf")
            .hands_over<Bookmark>(&Reader::hand_over, &Reader::take_over);
    }
    void begin() override {
        story->push_back("begins at " + shelf());
        if (!may_begin) {
            throw std::runtime_error("it cannot read");
        }
    }

    static inline bool may_begin = true;

private:
    Bookmark hand_over() { return {}; }
    void take_over(Bookmark&) { story->push_back("takes from " + shelf()); }
    std::string shelf() const {
        const auto& found = dynamic_cast<const Shelf&>(*server().loader().find("shelf"));
        return "shelf " + std::to_string(found.number);
    }
};

struct Told {
    Told() {
        story = &texts;
        Shelf::made = 0;
    }
    Texts texts;
};

Task<> until_loaded(SimulatedServer& world, std::string name) {
    while (world.loader().state(name) != ModuleState::succeeded) {
        co_await do_events();
    }
}

std::string problems_of(const Registry& registry, const std::string& startup) {
    config::Problems problems;
    const CheckedApp app(SimulatedServer::read(R"({"server": {"startup": )" + startup + "}}"),
                         registry, problems);
    return problems.text();
}

}  // namespace

TEST_CASE("dependency: an optional one loads first if both start, and unloads last") {
    Told told;
    SimulatedServer world(R"({"server": {"startup": ["shop", "store"]}})",
                          Registry().add<Store>().add<Shop<1, 1, true>>());
    world.run(until_loaded(world, "shop"));
    CHECK(told.texts ==
          Texts{"store loads", "shop loads with store", "shop unloads", "store unloads"});
}

TEST_CASE("dependency: an optional one comes and goes, and its user is told and stays") {
    Told told;
    SimulatedServer world(R"({"server": {"startup": ["shop"]}})",
                          Registry().add<Store>().add<Shop<1, 2, true>>());
    const auto change = [](SimulatedServer& simulated) -> Task<> {
        co_await until_loaded(simulated, "shop");
        co_await simulated.loader().load("store");
        Texts names{"store"};
        co_await simulated.loader().reload(std::move(names));
        co_await sleep(std::chrono::seconds(1));  // until the old version has left
        co_await simulated.loader().unload("store");
        CHECK(simulated.loader().state("shop") == ModuleState::succeeded);
        const ModuleInfo shop = simulated.loader().modules().front();
        CHECK(shop.name == "shop");
        CHECK(shop.dependencies.empty());
        CHECK(shop.uses == Texts{"store"});
    };
    world.run(change(world));
    CHECK(told.texts == Texts{"shop loads without store", "store loads", "store has come",
                              "store loads", "store unloads", "store goes", "store unloads",
                              "shop unloads"});
    CHECK(world.log() == "");
}

TEST_CASE(
    "dependency: a module that is reloaded with one that it needs begins with its new version") {
    Told told;
    SimulatedServer world(R"({"server": {"startup": ["reader"]}})",
                          Registry().add<Shelf>().add<Reader>());
    const auto reload = [](SimulatedServer& simulated) -> Task<> {
        co_await until_loaded(simulated, "reader");
        for (const char* const name : {"shelf", "shelf", "reader"}) {
            Texts names{name};
            co_await simulated.loader().reload(std::move(names));
            co_await sleep(std::chrono::seconds(1));  // until the old version has left
            story->push_back(name + std::string(" reloaded"));
        }
    };
    world.run(reload(world));
    CHECK(told.texts == Texts{"begins at shelf 1", "takes from shelf 2", "begins at shelf 2",
                              "shelf reloaded", "takes from shelf 3", "begins at shelf 3",
                              "shelf reloaded", "takes from shelf 3", "begins at shelf 3",
                              "reader reloaded"});
    CHECK(world.log() == "");
}

TEST_CASE("dependency: when a reload fails as modules begin, the old ones find each other") {
    Told told;
    SimulatedServer world(R"({"server": {"startup": ["reader"]}})",
                          Registry().add<Shelf>().add<Reader>());
    const auto reload = [](SimulatedServer& simulated) -> Task<> {
        co_await until_loaded(simulated, "reader");
        Reader::may_begin = false;
        Texts names{"shelf"};
        std::string failure;
        try {
            co_await simulated.loader().reload(std::move(names));
        } catch (const LoadException& error) {
            failure = error.what();
        }
        story->push_back(failure);
        Reader::may_begin = true;
    };
    world.run(reload(world));
    CHECK(told.texts ==
          Texts{"begins at shelf 1", "takes from shelf 2", "begins at shelf 2",
                "takes from shelf 1",
                "the module 'reader' failed in begin(): it cannot read; the old version runs on"});
}

TEST_CASE("dependency: an API of another version than is needed is refused, naming both") {
    const std::string expected = "app.json:1:24: server.startup: 'shop' needs version ";
    CHECK(problems_of(Registry().add<Store>().add<Shop<1, 2, false>>(), R"(["shop"])") == "");
    CHECK(problems_of(Registry().add<Store>().add<Shop<1, 3, false>>(), R"(["shop"])") ==
          expected + "1.3 of the API of 'store', which has version 1.2\n");
    CHECK(problems_of(Registry().add<Store>().add<Shop<2, 0, false>>(), R"(["shop"])") ==
          expected + "2.0 of the API of 'store', which has version 1.2\n");
    CHECK(problems_of(Registry().add<Store>().add<Shop<2, 0, true>>(), R"(["shop", "store"])") ==
          expected + "2.0 of the API of 'store', which has version 1.2\n");
    CHECK(problems_of(Registry().add<Store>().add<Shop<2, 0, true>>(), R"(["shop"])") == "");
}

TEST_CASE("dependency: a module that needs another version than is loaded does not load") {
    Told told;
    SimulatedServer world(R"({"server": {"startup": ["store"]}})",
                          Registry().add<Store>().add<Shop<1, 3, false>>());
    std::string why;
    const auto load = [](SimulatedServer& simulated, std::string& what) -> Task<> {
        co_await until_loaded(simulated, "store");
        try {
            co_await simulated.loader().load("shop");
        } catch (const LoadException& error) {
            what = error.what();
        }
    };
    world.run(load(world, why));
    CHECK(why ==
          "the module 'shop' failed: 'shop' needs version 1.3 of the API of 'store', which has "
          "version 1.2");
}

TEST_CASE("dependency: an optional one of another version is not there, and the log says why") {
    Told told;
    SimulatedServer world(R"({"server": {"startup": ["shop"]}})",
                          Registry().add<Store>().add<Shop<1, 3, true>>());
    const auto load = [](SimulatedServer& simulated) -> Task<> {
        co_await until_loaded(simulated, "shop");
        co_await simulated.loader().load("store");
    };
    world.run(load(world));
    CHECK(told.texts ==
          Texts{"shop loads without store", "store loads", "shop unloads", "store unloads"});
    CHECK(world.log() ==
          "warning: 'shop' needs version 1.3 of the API of 'store', which has version 1.2, and "
          "does without\n");
}

TEST_CASE("dependency: a declaration says what each dependency needs") {
    const ModuleClass& library = module_class<Library>();
    CHECK(library.version == ApiVersion{2, 1});
    REQUIRE(library.dependencies.size() == 2);
    CHECK(library.dependencies[0].least == ApiVersion{1, 2});
    CHECK(!library.dependencies[0].optional);
    CHECK(library.dependencies[1].least == std::nullopt);
    CHECK(library.dependencies[1].optional);
}

TEST_CASE("dependency: what it needs is said after it is named") {
    CHECK_THROWS_AS(declare_module<Store>("store", "Stores").optional(), std::invalid_argument);
}

}  // namespace weir
