// A test of a module, with a whole server in virtual time.
#include <catch2/catch.hpp>
#include <weir/json.h>
#include <weir/module.h>
#include <weir/testing.h>

using namespace std::chrono_literals;

// A bakery that has bread at once, so that the test is about the cafe alone.
class QuickBakery : public weir::Module {
public:
    using Module::Module;

    static auto declare() {
        return weir::declare_module<QuickBakery>("bakery", "Has bread at once")
            .function("order", "Takes any order", &QuickBakery::order);
    }

private:
    void order(const weir::Json&) {}
};

static weir::Task<> have_breakfast(weir::Scheduler& scheduler, std::string guest,
                                   weir::Duration& served) {
    const weir::Json parameters{{"guest", guest}};
    const weir::ApiResult<weir::Json> result = co_await weir::call("cafe", "breakfast", parameters);
    CHECK(result.value() == "Enjoy your meal, " + guest + "!");
    served = scheduler.now().time_since_epoch();
}

TEST_CASE("guests of the cafe wait for the coffee machine") {
    weir::SimulatedServer world(R"({"server": {"startup": ["cafe"]}})",
                                weir::Registry().add<QuickBakery>());
    weir::Duration ann{};
    weir::Duration bob{};
    weir::Container guests(world.scheduler());
    guests.start(have_breakfast(world.scheduler(), "Ann", ann));
    world.run(have_breakfast(world.scheduler(), "Bob", bob));
    CHECK(std::min(ann, bob) == 30s);
    CHECK(std::max(ann, bob) == 60s);
    CHECK(world.log() == "");
}
