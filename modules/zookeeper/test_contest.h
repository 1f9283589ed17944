#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/wait/execute_all.h"
#include "modules/zookeeper/remote_locks.h"
#include "modules/zookeeper/test_faults.h"
#include "modules/zookeeper/test_world.h"

namespace weir::zookeeper {

// A process that takes remote locks.
struct Contender {
    Contender(FakeWorld& world, SessionOptions options)
        : session(world.scheduler, std::move(options)), locks(session) {}

    Session session;
    RemoteLocks locks;
    BootTime last_read{};         // that was answered, if somebody reads
    std::int64_t last_token = 0;  // that it has counted itself
};

// A lock that a contender was granted.
struct Claim {
    const RemoteLock& lock;
    Contender& contender;
    const std::int64_t session = contender.session.id();  // in which it was granted
};

// What contenders make of a lock: rightly, or wrong on purpose.
struct Belief {
    // Whether the contender believes that it holds the lock.
    std::function<bool(const Claim&)> holds = [](const Claim& claim) {
        return static_cast<bool>(claim.lock);
    };
    // How long it wants to hold the lock at most.
    Duration longest_hold = std::chrono::seconds(2);
    // Which token it shows for the grant.
    std::function<std::int64_t(const Claim&)> token = [](const Claim& claim) {
        return claim.lock.token();
    };
};

// What a lock guards, or slots do: sees what no client can see, and counts what must not be.
class Contested {
public:
    Contested(std::size_t slots, Belief belief) : slots_(slots), belief_(std::move(belief)) {}

    void granted(const Claim& claim) {
        ++grants_;
        claims_.push_back(&claim);
        if (slots_ == 1) {
            const std::int64_t token = belief_.token(claim);
            violations_ += token > last_token_ ? 0U : 1U;
            last_token_ = std::max(last_token_, token);
        }
        check();
    }
    void released(const Claim& claim) { std::erase(claims_, &claim); }
    bool is_believed(const Claim& claim) const { return belief_.holds(claim); }
    // To be called whenever a client looks whether it still holds the lock.
    void check() {
        const auto believe = std::ranges::count_if(
            claims_, [this](const Claim* claim) { return belief_.holds(*claim); });
        violations_ += static_cast<std::size_t>(believe) <= slots_ ? 0U : 1U;
    }
    std::size_t slots() const noexcept { return slots_; }
    Duration longest_hold() const noexcept { return belief_.longest_hold; }
    std::size_t grants() const noexcept { return grants_; }
    std::size_t violations() const noexcept { return violations_; }

private:
    const std::size_t slots_;
    const Belief belief_;
    std::vector<const Claim*> claims_;
    std::int64_t last_token_ = 0;
    std::size_t grants_ = 0;
    std::size_t violations_ = 0;
};

inline Task<> contend(Contender& contender, Contested& contested) {
    constexpr int rounds = 6;
    Scheduler& scheduler = contender.session.scheduler();
    for (int round = 0; round != rounds; ++round) {
        const Time deadline = random_below(scheduler, 4) == 0
                                  ? scheduler.now() + random_time(scheduler, 3s)
                                  : no_deadline;
        const RemoteLock lock =
            co_await contender.locks.slot("/locks/a", contested.slots(), deadline);
        if (lock) {
            const Claim claim{lock, contender};
            contested.granted(claim);
            const Time until = scheduler.now() + random_time(scheduler, contested.longest_hold());
            while (contested.is_believed(claim) && scheduler.now() < until) {
                co_await sleep(random_time(scheduler, 300ms));
                contested.check();
            }
            contested.released(claim);
        }
        co_await sleep(random_time(scheduler, 200ms));
    }
}

// Lets all contend, two routines of each, while faults happen.
inline Task<> contend_under_faults(FakeWorld& world,
                                   std::vector<std::unique_ptr<Contender>>& contenders,
                                   Contested& contested) {
    bool over = false;
    const Ref<Routine> faults = world.container.start(cause_faults(world, over));
    std::vector<Task<>> users;
    for (const auto& contender : contenders) {
        users.push_back(contend(*contender, contested));
        users.push_back(contend(*contender, contested));
    }
    co_await execute_all(world.container, std::move(users));
    over = true;
    while (!faults->ended()) {
        co_await sleep(100ms);
    }
    // Once there is a majority again, the lock is granted soon.
    const RemoteLock last =
        co_await contenders[0]->locks.slot("/locks/a", contested.slots(), world.in(1min));
    CHECK(last);
    for (const auto& contender : contenders) {
        co_await contender->locks.all_left();
    }
    co_await sleep(10s);  // sessions that were lost in the faults have expired
    CHECK(world.ensemble.tree().find("/locks/a")->children.size() == 1);
    CHECK(world.ensemble.agrees());
}

inline FakeOptions options_of_seed(std::uint64_t seed) {
    FakeOptions options;
    options.streams = {.most_at_once = 1 + seed % 50, .most_delay = 2ms};
    return options;
}

}  // namespace weir::zookeeper
