// Rare situations: many runs, each decided by its seed, and memory that runs out.
#include <catch2/catch.hpp>
#include <weir/json.h>
#include <weir/module.h>
#include <weir/testing.h>

using namespace std::chrono_literals;

static constexpr const char* app = R"({"server": {"startup": ["cafe"]}})";

// A bakery that has bread when the seed says so.
class MoodyBakery : public weir::Module {
public:
    using Module::Module;

    static auto declare() {
        return weir::declare_module<MoodyBakery>("bakery", "Has bread sooner or later")
            .function("order", "Takes any order", &MoodyBakery::order);
    }

private:
    weir::Task<> order(weir::Json) {
        const auto seconds = scheduler().poller().random() % 20;
        co_await weir::sleep(std::chrono::seconds(seconds));
    }
};

static weir::Task<> have_breakfast(weir::ApiResult<weir::Json>& result) {
    const weir::Json parameters{{"guest", "Ann"}};
    // The last guest waits for the coffee of all other guests, longer than the default deadline.
    result = co_await weir::call("cafe", "breakfast", parameters, 1h);
}

static weir::Task<> visit(int& served) {
    weir::ApiResult<weir::Json> result{weir::ApiError{}};
    co_await have_breakfast(result);
    served += result ? 1 : 0;
}

TEST_CASE("all guests of the cafe are served, whatever seldom happens") {
    const weir::Campaign campaign{.configuration = app,
                                  .registry = weir::Registry().add<MoodyBakery>(),
                                  .points = {"cafe.no-beans"}};
    weir::for_each_seed(20, campaign, [](weir::SimulatedServer& world) {
        int served = 0;
        weir::Container guests(world.scheduler());
        for (int i = 0; i != 4; ++i) {
            guests.start(visit(served));
        }
        world.run(visit(served));
        CHECK(served == 5);
        CHECK(world.log() == "");
    });
}

// An allocation of the second breakfast fails. The first waits until the cafe is loaded, and the
// third shows that the cafe works again.
static weir::Task<> have_three_breakfasts(weir::AllocationFailure& failure) {
    weir::ApiResult<weir::Json> result{weir::ApiError{}};
    co_await have_breakfast(result);
    weir::Task<> second = have_breakfast(result);
    failure.arm();
    try {
        co_await second;
    } catch (const std::bad_alloc&) {
        // No memory for the call itself.
    }
    failure.disarm();
    co_await have_breakfast(result);
    CHECK(result.ok());
}

TEST_CASE("a breakfast for which there is no memory fails, and the next is served") {
    weir::fail_each_allocation(
        [](weir::AllocationFailure& failure) {
            weir::SimulatedServer world(app, weir::Registry().add<MoodyBakery>());
            world.run(have_three_breakfasts(failure));
        },
        19);
}

TEST_CASE("a cafe without a bakery does not open, and says why") {
    const auto bakery = weir::module_that_fails("bakery", "no flour");
    weir::SimulatedServer world(app, weir::Registry().add(*bakery));
    int served = 0;
    world.run(visit(served));
    CHECK(served == 0);
    CHECK(world.server().startup_failure() ==
          "the module 'cafe' failed: it depends on 'bakery', which failed: no flour");
}
