// The workloads of the benchmarks with Asio: its channels as locks and bells, its timers.

#include <chrono>
#include <deque>
#include <memory>
#include <random>
#include <unordered_map>

#include <asio.hpp>
#include <asio/experimental/channel.hpp>

#include "tests/benchmark/peers/peer_main.h"
#include "tests/support/benchmark.h"

namespace weir::benchmark {

namespace {

using asio::awaitable;
using asio::use_awaitable;

// A channel from one routine to another. As a lock it contains one item; the routine that has
// received the item holds the lock.
using Channel = asio::experimental::channel<void(asio::error_code, int)>;

void put(Channel& channel) {
    if (!channel.try_send(asio::error_code(), 0)) {
        std::fprintf(stderr, "a channel is full\n");
        std::exit(1);
    }
}

std::unique_ptr<Channel> make_lock(asio::io_context& loop) {
    auto lock = std::make_unique<Channel>(loop, 1);
    put(*lock);
    return lock;
}

awaitable<void> increment(asio::io_context& loop, Channel& lock, long& counter) {
    co_await lock.async_receive(use_awaitable);
    const long before = counter;
    co_await asio::post(loop, use_awaitable);
    counter = before + 1;
    put(lock);
}

// W1, W3: keys, routines for each
double many_on_each_key(const std::vector<long>& numbers) {
    const long keys = numbers[0];
    const long all = keys * numbers[1];
    std::vector<long> counters(static_cast<std::size_t>(keys));
    const double taken = time([&] {
        asio::io_context loop(1);
        std::unordered_map<long, std::unique_ptr<Channel>> locks;
        for (long i = 0; i != all; ++i) {
            auto& lock = locks[i % keys];
            if (lock == nullptr) {
                lock = make_lock(loop);
            }
            asio::co_spawn(loop,
                           increment(loop, *lock, counters[static_cast<std::size_t>(i % keys)]),
                           asio::detached);
        }
        loop.run();
    });
    for (const long counter : counters) {
        if (counter != numbers[1]) {
            std::fprintf(stderr, "lost an update\n");
            std::exit(1);
        }
    }
    return taken / static_cast<double>(all);
}

awaitable<void> lock_each(asio::io_context& loop, long keys) {
    std::unordered_map<std::string, std::unique_ptr<Channel>> locks;
    for (long n = 0; n != keys; ++n) {
        const std::string key = "key:" + std::to_string(n);
        const auto lock = locks.try_emplace(key, make_lock(loop)).first;
        co_await lock->second->async_receive(use_awaitable);
        put(*lock->second);
        locks.erase(lock);
    }
}

// W2: keys
double a_new_key_each(const std::vector<long>& numbers) {
    return time([&] {
               asio::io_context loop(1);
               asio::co_spawn(loop, lock_each(loop, numbers[0]), asio::detached);
               loop.run();
           }) /
           static_cast<double>(numbers[0]);
}

awaitable<void> answer(Channel& mine, Channel& other, long count) {
    for (long i = 0; i != count; ++i) {
        co_await mine.async_receive(use_awaitable);
        put(other);
    }
}

// W4: hops
double wake_each_other(const std::vector<long>& numbers) {
    return time([&] {
               asio::io_context loop(1);
               Channel first(loop, 1);
               Channel second(loop, 1);
               asio::co_spawn(loop, answer(first, second, numbers[0] / 2), asio::detached);
               asio::co_spawn(loop, answer(second, first, numbers[0] / 2), asio::detached);
               put(first);
               loop.run();
           }) /
           static_cast<double>(numbers[0]);
}

awaitable<void> count_knocks(Channel& door, long& counted) {
    for (;;) {
        co_await door.async_receive(use_awaitable);
        ++counted;
    }
}

// W5: routines, knocks
double one_of_many(const std::vector<long>& numbers) {
    const auto routines = static_cast<std::size_t>(numbers[0]);
    long counted = 0;
    std::unordered_map<long, std::unique_ptr<Channel>> doors;
    asio::io_context loop(1);
    for (long i = 0; i != numbers[0]; ++i) {
        auto& door = doors[i] = std::make_unique<Channel>(loop, 16);
        asio::co_spawn(loop, count_knocks(*door, counted), asio::detached);
    }
    loop.poll();
    std::mt19937_64 random(7);
    const double taken = time([&] {
        for (long i = 0; i != numbers[1]; ++i) {
            put(*doors.find(static_cast<long>(random() % routines))->second);
            if (i % 16 == 15) {
                loop.restart();
                loop.poll();
            }
        }
        loop.restart();
        loop.poll();
    });
    if (counted != numbers[1]) {
        std::fprintf(stderr, "%ld of %ld events arrived\n", counted, numbers[1]);
        std::exit(1);
    }
    return taken / static_cast<double>(numbers[1]);
}

class AsioTimers {
public:
    explicit AsioTimers(long count) {
        for (long i = 0; i != count; ++i) {
            timers_.emplace_back(loop_);
        }
    }

    double start(std::chrono::nanoseconds most) {
        std::mt19937_64 random(3);
        return time([&] {
            for (asio::steady_timer& timer : timers_) {
                timer.expires_after(
                    std::chrono::nanoseconds(random() % static_cast<std::uint64_t>(most.count())));
                timer.async_wait([](const asio::error_code&) {});
            }
        });
    }
    double stop() {
        return time([&] {
            for (asio::steady_timer& timer : timers_) {
                timer.cancel();
            }
            loop_.poll();
        });
    }
    // When all are due.
    double fire() {
        const auto begin = std::chrono::steady_clock::now();
        while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(20)) {
        }
        return time([&] { loop_.run(); });
    }

private:
    asio::io_context loop_{1};
    std::deque<asio::steady_timer> timers_;
};

double start(const std::vector<long>& numbers) {
    return AsioTimers(numbers[0]).start(std::chrono::hours(1)) / static_cast<double>(numbers[0]);
}

double stop(const std::vector<long>& numbers) {
    AsioTimers timers(numbers[0]);
    timers.start(std::chrono::hours(1));
    return timers.stop() / static_cast<double>(numbers[0]);
}

double fire(const std::vector<long>& numbers) {
    AsioTimers timers(numbers[0]);
    timers.start(std::chrono::milliseconds(10));
    return timers.fire() / static_cast<double>(numbers[0]);
}

}  // namespace

}  // namespace weir::benchmark

int main(int argc, char** argv) {
    using namespace weir::benchmark;
    return peer_main(argc, argv,
                     {{"W1", many_on_each_key},
                      {"W2", a_new_key_each},
                      {"W3", many_on_each_key},
                      {"W4", wake_each_other},
                      {"W5", one_of_many},
                      {"W7-start", start},
                      {"W7-stop", stop},
                      {"W7-fire", fire}});
}
