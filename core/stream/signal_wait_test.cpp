#include "core/stream/signal_wait.h"

#include <string>

#include <catch2/catch.hpp>

#include "core/run/routine.h"
#include "core/wait/timeout.h"
#include "tests/support/world.h"

using namespace weir;
using namespace weir::test;

namespace {

constexpr SocketEvent::Type readable = SocketEvent::Type::readable;
constexpr SocketEvent::Type changed = SocketEvent::Type::changed;

// Notes the name each time that the source signals.
Task<> note_signals(Source& source, std::string name, int count, std::string& notes) {
    for (int i = 0; i != count; ++i) {
        co_await SignalWait(source, readable);
        notes += name;
    }
}

Task<> signal_later(Source& source, SocketEvent::Type type, int count) {
    for (int i = 0; i != count; ++i) {
        co_await sleep(1ms);
        source.signal(type);
    }
}

}  // namespace

TEST_CASE(
    "a signal ends the waits of all routines, in their order, and those that begin then wait "
    "for the next") {
    World world;
    Source source(world.scheduler);
    std::string notes;
    world.container.start(note_signals(source, "a", 2, notes));
    world.container.start(note_signals(source, "b", 1, notes));
    world.container.start(signal_later(source, readable, 2));
    world.run();
    CHECK(notes == "aba");
}

TEST_CASE("a wait for a signal ends at its deadline, and takes no later signal") {
    World world;
    Source source(world.scheduler);
    std::string notes;
    world.container.start([](Source& waited, std::string& said) -> Task<> {
        const Time deadline = waited.scheduler().now() + 5ms;
        const bool signalled = co_await SignalWait(waited, readable, deadline);
        said += signalled ? "signalled" : "late";
        CHECK(waited.scheduler().now() >= deadline);
        co_await sleep(10ms);
        said += ", then awake";
    }(source, notes));
    world.container.start([](Source& waited) -> Task<> {
        co_await sleep(8ms);
        waited.signal(readable);
    }(source));
    world.run();
    CHECK(notes == "late, then awake");
}

TEST_CASE("a wait for two sources ends when either signals, before its deadline") {
    World world;
    Source first(world.scheduler);
    Source second(world.scheduler);
    const SocketEvent::Type type = GENERATE(readable, changed);
    std::string notes;
    world.container.start([](Source& one, Source& other, std::string& said) -> Task<> {
        const Time deadline = one.scheduler().now() + 1h;
        const bool signalled = co_await SignalWait(one, readable, other, changed, deadline);
        said += signalled ? "signalled" : "late";
        CHECK(one.scheduler().now() < deadline);
    }(first, second, notes));
    world.container.start(signal_later(type == readable ? first : second, type, 1));
    world.run();
    CHECK(notes == "signalled");
}

TEST_CASE("a routine that is resumed by a signal may end others that wait for it") {
    World world;
    Source source(world.scheduler);
    std::string notes;
    Ref<Routine> other;
    world.container.start([](Source& waited, std::string& said, Ref<Routine>& victim) -> Task<> {
        co_await SignalWait(waited, readable);
        victim->close();
        said += "a";
    }(source, notes, other));
    other = world.container.start(note_signals(source, "b", 1, notes));
    world.container.start(note_signals(source, "c", 1, notes));
    world.container.start(signal_later(source, readable, 1));
    world.run();
    CHECK(notes == "ac");
}

TEST_CASE("a routine that waits for a signal says for what, as if it waited for its matcher") {
    World world;
    Source source(world.scheduler);
    std::string notes;
    const Ref<Routine> routine = world.container.start(note_signals(source, "a", 1, notes));
    world.container.start([](Source& waited, Ref<Routine> waiting) -> Task<> {
        co_await sleep(1ms);
        CHECK(waiting->wait()->describe() == waited.matcher(readable).describe());
        waited.signal(readable);
    }(source, routine));
    world.run();
    CHECK(notes == "a");
}
