#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <new>
#include <string>

#include <catch2/catch.hpp>

#include "core/event/blocked_events.h"
#include "core/event/match_tree.h"
#include "core/queue/fair_queue.h"
#include "core/queue/fifo_queue.h"
#include "core/queue/priority_queue.h"
#include "core/run/span_buffer.h"
#include "core/run/timer.h"
#include "core/run/uv_poller.h"
#include "core/stream/stream_error.h"
#include "core/system/file_stream.h"
#include "tests/support/queue_events.h"
#include "tests/support/world_on.h"

// Failure is injected: the first allocation fails, then the second, until all is done. What failed
// must have changed nothing. Blocks that the pool has at hand do not fail; under the address
// sanitizer it has none.

namespace {

thread_local std::size_t allocations_until_failure = 0;  // 0: none fails

}  // namespace

// Not inlined, or the compiler takes what it sees of one of them for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t size) {
    if (allocations_until_failure != 0 && --allocations_until_failure == 0) {
        throw std::bad_alloc();
    }
    if (void* memory = std::malloc(size != 0 ? size : 1)) {
        return memory;
    }
    throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return std::malloc(size != 0 ? size : 1);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

namespace weir {

namespace {

using namespace queue_test;

// Calls the function until no allocation in it fails any more, and `unchanged` after each failure.
template <class F, class Check>
void fail_each_allocation(F function, Check unchanged) {
    for (std::size_t nth = 1;; ++nth) {
        REQUIRE(nth < 1000);
        allocations_until_failure = nth;
        bool failed = false;
        try {
            function();
        } catch (const std::bad_alloc&) {
            failed = true;
        }
        allocations_until_failure = 0;
        if (!failed) {
            return;
        }
        unchanged();
    }
}

struct Object : Matchable {};

// Reads a file to its end, while the nth allocation fails.
Task<> read_without_memory(std::string path, std::size_t nth, std::string& outcome) {
    allocations_until_failure = nth;
    try {
        const ByteStream::Owner stream =
            co_await open_file_stream(path, FileAccess::read, 0644, {.buffer_size = 4096});
        std::size_t size = 0;
        for (std::size_t read = 1; read != 0; size += read) {
            read = (co_await stream->read_some()).size();
        }
        outcome = std::to_string(size);
    } catch (const std::bad_alloc&) {
        outcome = "no memory";
    } catch (const StreamError&) {
        outcome = "no memory";
    }
    allocations_until_failure = 0;
}

}  // namespace

TEST_CASE("a match tree without memory for a matcher stays as it was", "[allocation_failure]") {
    MatchTree tree;
    Object object;
    for (int i = 0; i != 20; ++i) {
        MatchTree::Entry entry(object, match<Job>("kind", i).make());
        fail_each_allocation([&] { tree.insert(entry); }, [&] { CHECK(tree.empty()); });
        CHECK(tree.match_first(*job("kind", i, 1)) == &entry);
    }
    CHECK(tree.empty());
}

TEST_CASE("an event tree without memory for an event stays as it was, and splits no node",
          "[allocation_failure]") {
    BlockedEvents tree;
    for (std::size_t i = 0; i != 40; ++i) {
        const auto event = job(i % 2 == 0 ? "a" : "b", static_cast<int>(i % 7), 1);
        fail_each_allocation([&] { tree.insert(*event); }, [&] { CHECK(tree.size() == i); });
    }
    std::vector<Ref<Event>> taken;
    const auto matcher = match<Job>("a").make();
    fail_each_allocation([&] { tree.take(matcher, taken); },
                         [&] {
                             CHECK(taken.empty());
                             CHECK(tree.size() == 40);
                         });
    CHECK(taken.size() == 20);
    tree.take(match<Job>().make(), taken);
    CHECK(taken.size() == 40);
    CHECK(tree.size() == 0);
}

TEST_CASE("a queue without memory for an event stays as it was", "[allocation_failure]") {
    const LeafQueueFactory kinds[] = {FifoQueue::factory(), PriorityQueue::factory(),
                                      FairQueue::factory({.key = EventKey::named("number")})};
    for (const auto& kind : kinds) {
        const auto root = make_root();
        const auto a = root->add("a", 1, match<Job>("a").make(), {.max_total = 30, .kind = kind});
        for (int i = 0; i != 40; ++i) {
            const auto event = job("a", i, i, i);
            bool place = false;
            fail_each_allocation(
                [&] { place = append(*root, event); },
                [&] {
                    CHECK_FALSE(event->queued());
                    CHECK(root->size() == static_cast<std::size_t>(std::min(i, 30)));
                    CHECK(root->can_pop() == (i != 0));
                });
            CHECK(place == (i < 30));
        }
        CHECK(pop_all(*root).size() == 30);
    }
}

TEST_CASE("a queue without memory for a subqueue stays as it was", "[allocation_failure]") {
    const auto root = make_root();
    for (std::size_t i = 0; i != 10; ++i) {
        const std::string name = "a queue with a long name, the " + std::to_string(i);
        const auto matcher = match<Job>("a", static_cast<int>(i)).make();
        Ref<Queue> added;
        fail_each_allocation([&] { added = root->add(name, static_cast<int>(i), matcher); },
                             [&] {
                                 CHECK(root->subqueues().size() == i);
                                 CHECK(root->find(name) == nullptr);
                             });
        fail_each_allocation([&] { root->set_priority(*added, 100 - static_cast<int>(i)); },
                             [&] { CHECK(added->priority() == static_cast<int>(i)); });
        append(*root, job("a", static_cast<int>(i), static_cast<int>(i)));
        CHECK(added->size() == 1);
    }
    CHECK(pop_all(*root) == std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("a queue that has made room at a priority moves subqueues there without memory",
          "[allocation_failure]") {
    for (std::size_t there_before = 0; there_before != 6; ++there_before) {
        const auto root = make_root();
        for (std::size_t i = 0; i != there_before; ++i) {
            root->add({}, 7, match<Job>("b", static_cast<int>(i)).make());
        }
        std::vector<Ref<Queue>> moved;
        for (int i = 0; i != 9; ++i) {
            moved.push_back(root->add({}, 1, match<Job>("a", i).make()));
            append(*root, job("a", i, i));
        }
        fail_each_allocation([&] { root->make_room(7, moved.size()); },
                             [&] { CHECK(moved.front()->priority() == 1); });
        bool asked_for_memory = false;
        for (const auto& queue : moved) {
            fail_each_allocation([&] { root->set_priority(*queue, 7); },
                                 [&] { asked_for_memory = true; });
            CHECK(queue->priority() == 7);
        }
        CHECK_FALSE(asked_for_memory);
        CHECK(pop_all(*root).size() == moved.size());
    }
}

TEST_CASE("a heap without memory for a timer stays as it was", "[allocation_failure]") {
    TimerHeap heap;
    for (std::size_t i = 0; i != 100; ++i) {
        const Ref<TimerState> timer(new TimerState(Duration::zero()));
        fail_each_allocation(
            [&] { heap.set(*timer, Time(Duration(static_cast<int>(i * 37 % 100)))); },
            [&] {
                CHECK_FALSE(timer->active());
                CHECK(heap.size() == i);
            });
    }
    CHECK(heap.size() == 100);
}

TEST_CASE("a routine without memory for its trace keeps its name, and works for none",
          "[allocation_failure]") {
    const pool::Bypass bypass;
    test::WorldOn<UvPoller> world;
    const RoutineName name("a name of more than fifteen bytes");
    const Ref<Routine> routine =
        world.container.start([]() -> Task<> { co_return; }(), {.name = name});
    const Ref<TraceContext> context(new TraceContext({.trace_low = 1, .span = 2}, 0, "", {}));
    int failures = 0;
    fail_each_allocation(
        [&] {
            routine->set_trace_context(context);
            if (routine->trace_context() == nullptr) {
                throw std::bad_alloc();
            }
        },
        [&] {
            ++failures;
            CHECK(routine->name() == "a name of more than fifteen bytes");
        });
    CHECK(failures == 2);
    CHECK(routine->name() == "a name of more than fifteen bytes");
}

TEST_CASE("index values, events and matchers without memory throw, and leak nothing",
          "[allocation_failure]") {
    const std::string text(100, 'x');
    const auto nothing = [] {};
    fail_each_allocation([&] { IndexValue(std::pair(text, text)); }, nothing);
    fail_each_allocation([&] { make_event<Job>(text, 1); }, nothing);
    fail_each_allocation(
        [&] {
            const auto matcher =
                match<Job>(text).where([text](const Job& j) { return j.kind == text; }).make();
            CHECK(matcher.path().size() == 2);
        },
        nothing);
}

TEST_CASE(
    "an event that is withdrawn without memory for a signal is out, and a later one gives that",
    "[allocation_failure]") {
    const LeafQueueFactory kinds[] = {FifoQueue::factory(), PriorityQueue::factory(),
                                      FairQueue::factory({.key = EventKey::named("number")})};
    for (const auto& kind : kinds) {
        for (std::size_t nth = 1; nth != 5; ++nth) {
            CAPTURE(nth);
            const auto root = make_root({.max_default = 2, .kind = kind});
            const auto first = job("a", 1, 1, 1);
            CHECK(append(*root, first));
            CHECK(append(*root, job("a", 2, 2, 2)));
            CHECK_FALSE(append(*root, job("a", 3, 3, 3)));
            QueueSignals signals;
            allocations_until_failure = nth;
            try {
                Queue::withdraw(*first, signals);
            } catch (const std::bad_alloc&) {
                CHECK(signals.can_write.empty());
            }
            allocations_until_failure = 0;
            CHECK_FALSE(first->queued());
            CHECK(first->sole());
            CHECK(root->size() == 1);
            CHECK(root->pop(signals) != nullptr);
            CHECK_FALSE(signals.can_write.empty());
        }
    }
}

TEST_CASE("a file stream without memory fails where it is read, and does not stand still",
          "[allocation_failure]") {
    std::string path = std::filesystem::temp_directory_path().string() + "/weir_memory.XXXXXX";
    REQUIRE(::mkdtemp(path.data()) != nullptr);
    const std::string folder = path;
    path += "/file";
    std::ofstream(path, std::ios::binary) << std::string(20'000, 'x');
    std::string outcome;
    for (std::size_t nth = 1; outcome != "20000"; ++nth) {
        CAPTURE(nth);
        REQUIRE(nth < 1000);
        outcome = "";
        test::WorldOn<UvPoller> world;
        world.container.start(read_without_memory(path, nth, outcome));
        for (bool ended = false; !ended;) {
            try {
                world.scheduler.run();
                ended = true;
            } catch (const std::bad_alloc&) {
                // The scheduler may run again.
            }
        }
        allocations_until_failure = 0;
        CHECK((outcome == "20000" || outcome == "no memory"));
    }
    std::filesystem::remove_all(folder);
}

}  // namespace weir
