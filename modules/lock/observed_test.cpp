// What is seen does not depend on who looks: the same random programs run with the queue tree
// compiled and literal, and with observers that come and go.

#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/observe/snapshot.h"
#include "core/run/event_handler.h"
#include "core/wait/send.h"
#include "modules/lock/test_world.h"

using namespace weir;
using namespace weir::lock_test;

namespace {

enum class Observer {
    nobody,
    at_random,  // comes and goes
    always,
};

SchedulerOptions with_tree(bool compiled) {
    SchedulerOptions options;
    options.queue = standard_root();
    options.queue.compiled = compiled;
    return options;
}

// A random program of locks, semaphores, timeouts, events of a module's own and closed routines,
// and what it has seen: who got what, and when.
class Program {
public:
    Program(std::uint64_t seed, bool compiled, Observer observer)
        : world_({}, with_tree(compiled), seed), random_(seed), observer_(observer), looks_(seed) {}

    const std::vector<std::string>& run() {
        if (observer_ == Observer::always) {
            world_.scheduler.set_tracer(&tracer_);
            listen();
        }
        for (int i = 0; i != 8; ++i) {
            routines_.push_back(world_.container.start(user(i)));
        }
        world_.container.start(administrate());
        for (int i = 0; i != 4; ++i) {
            world_.poller.happen(milliseconds(400), [this] {
                look();
                routines_[below(routines_.size())]->close();
            });
        }
        world_.scheduler.run();
        world_.scheduler.set_tracer(nullptr);
        seen("at the end " + std::to_string(LockTable::of(world_.scheduler).holding()));
        return seen_;
    }

private:
    static constexpr std::size_t keys = 3;

    std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
    Duration milliseconds(std::size_t most) { return std::chrono::milliseconds(below(most)); }

    void seen(std::string what) {
        const auto now = world_.poller.now().time_since_epoch();
        what += " at " + std::to_string(now.count());
        seen_.push_back(std::move(what));
        look();
    }

    void listen() {
        handler_.emplace(world_.scheduler);
        handler_->handle(match<LockCanWriteEvent>().make(), [](const Ref<Event>&) {});
    }

    // Draws from a source of its own: the program does the same with and without it.
    void look() {
        if (observer_ != Observer::at_random) {
            return;
        }
        switch (looks_() % 6) {
            case 0:
                world_.scheduler.set_tracer(world_.scheduler.traced() ? nullptr : &tracer_);
                break;
            case 1:
                snapshot(world_.scheduler);
                break;
            case 2:
                LockTable::of(world_.scheduler).list();
                break;
            case 3:
                if (handler_) {
                    handler_.reset();
                } else {
                    listen();
                }
                break;
            default:
                break;
        }
    }

    Task<> user(int number) {
        const std::string name = std::to_string(number);
        for (int i = 0; i != 6; ++i) {
            const std::size_t key = below(keys);
            const std::string of = name + " of " + std::to_string(key);
            if (below(8) == 0) {
                const std::string context("default");
                LockState* const nobody = nullptr;
                co_await send(make_event<LockEvent>(context, IndexValue(key), nobody));
                seen("passed " + of);
                continue;
            }
            Lock writing(world_.scheduler, key);
            ReadLock reading(world_.scheduler, key);
            Lock& lock = below(2) == 0 ? reading : writing;
            bool held = false;
            switch (below(3)) {
                case 0:
                    held = lock.try_lock();
                    break;
                case 1:
                    held = co_await lock.lock(milliseconds(60));
                    break;
                default:
                    held = co_await lock.lock();
                    break;
            }
            seen((held ? "got " : "not ") + of);
            if (below(3) == 0) {
                co_await do_events();
            } else {
                co_await sleep(milliseconds(20));
            }
            if (below(2) == 0) {
                lock.unlock();
                held = co_await lock.lock(milliseconds(30));
                seen((held ? "again " : "not again ") + of);
            }
        }
    }

    Task<> administrate() {
        Semaphore semaphore(world_.scheduler, IndexValue(std::size_t{0}), 2);
        for (int i = 0; i != 6; ++i) {
            co_await sleep(milliseconds(60));
            semaphore.create();
            co_await sleep(milliseconds(60));
            semaphore.resize(1 + below(3));
            seen("resized");
            co_await sleep(milliseconds(60));
            co_await semaphore.destroy();
        }
    }

    test::LockWorldOn<Simulation> world_;
    std::mt19937_64 random_;
    const Observer observer_;
    std::mt19937_64 looks_;
    Tracer tracer_;
    std::optional<EventHandler> handler_;
    std::vector<Ref<Routine>> routines_;
    std::vector<std::string> seen_;
};

}  // namespace

TEST_CASE("at random: locks are granted alike, whether the tree is compiled and who looks") {
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
        INFO("seed " << seed);
        Program plain(seed, true, Observer::nobody);
        const std::vector<std::string>& expected = plain.run();
        REQUIRE(expected.size() > 10);
        for (const bool compiled : {true, false}) {
            for (const Observer observer :
                 {Observer::nobody, Observer::at_random, Observer::always}) {
                INFO((compiled ? "compiled, observer " : "literal, observer ")
                     << static_cast<int>(observer));
                Program other(seed, compiled, observer);
                REQUIRE(other.run() == expected);
            }
        }
    }
}
