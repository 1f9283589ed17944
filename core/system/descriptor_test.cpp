#include "core/system/descriptor.h"

#include <array>
#include <cerrno>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/run/container.h"
#include "core/run/event_handler.h"
#include "core/run/uv_loop.h"
#include "core/run/uv_poller.h"
#include "core/simulation/simulation.h"
#include "core/wait/do_events.h"
#include "core/wait/timeout.h"
#include "tests/support/world_on.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using World = test::WorldOn<UvPoller>;

struct Pipe {
    Pipe() {
        std::array<int, 2> ends{};
        REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
        out = FileDescriptor(ends[0]);
        in = FileDescriptor(ends[1]);
    }
    void put(std::string_view text) const {
        REQUIRE(::write(in.number(), text.data(), text.size()) ==
                static_cast<ssize_t>(text.size()));
    }
    std::string take() const {
        std::array<char, 100> buffer{};
        const ssize_t count = ::read(out.number(), buffer.data(), buffer.size());
        return count < 0 ? "error" : std::string(buffer.data(), static_cast<std::size_t>(count));
    }

    FileDescriptor out;
    FileDescriptor in;
};

std::size_t open_descriptors() {
    std::size_t count = 0;
    for (int number = 0; number != 256; ++number) {
        count += ::fcntl(number, F_GETFD) >= 0 ? 1 : 0;
    }
    return count;
}

Task<> read_when_ready(const Pipe& pipe, std::string& text) {
    co_await readable(pipe.out.number());
    text += pipe.take();
}

Task<> watch_until(const DescriptorWatch& watch, std::string& notes, std::string note) {
    try {
        co_await watch.readable();
    } catch (const WatchGoneException& gone) {
        note = gone.what();
    }
    notes += note + ';';
}

Task<> put_later(const Pipe& pipe, std::string text) {
    co_await do_events();
    pipe.put(text);
}

Task<> give_time(Duration time) {
    co_await sleep(time);
}

}  // namespace

TEST_CASE("a routine waits until a descriptor can be read") {
    World world;
    const Pipe pipe;
    std::string text;
    world.container.start(read_when_ready(pipe, text));
    world.container.start(put_later(pipe, "hello"));
    world.scheduler.run();
    CHECK(text == "hello");
}

TEST_CASE("a routine that waits for a descriptor says so") {
    World world;
    const Pipe pipe;
    std::string text;
    const Ref<Routine> routine =
        world.container.start(read_when_ready(pipe, text), {.foreground = true});
    CHECK(routine->wait()->describe() ==
          "descriptor " + std::to_string(pipe.out.number()) + " to be readable");
}

TEST_CASE("a routine waits until there is room to write") {
    World world;
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) == 0);
    const FileDescriptor near(ends[0]);
    const FileDescriptor far(ends[1]);
    const std::string block(10'000, 'x');
    while (::write(near.number(), block.data(), block.size()) > 0) {
    }
    bool room = false;
    const auto write_all = [](int socket, bool& done) -> Task<> {
        co_await writable(socket);
        done = true;
    };
    world.container.start(write_all(near.number(), room), {.foreground = true});
    world.container.start(give_time(20ms));
    std::string drained(1'000'000, ' ');
    const auto drain = [](int socket, std::string& buffer, const bool& done) -> Task<> {
        co_await sleep(2ms);
        CHECK_FALSE(done);
        CHECK(::read(socket, buffer.data(), buffer.size()) > 0);
    };
    world.container.start(drain(far.number(), drained, room));
    world.scheduler.run();
    CHECK(room);
}

TEST_CASE("all routines that wait for a descriptor are resumed") {
    World world;
    const Pipe pipe;
    const DescriptorWatch watch(world.scheduler, pipe.out.number());
    std::string notes;
    world.container.start(watch_until(watch, notes, "a"), {.foreground = true});
    world.container.start(watch_until(watch, notes, "b"), {.foreground = true});
    pipe.put("x");
    world.scheduler.run();
    CHECK(notes == "a;b;");
}

TEST_CASE("two watches of one descriptor are independent") {
    World world;
    const Pipe pipe;
    const DescriptorWatch first(world.scheduler, pipe.out.number());
    auto second = std::make_unique<DescriptorWatch>(world.scheduler, pipe.out.number());
    std::string notes;
    world.container.start(watch_until(*second, notes, "b"), {.foreground = true});
    second.reset();
    world.container.start(watch_until(first, notes, "a"), {.foreground = true});
    pipe.put("x");
    world.scheduler.run();
    CHECK(notes == "the descriptor is no longer watched;a;");
}

TEST_CASE("a peer that closes makes a descriptor readable") {
    World world;
    Pipe pipe;
    std::string text = "end:";
    world.container.start(read_when_ready(pipe, text), {.foreground = true});
    pipe.in.close();
    world.scheduler.run();
    CHECK(text == "end:");
}

TEST_CASE("an error makes a descriptor writable") {
    World world;
    Pipe pipe;
    pipe.out.close();
    bool told = false;
    const auto wait = [](int descriptor, bool& done) -> Task<> {
        co_await writable(descriptor);
        done = true;
    };
    world.container.start(wait(pipe.in.number(), told));
    world.scheduler.run();
    CHECK(told);
}

TEST_CASE("a descriptor's number that names another file meanwhile does not confuse its watch") {
    World world;
    Pipe old;
    Pipe other;
    const DescriptorWatch watch(world.scheduler, old.out.number());
    std::string notes;
    world.container.start(watch_until(watch, notes, "old"), {.foreground = true});
    // The owner closes it without a word, and the system gives the number to the other pipe.
    REQUIRE(::dup2(other.out.number(), old.out.number()) == old.out.number());
    other.put("x");
    const auto look = [](const Pipe& pipe, const std::string& seen) -> Task<> {
        co_await sleep(5ms);
        CHECK(seen.empty());
        pipe.put("x");
    };
    world.container.start(look(old, notes));
    world.scheduler.run();
    CHECK(notes == "old;");
}

TEST_CASE("a watch leaves the descriptor's blocking mode as it is") {
    World world;
    const Pipe pipe;
    const DescriptorWatch watch(world.scheduler, pipe.out.number());
    CHECK((::fcntl(pipe.out.number(), F_GETFL) & O_NONBLOCK) == 0);
}

TEST_CASE("an armed watch sends one event until it is armed again") {
    World world;
    const Pipe pipe;
    DescriptorWatch watch(world.scheduler, pipe.out.number());
    pipe.put("x");
    int events = 0;
    EventHandler handler(world.scheduler);
    handler.handle(watch.matcher(Readiness::readable), [&](const Ref<Event>&) {
        watch.arm(++events == 2 ? Readiness::writable : Readiness::readable);
    });
    watch.arm(Readiness::readable);
    world.container.start(give_time(10ms));
    world.scheduler.run();
    CHECK(events == 2);
}

TEST_CASE("events of a descriptor are found by its number") {
    World world;
    const Pipe pipe;
    DescriptorWatch watch(world.scheduler, pipe.out.number());
    pipe.put("x");
    bool found = false;
    const auto wait = [](int number, bool& came) -> Task<> {
        const MatcherOf<DescriptorEvent> any_of_it = match<DescriptorEvent>(number);
        co_await any_of_it;
        came = true;
    };
    world.container.start(wait(pipe.out.number(), found), {.foreground = true});
    watch.arm(Readiness::readable);
    world.scheduler.run();
    CHECK(found);
}

TEST_CASE("closing a routine that waits for a descriptor leaves nothing open") {
    World world;
    const Pipe pipe;
    const std::size_t before = open_descriptors();
    std::string text;
    const Ref<Routine> routine =
        world.container.start(read_when_ready(pipe, text), {.foreground = true});
    CHECK(open_descriptors() == before + 1);
    routine->close();
    CHECK(open_descriptors() == before);
    pipe.put("x");
    world.scheduler.run();
    CHECK(text.empty());
}

TEST_CASE("what cannot be watched is an error that says why") {
    World world;
    std::array<char, 32> name{"/tmp/weir_descriptor.XXXXXX"};
    const FileDescriptor file(::mkstemp(name.data()));
    REQUIRE(file);
    ::unlink(name.data());
    CHECK_THROWS_WITH(DescriptorWatch(world.scheduler, file.number()),
                      Catch::Contains("operation not permitted (EPERM)"));
    CHECK_THROWS_WITH(DescriptorWatch(world.scheduler, 10'000),
                      "watching descriptor 10000: bad file descriptor (EBADF)");
    test::WorldOn<Simulation> simulated;
    const Pipe pipe;
    CHECK_THROWS_AS(DescriptorWatch(simulated.scheduler, pipe.out.number()), std::logic_error);
}

TEST_CASE("a module's own handles run on the scheduler's loop") {
    World world;
    uv_timer_t timer;
    uv_timer_init(&loop_of(world.scheduler), &timer);
    struct Fired : Event {
        static auto declare() { return declare_event<Fired>("test.Fired"); }
    };
    timer.data = &world.scheduler;
    uv_timer_start(
        &timer,
        [](uv_timer_t* handle) {
            static_cast<Scheduler*>(handle->data)->emergency_send(make_event<Fired>());
            uv_close(reinterpret_cast<uv_handle_t*>(handle), nullptr);
        },
        1, 0);
    bool fired = false;
    const auto wait = [](bool& done) -> Task<> {
        const MatcherOf<Fired> matcher = match<Fired>();
        co_await matcher;
        done = true;
    };
    world.container.start(wait(fired));
    world.scheduler.run();
    CHECK(fired);
}

}  // namespace weir
