#include "core/stream/socket_events.h"

#include <vector>

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

constexpr SocketEvent::Type readable = SocketEvent::Type::readable;

Task<> wait_for_signals(Source& source, int count, std::vector<Ref<SocketEvent>>& seen) {
    const MatcherOf<SocketEvent> signalled = source.matcher(readable);
    for (int i = 0; i != count; ++i) {
        source.want(readable);
        seen.push_back(co_await signalled);
    }
}

}  // namespace

TEST_CASE("a source signals each time with the same event, once for each time that it is armed") {
    World world;
    Source source(world.scheduler);
    std::vector<Ref<SocketEvent>> seen;
    world.container.start(wait_for_signals(source, 2, seen));
    world.container.start([](Source& signalled) -> Task<> {
        for (int i = 0; i != 5; ++i) {
            co_await sleep(1ms);
            signalled.signal(readable);
            signalled.signal(readable);
        }
    }(source));
    world.run();
    REQUIRE(seen.size() == 2);
    CHECK(seen[0] == seen[1]);
}

TEST_CASE("a source whose event is in its queue still sends no second one") {
    World world;
    Source source(world.scheduler);
    for (int i = 0; i != 3; ++i) {
        source.want(readable);
        source.signal(readable);
    }
    CHECK(world.scheduler.queue().find("read")->size() == 1);
    world.start([](World&) -> Task<> { co_await sleep(1ms); });
    world.run();
    source.signal(readable);
    CHECK(world.scheduler.queue().find("read")->size() == 0);
}
