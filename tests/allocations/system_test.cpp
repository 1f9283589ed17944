// The parts for the operating system while memory runs out at each point: an operation throws
// std::bad_alloc or succeeds, leaves nothing behind, and works afterwards.
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <new>
#include <string>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/calendar/calendar_timer.h"
#include "core/run/uv_poller.h"
#include "core/simulation/simulation.h"
#include "core/system/datagram_socket.h"
#include "core/system/file_watch.h"
#include "core/system/files.h"
#include "core/system/process.h"
#include "core/system/signal_watch.h"
#include "core/wait/condition.h"
#include "core/wait/task_pool.h"
#include "core/wait/timeout.h"
#include "core/wait/token_bucket.h"
#include "modules/testing/allocations.h"
#include "tests/support/world_on.h"

namespace weir {
namespace {

using namespace std::chrono_literals;
using Operation = Task<> (*)(Scheduler&);

Task<> try_until_it_works(Scheduler& scheduler, Operation operation, AllocationFailure& failure,
                          bool& worked) {
    failure.arm();
    while (!worked) {
        try {
            co_await operation(scheduler);
            worked = true;
        } catch (const std::bad_alloc&) {
            // It is tried again; from here on there is memory.
        }
    }
    failure.disarm();
}

int open_descriptors() {
    int count = 0;
    for (int number = 0; number != 256; ++number) {
        count += ::fcntl(number, F_GETFD) >= 0 ? 1 : 0;
    }
    return count;
}

template <class P>
void fail_everywhere(const char* what, Operation operation) {
    INFO(what);
    { const UvPoller opens_what_libuv_keeps; }
    const auto attempt = [&](AllocationFailure& failure) {
        const int open = open_descriptors();
        bool worked = false;
        {
            test::WorldOn<P> world;
            world.container.start(try_until_it_works(world.scheduler, operation, failure, worked));
            for (bool ended = false; !ended;) {
                try {
                    world.scheduler.run();
                    ended = true;
                } catch (const std::bad_alloc&) {
                    // It may be called again.
                }
            }
        }
        INFO("allocation " << failure.nth() << '\n' << failure.where());
        CHECK(worked);
        CHECK(open_descriptors() == open);
    };
    CHECK(fail_each_allocation(attempt) > 5);
    CHECK((::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD));
}

}  // namespace

TEST_CASE("without memory, waiting for a descriptor fails and then works") {
    fail_everywhere<UvPoller>("a descriptor", [](Scheduler& scheduler) -> Task<> {
        std::array<int, 2> ends{};
        static_cast<void>(::pipe2(ends.data(), O_CLOEXEC));
        const FileDescriptor out(ends[0]);
        const FileDescriptor in(ends[1]);
        co_await writable(in.number());
        static_cast<void>(::write(in.number(), "x", 1));
        DescriptorWatch watch(scheduler, out.number());
        co_await watch.readable();
    });
}

TEST_CASE("without memory, a process is not started, or ends as it should") {
    fail_everywhere<UvPoller>("a process", [](Scheduler& scheduler) -> Task<> {
        Process process(scheduler, {.command = {"sh", "-c", "exit 3"}});
        if ((co_await process.wait()).code != 3) {
            throw std::logic_error("another code");
        }
    });
}

TEST_CASE(
    "without memory, watching signals and files fails and then works, and no signal is lost") {
    // In a folder of its own: what happens in a shared one would be reported too.
    std::string folder = "/tmp/weir-test-XXXXXX";
    REQUIRE(::mkdtemp(folder.data()) != nullptr);
    static std::string watched;
    watched = folder + "/not_there";
    fail_everywhere<UvPoller>("watches", [](Scheduler& scheduler) -> Task<> {
        SignalWatch signals(scheduler, SIGUSR2);
        FileWatch file(scheduler, watched);
        ::raise(SIGUSR2);
        co_await signals.next();
    });
    CHECK(::rmdir(folder.c_str()) == 0);
}

TEST_CASE("without memory, datagrams are not sent or not received, and later are") {
    fail_everywhere<UvPoller>("datagrams", [](Scheduler& scheduler) -> Task<> {
        DatagramSocket one(scheduler, SocketAddress::of_number("127.0.0.1", 0).value());
        DatagramSocket two = DatagramSocket::connected(scheduler, one.address());
        co_await two.send("hello");
        co_await one.receive();
    });
}

namespace {

struct Calls {
    int called = 0;
    int without_memory = 0;
    Condition changed;

    Task<> call(TaskPool& pool) {
        auto function = [] { return 1; };
        try {
            const int one = co_await pool.run(std::move(function));
            called += one;
        } catch (const std::bad_alloc&) {
            ++without_memory;
        }
        changed.notify();
    }
    Task<bool> all(int count) {
        return changed.until([this, count] { return called + without_memory == count; });
    }
};

Task<> call_with_one_thread(Scheduler& scheduler) {
    TaskPool pool(scheduler, 1);
    Calls calls;
    Container container(scheduler);
    for (int i = 0; i != 4; ++i) {
        container.start(calls.call(pool));
    }
    Task<bool> ending = calls.all(4);
    co_await ending;
    CHECK(calls.without_memory <= 1);
    CHECK(pool.running() == 0);
    CHECK(pool.waiting() == 0);
}

}  // namespace

TEST_CASE("without memory, a function that waits for a thread runs, or its routine learns it") {
    fail_everywhere<UvPoller>("a pool", call_with_one_thread);
    fail_everywhere<Simulation>("a pool", call_with_one_thread);
}

TEST_CASE("without memory, a file has its old or its new content") {
    fail_everywhere<Simulation>("files", [](Scheduler&) -> Task<> {
        const std::string path = "/tmp/weir_allocations." + std::to_string(::getpid());
        co_await replace_file(path, "content");
        const std::string content = co_await read_file(path);
        if (content != "content") {
            throw std::logic_error("another content");
        }
        co_await remove_file(path);
    });
}

TEST_CASE("without memory, the tokens of a bucket are taken later") {
    fail_everywhere<Simulation>("a token bucket", [](Scheduler& scheduler) -> Task<> {
        TokenBucket bucket(scheduler, 10, 1);
        for (int i = 0; i != 4; ++i) {
            co_await bucket.take();
        }
        CHECK(bucket.waiting() == 0);
    });
}

TEST_CASE("without memory, a cron expression is refused and then understood") {
    fail_everywhere<Simulation>("a calendar", [](Scheduler& scheduler) -> Task<> {
        CalendarTimer timer(scheduler, Schedule::cron("*/5 * * * *", "Europe/Berlin"));
        co_await timer.next();
    });
}

}  // namespace weir
