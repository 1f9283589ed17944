#include "core/run/container.h"

#include <optional>

#include <catch2/catch.hpp>

#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

Task<> write(World& world, const char* text) {
    const Mark mark(world.output, text);
    co_await match<Ping>();
}

// Routines that share data of the container that owns them.
class Counter : public Container {
public:
    explicit Counter(World& world) : Container(world.scheduler), world_(world) { start(count()); }
    ~Counter() override { close(); }

private:
    struct Tell {
        Counter& counter;
        ~Tell() { counter.world_.output += "counted " + std::to_string(counter.counted_); }
    };
    Task<> count() {
        const Tell tell{*this};
        const auto pings = match<Ping>().make();
        while (true) {
            co_await pings;
            ++counted_;
        }
    }

    World& world_;
    int counted_ = 0;
};

}  // namespace

TEST_CASE("a routine starts when the running event is done", "[container]") {
    World world;
    world.start([](World& w) -> Task<> {
        w.start([](World& w2) -> Task<> {
            w2.output += "b";
            co_return;
        });
        w.output += "a";
        co_await do_events();
    });
    world.start([](World& w) -> Task<> {
        w.output += "c";
        co_return;
    });
    CHECK(world.run() == "acb");
}

TEST_CASE("in the foreground a routine runs up to its first wait at once", "[container]") {
    World world;
    world.start([](World& w) -> Task<> {
        w.start_now([](World& w2) -> Task<> {
            w2.output += "b";
            co_await do_events();
            w2.output += "d";
        });
        w.output += "a";
        co_await do_events();
        w.output += "c";
    });
    CHECK(world.run() == "badc");
}

TEST_CASE("routines may be started in the foreground before the scheduler runs", "[container]") {
    World world;
    world.start_now([](World& w) -> Task<> {
        w.output += "a";
        co_await do_events();
        w.output += "c";
    });
    world.output += "b";
    CHECK(world.run() == "abc");
}

TEST_CASE("a routine runs on without references to it", "[container]") {
    World world;
    world.start([](World& w) -> Task<> {
        co_await sleep(1s);
        w.output += "done";
    });
    CHECK(world.run() == "done");
}

TEST_CASE("a container that goes closes its routines, the youngest first", "[container]") {
    World world;
    std::optional<Container> container(world.scheduler);
    container->start(write(world, "a"), {.foreground = true});
    container->start(write(world, "b"), {.foreground = true});
    const Ref<Routine> pending = container->start(write(world, "c"));
    world.container.start(write(world, "d"), {.foreground = true});
    std::size_t count = 0;
    for (const Routine& routine : container->routines()) {
        count += routine.ended() ? 0 : 1;
    }
    CHECK(count == 3);
    container.reset();
    CHECK(std::exchange(world.output, {}) == "ba");
    CHECK(pending->ended());
    CHECK(world.run() == "d");
}

TEST_CASE("a container that goes while its routine runs lets it go on to its next wait",
          "[container]") {
    World world;
    struct Own {
        std::optional<Container> container;
    } own;
    own.container.emplace(world.scheduler);
    own.container->start(
        [](World& w, Own& o) -> Task<> {
            const Mark mark(w.output, "unwound");
            o.container.reset();
            Routine& self = co_await this_routine();
            CHECK(self.container() == nullptr);
            w.output += "still here ";
            co_await do_events();
            w.output += "not here ";
        }(world, own),
        {.daemon = false});
    CHECK(world.run() == "still here unwound");
}

TEST_CASE("a container groups routines that share its data", "[container]") {
    World world;
    auto counter = std::make_unique<Counter>(world);
    world.begin(
        +[](World& w, std::unique_ptr<Counter>* owner) -> Task<> {
            w.ping();
            w.ping();
            co_await do_events();
            owner->reset();
        },
        {}, &counter);
    CHECK(world.run() == "counted 2");
}
