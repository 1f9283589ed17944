#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/glob.h"
#include "core/base/list.h"
#include "core/base/ref.h"
#include "core/event/event.h"
#include "core/run/task.h"

namespace weir {

class Scheduler;

}  // namespace weir

namespace weir::limit {

// What each key may do. 0: any number.
struct KeyRules {
    double per_second = 0;    // tokens that its bucket gets
    double burst = 0;         // tokens that its bucket holds; of no meaning without a rate
    std::size_t at_once = 0;  // tickets at a time
};

struct LimitRules {
    KeyRules keys;
    // Keys with rules of their own; the first pattern that fits counts.
    std::vector<std::pair<Glob, KeyRules>> exceptions = {};
    std::size_t in_all = 0;     // tickets at a time, of all keys; 0: any number
    std::size_t waiting = 100;  // waiters of one key
    std::size_t waiting_in_all = 1000;
    std::size_t max_keys = 10'000;
    Duration wait{};  // how long callers wait if they do not say
};

// Thrown when a ticket cannot be had, and waiting for it is not possible or did not help.
class LimitReached : public std::runtime_error {
public:
    LimitReached(const std::string& what, std::optional<Duration> retry_after)
        : std::runtime_error(what), retry_after_(retry_after) {}
    ~LimitReached() override;

    // When tokens for it will be there; nothing: that is not known.
    std::optional<Duration> retry_after() const noexcept { return retry_after_; }

private:
    std::optional<Duration> retry_after_;
};

class Ticket;

// Limits how often, and how often at a time, something is done: for each key, such as a user or an
// address, and for all keys together. Who does it has a ticket as long as it does it.
//
// Tickets with a higher priority go first. Among those of one priority keys take turns, so that a
// key with many waiters delays no other one; those of one key pass in FIFO order, and one that
// waits for tokens of its bucket delays only its own key. A key that was idle until its bucket is
// full is forgotten when further keys come, so that memory is bounded. Belongs to the scheduler's
// thread; tickets keep it alive.
class Limit : public RefCounted<Limit> {
public:
    static constexpr int priorities = 10;  // 0 to 9; 9 goes first

    Limit(Scheduler& scheduler, std::string name, LimitRules rules);
    Limit(const Limit&) = delete;
    Limit& operator=(const Limit&) = delete;
    ~Limit();

    const std::string& name() const noexcept { return name_; }
    const LimitRules& rules() const noexcept { return rules_; }
    Scheduler& scheduler() const noexcept { return scheduler_; }
    // Changes the rules, also for those that wait. Tickets that are out stay so.
    void change(LimitRules rules);
    // Whether tickets have to be given back: otherwise only their rate is limited.
    bool counts_tickets() const noexcept;

    // Returns a ticket, when it is granted. Waits at most so long; nothing: as the rules say.
    // Throws LimitReached when that time is over, at once if no one more may wait, and
    // std::invalid_argument for tokens that the bucket of the key never holds.
    static Task<std::unique_ptr<Ticket>> take(Ref<Limit> limit, std::string key,
                                              std::uint32_t tokens = 1, int priority = 5,
                                              std::optional<Duration> wait = {});

    std::size_t keys() const noexcept { return keys_.size(); }
    std::size_t in_use() const noexcept { return in_use_; }
    std::size_t waiting() const noexcept { return waiting_; }
    std::uint64_t taken() const noexcept { return taken_; }
    std::uint64_t refused() const noexcept { return refused_; }

    struct KeyState {
        std::string_view key;
        std::size_t in_use;
        std::size_t waiting;
        std::optional<double> tokens;  // nothing: its rate is not limited
    };
    // Calls the function for each key that is known, until it returns false.
    void each_key(const std::function<bool(const KeyState&)>& function);

private:
    friend class Ticket;
    struct Key;
    using IdleKeys = std::multimap<Time, Key*>;

    Key& find(const std::string& name);
    KeyRules rules_for(std::string_view key) const noexcept;
    void forget_idle() noexcept;
    void refill(Key& key) const noexcept;
    bool has_tokens(Key& key, double tokens) const noexcept;
    bool may_pass(Key& key) const noexcept;
    Duration time_until_tokens(Key& key, double tokens) const noexcept;
    void enter(Ticket& ticket);
    void leave(Ticket& ticket) noexcept;
    void place(Key& key) noexcept;
    void set_idle(Key& key, bool idle) noexcept;
    void renew(Key& key) noexcept;
    void look(Key& key) noexcept;
    void grant(Key& key) noexcept;
    void serve() noexcept;
    LimitReached refusal(const std::string& why, std::optional<Duration> retry_after);

    Scheduler& scheduler_;
    const std::string name_;
    LimitRules rules_;
    std::unordered_map<std::string, std::unique_ptr<Key>> keys_;
    // Keys whose first waiter only needs that one of `in_all` is free, by its priority.
    std::array<List<Key>, priorities> ready_;
    // Keys that no ticket refers to, by when their buckets are full and they may be forgotten.
    IdleKeys idle_;
    std::size_t in_use_ = 0;
    std::size_t waiting_ = 0;
    std::uint64_t taken_ = 0;
    std::uint64_t refused_ = 0;
};

// The right to do something, which ends when this is destroyed.
class Ticket : public Link<Ticket> {
public:
    ~Ticket();
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;

private:
    friend class Limit;
    Ticket(Ref<Limit> limit, std::string key, double tokens, int priority);

    void wake() noexcept;
    Task<> wait(Duration most);

    const Ref<Limit> limit_;
    Limit::Key& key_;
    const double tokens_;
    const int priority_;
    const Ref<Event> turn_;  // made with the ticket, so that waking it needs no memory
    bool granted_ = false;
};

}  // namespace weir::limit
