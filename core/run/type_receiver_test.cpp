// The receiver of an event type: see EventDeclaration.

#include <catch2/catch.hpp>

#include "core/run/event_handler.h"
#include "core/run/trace.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

// Says in the text that it was received. Blocks its queue unless the receiver processes it.
struct Parcel : Event {
    Index<int> number;
    std::string* output = nullptr;
    bool is_taken = true;

    static auto declare() {
        return declare_event<Parcel>("weir.test.Parcel")
            .index("number", &Parcel::number)
            .blocking();
    }
    void received() noexcept {
        *output += "receiver ";
        set_ignorable(is_taken);
    }
};

struct LargeParcel : Parcel {
    static auto declare() { return declare_event<LargeParcel, Parcel>("weir.test.LargeParcel"); }
};

}  // namespace

TEST_CASE("an event goes to the receiver of its type, with no matcher", "[type_receiver]") {
    World world;
    world.start([](World& w) -> Task<> {
        co_await send(make_event<Parcel>(1, &w.output));
        co_await send(make_event<LargeParcel>(2, &w.output));
        co_await sleep(1s);  // the scheduler runs until they are delivered
    });
    CHECK(world.run() == "receiver receiver ");
}

TEST_CASE("the receiver of a type comes after all matchers, which see the event too",
          "[type_receiver]") {
    World world;
    EventHandler of_all(world.scheduler);
    EventHandler of_one(world.scheduler);
    of_all.handle(match<Parcel>().make(), [&world](const Ref<Event>&) { world.output += "all "; });
    of_one.handle(match<Parcel>(1).make(), [&world](const Ref<Event>&) { world.output += "one "; });
    world.start([](World& w) -> Task<> {
        co_await send(make_event<Parcel>(1, &w.output));
        co_await sleep(1s);
    });
    CHECK(world.run() == "one all receiver ");
}

TEST_CASE("a tracer sees the events that only a receiver takes", "[type_receiver]") {
    struct Seen final : Tracer {
        void queued(const Event& event, bool) override { note(event, "queued "); }
        void popped(const Event& event) override { note(event, "popped "); }
        void note(const Event& event, const char* what) {
            if (event.is<Parcel>()) text += what;
        }
        std::string text;
    } seen;
    World world;
    world.scheduler.set_tracer(&seen);
    world.start([](World& w) -> Task<> {
        co_await send(make_event<Parcel>(1, &w.output));
        co_await sleep(1s);
    });
    CHECK(world.run() == "receiver ");
    CHECK(seen.text == "queued popped ");
    world.scheduler.set_tracer(nullptr);
}

TEST_CASE("an event that its receiver does not process blocks its queue", "[type_receiver]") {
    World world;
    world.start([](World& w) -> Task<> {
        co_await send(make_event<Parcel>(1, &w.output, false));
        co_await send(make_event<Parcel>(2, &w.output));
        co_await sleep(1s);
        w.output += "then ";
        const Ref<Parcel> parcel = co_await match<Parcel>(1);
        parcel->is_taken = true;
        parcel->set_ignorable();
    });
    CHECK(world.run() == "receiver then receiver receiver ");
}
