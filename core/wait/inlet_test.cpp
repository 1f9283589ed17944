#include "core/wait/inlet.h"

#include <catch2/catch.hpp>

#include "core/run/event_handler.h"
#include "core/run/trace.h"
#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

struct Letter : Event {
    Index<int> number;
    Inlet* inlet = nullptr;

    void received() noexcept { inlet->receive(*this); }

    static auto declare() {
        return declare_event<Letter>("weir.test.Letter")
            .index("number", &Letter::number)
            .blocking();
    }
};

struct MailWorld : World {
    Inlet inlet;

    Ref<Letter> letter(int number) { return make_event<Letter>(number, &inlet); }
    // Sends the letter, without the queue if it may pass by that.
    void post(int number) {
        const Ref<Letter> sent = letter(number);
        if (inlet.awaited() && scheduler.may_pass_by(*sent, PassBy::next_of_all)) {
            output += "by ";
            inlet.give(sent);
        } else {
            scheduler.emergency_send(sent);
        }
    }
};

// Takes so many letters; is busy for a second after each.
Task<> take(MailWorld& world, int count) {
    for (int n = 0; n != count; ++n) {
        const Ref<Letter> letter = co_await NextOf<Letter>(world.inlet);
        letter->set_ignorable();
        world.output += std::to_string(letter->number) + ' ';
        co_await sleep(1s);
    }
}

Task<> post_two(MailWorld& world) {
    co_await do_events();  // the first round has an event of the scheduler that would come first
    world.post(1);
    world.output += "posted ";
    world.post(2);
}

}  // namespace

TEST_CASE(
    "a routine takes the events of its inlet in order, and keeps them waiting while it is busy",
    "[inlet]") {
    MailWorld world;
    world.container.start(take(world, 3));
    for (const int number : {1, 2, 3}) {
        world.scheduler.emergency_send(world.letter(number));
    }
    CHECK(world.run() == "1 2 3 ");
    CHECK(world.time() == 3s);
}

TEST_CASE("an event that passes by its queue reaches the routine when the running event is done",
          "[inlet]") {
    MailWorld world;
    world.container.start(take(world, 2));
    world.container.start(post_two(world));
    CHECK(world.run() == "by posted 1 2 ");
    std::uint64_t delivered = 0;
    world.scheduler.delivered().for_each([&](std::string_view type, std::uint64_t count) {
        delivered += type == "weir.test.Letter" ? count : 0;
    });
    CHECK(delivered == 3);  // the second blocks its queue, and is delivered again
}

TEST_CASE("an event takes the way through its queue if code could notice it", "[inlet]") {
    struct : Tracer {
    } tracer;
    MailWorld world;
    EventHandler handler(world.scheduler);
    const auto looks = GENERATE(0, 1, 2);
    if (looks == 1) {
        world.scheduler.set_tracer(&tracer);
    } else if (looks == 2) {
        handler.handle(match<Letter>(7).make(), [](const Ref<Event>&) {});
    }
    world.container.start(take(world, 2));
    world.container.start(post_two(world));
    CHECK(world.run() == (looks == 0 ? "by posted 1 2 " : "posted 1 2 "));
    world.scheduler.set_tracer(nullptr);
}

TEST_CASE("events of an inlet whose routine has ended stay in their queue", "[inlet]") {
    MailWorld world;
    world.container.start(take(world, 1));
    world.scheduler.emergency_send(world.letter(1));
    world.scheduler.emergency_send(world.letter(2));
    CHECK(world.run() == "1 ");
    CHECK_FALSE(world.inlet.awaited());
    CHECK(world.scheduler.blocked_events().size() == 1);
    world.container.start(take(world, 1));
    CHECK(world.run() == "2 ");
}

TEST_CASE("a routine that is closed before its turn takes nothing", "[inlet]") {
    MailWorld world;
    world.other = world.container.start(take(world, 1));
    world.start([](World& w) -> Task<> {
        co_await do_events();
        auto& mail = static_cast<MailWorld&>(w);
        mail.post(1);
        w.other->close();
    });
    CHECK(world.run() == "by ");
    CHECK_FALSE(world.inlet.awaited());
}

TEST_CASE("a wait for an inlet says what it waits for", "[inlet]") {
    MailWorld world;
    const Ref<Routine> routine = world.container.start(take(world, 1), {.foreground = true});
    CHECK(routine->wait()->describe() == "weir.test.Letter");
    world.scheduler.emergency_send(world.letter(1));
    CHECK(world.run() == "1 ");
}

TEST_CASE("a tracer sees which routine takes an event of an inlet", "[inlet]") {
    struct Deliveries : Tracer {
        void delivered(const Event& event, const Matcher& matcher, const Subscriber& to) override {
            if (event.is<Letter>()) {
                CHECK(!matcher);
                text += std::to_string(event.as<Letter>().number) + " to " +
                        dynamic_cast<const Routine&>(to).name() + ' ';
            }
        }
        std::string text;
    };
    MailWorld world;
    Deliveries deliveries;
    world.scheduler.set_tracer(&deliveries);
    world.container.start(take(world, 2), {.name = "taker"});
    for (const int number : {1, 2}) {
        world.scheduler.emergency_send(world.letter(number));
    }
    CHECK(world.run() == "1 2 ");
    CHECK(deliveries.text == "1 to taker 2 to taker ");
    world.scheduler.set_tracer(nullptr);
}
