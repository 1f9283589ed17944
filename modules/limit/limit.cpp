#include "modules/limit/limit.h"

#include <algorithm>
#include <cassert>
#include <chrono>

#include "config/settings/duration.h"
#include "config/text/quoted.h"
#include "core/event/matcher.h"
#include "core/run/scheduler.h"
#include "core/wait/timeout.h"

namespace weir::limit {

namespace {

// Sums of fractions are not exact: a waiter must not wait again for what is missing by that.
constexpr double rounding = 1e-6;
constexpr Duration longest_wait = std::chrono::hours(24 * 365);

// Sent to a waiter that has its ticket, or whose tokens come at another time than it knew.
struct TicketTurn : Event {
    Index<const void*> ticket;

    static auto declare() {
        return declare_event<TicketTurn>("limit.TicketTurn").index("ticket", &TicketTurn::ticket);
    }
};

std::string quoted(const std::string& key) {
    return "'" + config::printable(key) + "'";
}

std::string rounded_text(Duration time) {
    return config::duration_text(std::chrono::ceil<std::chrono::milliseconds>(time));
}

}  // namespace

LimitReached::~LimitReached() = default;

struct Limit::Key : Link<Key> {
    std::string name;
    KeyRules rules;
    double tokens = 0;
    Time filled;
    std::size_t in_use = 0;
    List<Ticket> waiting;  // the highest priority first, FIFO among equals
    std::size_t waiting_count = 0;
    // Its entry of idle_, kept while it is in use, so that it needs no memory to become idle again.
    IdleKeys::iterator idle;
    IdleKeys::node_type in_use_node;
};

Limit::Limit(Scheduler& scheduler, std::string name, LimitRules rules)
    : scheduler_(scheduler), name_(std::move(name)), rules_(std::move(rules)) {}

Limit::~Limit() {
    assert(in_use_ == 0 && waiting_ == 0);
}

bool Limit::counts_tickets() const noexcept {
    return rules_.in_all != 0 || rules_.keys.at_once != 0 ||
           std::ranges::any_of(rules_.exceptions,
                               [](const auto& exception) { return exception.second.at_once != 0; });
}

void Limit::change(LimitRules rules) {
    for (const auto& [key_name, key] : keys_) {
        refill(*key);  // what has come by the old rate
    }
    rules_ = std::move(rules);
    for (const auto& [key_name, key] : keys_) {
        key->rules = rules_for(key_name);
        key->tokens = std::min(key->tokens, key->rules.burst);
        renew(*key);
    }
    serve();
}

// --- keys

KeyRules Limit::rules_for(std::string_view key) const noexcept {
    for (const auto& [pattern, rules] : rules_.exceptions) {
        if (pattern.matches(key)) {
            return rules;
        }
    }
    return rules_.keys;
}

Limit::Key& Limit::find(const std::string& name) {
    const auto found = keys_.find(name);
    if (found != keys_.end()) {
        return *found->second;
    }
    forget_idle();
    if (keys_.size() >= rules_.max_keys) {
        throw refusal("has " + std::to_string(rules_.max_keys) + " keys already", {});
    }
    auto key = std::make_unique<Key>();
    key->name = name;
    key->rules = rules_for(name);
    key->tokens = key->rules.burst;
    key->filled = scheduler_.now();
    Key& made = *key;
    made.idle = idle_.emplace(scheduler_.now(), &made);
    try {
        keys_.emplace(name, std::move(key));
    } catch (...) {
        idle_.erase(made.idle);
        throw;
    }
    return made;
}

// Two for each that comes, so that memory shrinks again. A key whose bucket is not full must be
// remembered: it would begin with a full one.
void Limit::forget_idle() noexcept {
    for (int i = 0; i != 2 && !idle_.empty(); ++i) {
        const auto first = idle_.begin();
        if (first->first > scheduler_.now()) {
            return;
        }
        keys_.erase(keys_.find(first->second->name));
        idle_.erase(first);
    }
}

// Requires that its tokens are as now, and that it has no ticket if it becomes idle.
void Limit::set_idle(Key& key, bool idle) noexcept {
    if (key.in_use_node.empty()) {
        key.in_use_node = idle_.extract(key.idle);
    }
    if (idle) {
        key.in_use_node.key() = scheduler_.now() + time_until_tokens(key, key.rules.burst);
        key.idle = idle_.insert(std::move(key.in_use_node));
    }
}

void Limit::each_key(const std::function<bool(const KeyState&)>& function) {
    for (const auto& [key_name, key] : keys_) {
        refill(*key);
        const std::optional<double> tokens =
            key->rules.per_second == 0 ? std::nullopt : std::optional(key->tokens);
        if (!function({key_name, key->in_use, key->waiting_count, tokens})) {
            return;
        }
    }
}

// --- tokens

void Limit::refill(Key& key) const noexcept {
    const Time now = scheduler_.now();
    const double seconds = std::chrono::duration<double>(now - key.filled).count();
    key.filled = now;
    key.tokens = std::min(key.tokens + seconds * key.rules.per_second, key.rules.burst);
}

bool Limit::has_tokens(Key& key, double tokens) const noexcept {
    if (key.rules.per_second == 0) {
        return true;
    }
    refill(key);
    return key.tokens >= std::min(tokens, key.rules.burst) - rounding;
}

Duration Limit::time_until_tokens(Key& key, double tokens) const noexcept {
    if (has_tokens(key, tokens)) {
        return Duration();
    }
    const std::chrono::duration<double> time(
        (std::min(tokens, key.rules.burst) - rounding / 2 - key.tokens) / key.rules.per_second);
    return time >= longest_wait ? longest_wait : std::chrono::ceil<Duration>(time);
}

// --- waiters

bool Limit::may_pass(Key& key) const noexcept {
    return (key.rules.at_once == 0 || key.in_use < key.rules.at_once) &&
           has_tokens(key, key.waiting.front().tokens_);
}

// Puts the key where it belongs, behind the others there.
void Limit::place(Key& key) noexcept {
    set_idle(key, key.waiting.empty() && key.in_use == 0);
    if (!key.waiting.empty() && may_pass(key)) {
        ready_[static_cast<std::size_t>(key.waiting.front().priority_)].push_back(key);
    } else if (key.linked()) {
        key.unlink();
    }
}

// Does the same when what the first waiter waits for may be another than it knew.
void Limit::renew(Key& key) noexcept {
    place(key);
    if (!key.waiting.empty() && !key.linked()) {
        key.waiting.front().wake();
    }
}

// Called by the first waiter of a key when its tokens may be there.
void Limit::look(Key& key) noexcept {
    if (!key.linked()) {
        place(key);
        serve();
    }
}

void Limit::grant(Key& key) noexcept {
    Ticket& ticket = key.waiting.pop_front();
    --key.waiting_count;
    --waiting_;
    ++key.in_use;
    ++in_use_;
    ++taken_;
    if (key.rules.per_second != 0) {
        key.tokens -= ticket.tokens_;
    }
    ticket.granted_ = true;
    ticket.wake();
}

void Limit::serve() noexcept {
    for (std::size_t priority = priorities; priority-- != 0;) {
        List<Key>& ready = ready_[priority];
        while (!ready.empty() && (rules_.in_all == 0 || in_use_ < rules_.in_all)) {
            Key& key = ready.front();
            grant(key);
            renew(key);
        }
    }
}

void Limit::enter(Ticket& ticket) {
    Key& key = ticket.key_;
    auto before = key.waiting.begin();
    if (!key.waiting.empty() && key.waiting.back().priority_ >= ticket.priority_) {
        before = key.waiting.end();
    }
    while (before != key.waiting.end() && before->priority_ >= ticket.priority_) {
        ++before;
    }
    key.waiting.insert_before(before, ticket);
    ++key.waiting_count;
    ++waiting_;
    if (&key.waiting.front() == &ticket) {
        place(key);
        serve();
    }
}

void Limit::leave(Ticket& ticket) noexcept {
    Key& key = ticket.key_;
    if (ticket.granted_) {
        --key.in_use;
        --in_use_;
        if (!key.linked()) {  // otherwise it is ready, and keeps its turn
            renew(key);
        }
    } else {
        const bool was_first = &key.waiting.front() == &ticket;
        ticket.unlink();
        --key.waiting_count;
        --waiting_;
        if (was_first) {
            renew(key);
        }
    }
    serve();
}

LimitReached Limit::refusal(const std::string& why, std::optional<Duration> retry_after) {
    ++refused_;
    return {"the limit '" + name_ + "' " + why, retry_after};
}

Task<std::unique_ptr<Ticket>> Limit::take(Ref<Limit> limit, std::string key, std::uint32_t tokens,
                                          int priority, std::optional<Duration> wait) {
    assert(priority >= 0 && priority < priorities);
    std::unique_ptr<Ticket> ticket(
        new Ticket(limit, std::move(key), static_cast<double>(tokens), priority));
    const Duration most = wait.value_or(limit->rules_.wait);
    if (!ticket->granted_ && most != Duration()) {
        const bool key_is_full = ticket->key_.waiting_count > limit->rules_.waiting;
        if (key_is_full || limit->waiting_ > limit->rules_.waiting_in_all) {
            throw limit->refusal(key_is_full ? "lets no more wait for " + quoted(ticket->key_.name)
                                             : std::string("lets no more wait"),
                                 {});
        }
    }
    Task<> waiting = ticket->wait(most);
    co_await waiting;
    if (ticket->granted_) {
        co_return ticket;
    }
    const Duration time = limit->time_until_tokens(ticket->key_, ticket->tokens_);
    const bool by_rate = time != Duration();
    std::string why = "lets " + quoted(ticket->key_.name) + " do no more now";
    if (most != Duration()) {
        why += ", not within " + rounded_text(most);
    }
    throw limit->refusal(by_rate ? why + "; its next comes in " + rounded_text(time) : why,
                         by_rate ? std::optional(time) : std::nullopt);
}

// --- tickets

Ticket::Ticket(Ref<Limit> limit, std::string key, double tokens, int priority)
    : limit_(std::move(limit)),
      key_(limit_->find(key)),
      tokens_(tokens),
      priority_(priority),
      turn_(make_event<TicketTurn>(static_cast<const void*>(this))) {
    if (key_.rules.per_second != 0 && tokens_ > key_.rules.burst + rounding) {
        throw std::invalid_argument("the limit '" + limit_->name_ + "' gives at most " +
                                    std::to_string(static_cast<std::uint64_t>(key_.rules.burst)) +
                                    " tokens at a time");
    }
    limit_->enter(*this);
}

Ticket::~Ticket() {
    limit_->leave(*this);
}

void Ticket::wake() noexcept {
    if (!turn_->queued()) {
        limit_->scheduler_.emergency_send(turn_);
    }
}

Task<> Ticket::wait(Duration most) {
    const Time deadline = limit_->scheduler_.now() + most;
    const MatcherOf<TicketTurn> turn = match<TicketTurn>(static_cast<const void*>(this));
    while (!granted_) {
        const Duration left = deadline - limit_->scheduler_.now();
        if (left <= Duration()) {
            co_return;
        }
        Duration time = left;
        if (&key_.waiting.front() == this) {
            const Duration tokens = limit_->time_until_tokens(key_, tokens_);
            time = tokens == Duration() ? left : std::min(left, tokens);
        }
        co_await wait_with_timeout(time, turn);
        if (!granted_ && &key_.waiting.front() == this) {
            limit_->look(key_);
        }
    }
}

}  // namespace weir::limit
