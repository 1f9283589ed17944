// The queue tree alone (W8): events of 20 types through the queues of a server, and a full queue
// with very many waiting senders.

#include <array>
#include <bit>
#include <cstdint>
#include <deque>
#include <typeindex>
#include <unordered_map>
#include <utility>

#include "core/event/event.h"
#include "core/program/standard_queues.h"
#include "core/queue/fair_queue.h"
#include "core/run/container.h"
#include "core/simulation/simulation.h"
#include "core/wait/send.h"
#include "tests/support/bare_coroutine.h"
#include "tests/support/benchmark.h"

namespace weir {

namespace {

using benchmark::Bare;
using benchmark::ReadyRing;

constexpr std::size_t types = 20;
constexpr std::size_t own_queues = 8;  // of the first types; the others share the default queue

template <std::size_t N>
struct Mixed : Event {
    Index<long> number;

    static auto declare() {
        return declare_event<Mixed>("benchmark.Mixed" + std::to_string(N))
            .index("number", &Mixed::number);
    }
};

template <std::size_t... N>
std::vector<Ref<Event>> make_events(long count, std::index_sequence<N...>) {
    using Make = Ref<Event> (*)(long);
    constexpr std::array<Make, sizeof...(N)> make = {
        [](long number) { return Ref<Event>(make_event<Mixed<N>>(number)); }...};
    std::vector<Ref<Event>> events;
    for (long i = 0; i != count; ++i) {
        events.push_back(make[static_cast<std::size_t>(i) % sizeof...(N)](i % 64));
    }
    return events;
}

// With the standard queues these are 20 queues; half of the new ones are fair by number.
template <std::size_t... N>
void add_own_queues(Queue& root, std::index_sequence<N...>) {
    const LeafQueueFactory fair = FairQueue::factory({.key = EventKey::named("number")});
    (root.add("own" + std::to_string(N), static_cast<int>(100 * N), match<Mixed<N>>().make(),
              {.kind = N % 2 == 0 ? fair : LeafQueueFactory()}),
     ...);
}

// Appends all events, takes all out, and so on, until so many have passed.
double through(long events, long at_a_time) {
    const Ref<Queue> root(new Queue(standard_root()));
    add_standard_queues(*root);
    add_own_queues(*root, std::make_index_sequence<own_queues>());
    std::vector<Ref<Event>> all = make_events(at_a_time, std::make_index_sequence<types>());
    QueueSignals signals;
    return benchmark::time([&] {
        for (long done = 0; done != events; done += at_a_time) {
            for (const Ref<Event>& event : all) {
                root->append(*event);
            }
            long out = 0;
            for (; root->can_pop(); ++out) {
                root->pop(signals);
            }
            if (out != at_a_time) {
                std::fprintf(stderr, "%ld of %ld events came out\n", out, at_a_time);
                std::exit(1);
            }
        }
    });
}

// A ring for each queue, found by the event's type, and a bit for each queue that is not empty.
struct BareEvent {
    std::type_index type;
    long number;
};

template <std::size_t... N>
double through_bare(long events, long at_a_time, std::index_sequence<N...>) {
    const std::array<std::type_index, sizeof...(N)> ids = {typeid(Mixed<N>)...};
    std::unordered_map<std::type_index, std::size_t> queue_of;
    for (std::size_t n = 0; n != own_queues; ++n) {
        queue_of.emplace(ids[n], n + 1);
    }
    std::array<std::deque<BareEvent*>, own_queues + 1> queues;
    std::vector<BareEvent> all;
    for (long i = 0; i != at_a_time; ++i) {
        all.push_back({ids[static_cast<std::size_t>(i) % sizeof...(N)], i % 64});
    }
    std::uint32_t filled = 0;
    long sum = 0;
    const double taken = benchmark::time([&] {
        for (long done = 0; done != events; done += at_a_time) {
            for (BareEvent& event : all) {
                const auto found = queue_of.find(event.type);
                const std::size_t queue = found == queue_of.end() ? 0 : found->second;
                queues[queue].push_back(&event);
                filled |= 1U << queue;
            }
            while (filled != 0) {
                const auto queue = static_cast<std::size_t>(std::bit_width(filled) - 1);
                sum += queues[queue].front()->number;
                queues[queue].pop_front();
                if (queues[queue].empty()) {
                    filled &= ~(1U << queue);
                }
            }
        }
    });
    return sum < 0 ? -1 : taken;
}

// --- Very many queues

// Makes so many subqueues, each for a number of its own; appends all events, then pops all, so many
// times.
double through_own(long queues, long times) {
    const Ref<Queue> root(new Queue(standard_root()));
    std::vector<Ref<Event>> all;
    for (long i = 0; i != queues; ++i) {
        root->add("", 0, match<Mixed<0>>(i).make());
        all.emplace_back(make_event<Mixed<0>>(i));
    }
    QueueSignals signals;
    long out = 0;
    const double taken = benchmark::time([&] {
        for (long i = 0; i != times; ++i) {
            for (const Ref<Event>& event : all) {
                root->append(*event);
            }
            for (; root->can_pop(); ++out) {
                root->pop(signals);
            }
        }
    });
    return out == queues * times ? taken : -1;
}

// Queues by number, and a ring of those that are not empty.
double through_own_bare(long queues, long times) {
    std::unordered_map<long, std::deque<BareEvent*>> queue_of;
    std::deque<std::deque<BareEvent*>*> filled;
    std::vector<BareEvent> all;
    for (long i = 0; i != queues; ++i) {
        queue_of.try_emplace(i);
        all.push_back({typeid(Mixed<0>), i});
    }
    long sum = 0;
    const double taken = benchmark::time([&] {
        for (long i = 0; i != times; ++i) {
            for (BareEvent& event : all) {
                auto& queue = queue_of.find(event.number)->second;
                if (queue.empty()) {
                    filled.push_back(&queue);
                }
                queue.push_back(&event);
            }
            for (; !filled.empty(); filled.pop_front()) {
                sum += filled.front()->front()->number;
                filled.front()->pop_front();
            }
        }
    });
    return sum < 0 ? -1 : taken;
}

// --- A full queue

Task<> send_one(long number) {
    Ref<Event> event = make_event<Mixed<0>>(number);
    co_await send(std::move(event));
}

// So many times.
void drain(long senders, long times) {
    Simulation simulation;
    Scheduler scheduler(simulation, {.queue = standard_root()});
    add_standard_queues(scheduler.queue());
    const Ref<Queue> narrow =
        scheduler.queue().add("narrow", 100, match<Mixed<0>>().make(), {.max_default = 1});
    Container container(scheduler);
    for (long done = 0; done != times; ++done) {
        for (long i = 0; i != senders; ++i) {
            container.start(send_one(i));
        }
        scheduler.run();
    }
    if (narrow->popped() + narrow->size() != static_cast<std::uint64_t>(senders * times)) {
        std::fprintf(stderr, "an event was lost\n");
        std::exit(1);
    }
}

// A queue for one event, with a ring of waiting senders.
class BarePlace {
public:
    explicit BarePlace(ReadyRing& ring) noexcept : ring_(ring) {}

    bool await_ready() const noexcept { return !taken_; }
    void await_suspend(std::coroutine_handle<> coroutine) { waiting_.push_back(coroutine); }
    void await_resume() noexcept { taken_ = true; }

    bool pop() {
        if (!std::exchange(taken_, false)) {
            return false;
        }
        if (!waiting_.empty()) {
            ring_.push(waiting_.front());
            waiting_.pop_front();
        }
        return true;
    }

private:
    ReadyRing& ring_;
    bool taken_ = false;
    std::deque<std::coroutine_handle<>> waiting_;
};

Bare send_one_bare(BarePlace& place) {
    co_await place;
}

void drain_bare(long senders, long times) {
    ReadyRing ring;
    BarePlace place(ring);
    long popped = 0;
    for (long done = 0; done != times; ++done) {
        for (long i = 0; i != senders; ++i) {
            send_one_bare(place);
        }
        for (; place.pop(); ++popped) {
            ring.run();
        }
    }
    if (popped != senders * times) {
        std::fprintf(stderr, "an event was lost\n");
        std::exit(1);
    }
}

void sweep(const benchmark::Options& options) {
    using benchmark::Kind;
    // Returns the time of one event or sender at this size, from enough repetitions.
    const auto each = [](auto run) {
        return [=](long size) {
            const long times = std::max(1L, 20'000 / size);
            return run(size, times) / static_cast<double>(size * times);
        };
    };
    benchmark::sweep(
        options, "W8 an event through 20 queues, by events at a time", 1'000'000,
        {{"weir", each([](long size, long times) { return through(size * times, size); })},
         {"baseline", each([](long size, long times) {
              return through_bare(size * times, size, std::make_index_sequence<types>());
          }),
          Kind::baseline}});
    benchmark::sweep(
        options, "W8 an event through its queue, by queues", 1'000'000,
        {{"weir", each(through_own)}, {"baseline", each(through_own_bare), Kind::baseline}});
    const auto drained = [](void (*drain_them)(long, long)) {
        return [=](long senders, long times) {
            return benchmark::time([&] { drain_them(senders, times); });
        };
    };
    benchmark::sweep(
        options, "W8 a full queue, by senders that wait", 1'000'000,
        {{"weir", each(drained(drain))}, {"baseline", each(drained(drain_bare)), Kind::baseline}});
}

}  // namespace

}  // namespace weir

int main(int argc, char** argv) {
    using namespace weir;
    const auto options = benchmark::options(argc, argv);
    const auto compare_through = [&](const char* name, long events, long at_a_time) {
        benchmark::compare(
            options, name, static_cast<double>(events),
            {{"weir", [=] { return through(events, at_a_time); }},
             {"baseline",
              [=] { return through_bare(events, at_a_time, std::make_index_sequence<types>()); },
              benchmark::Kind::baseline}});
    };
    const long events = options.quick ? 100'000 : 1'000'000;
    compare_through("W8 20 queues, 100 events at a time", events, 100);
    compare_through("W8 20 queues, 10,000 events at a time", events, 10'000);
    if (!options.quick) {
        compare_through("W8 20 queues, 1,000,000 events at a time", events, 1'000'000);
    }
    benchmark::compare(options, "W8 a full queue, 10,000 senders wait", 10'000,
                       {{"weir", [] { return benchmark::time([] { drain(10'000, 1); }); }},
                        {"baseline", [] { return benchmark::time([] { drain_bare(10'000, 1); }); },
                         benchmark::Kind::baseline}});
    sweep(options);
}
