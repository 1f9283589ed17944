#include "modules/rules/pacing.h"

#include <algorithm>
#include <utility>

namespace weir::rules {

// What is remembered of the values of one `by`: for each, until when, and the event that waits for
// that time.
class Pacing::Stage {
public:
    enum class Kind { once, debounce, throttle };

    Stage(Pacing& pacing, std::size_t position, const char* name, Kind kind, const Pace& pace,
          Scheduler& scheduler, std::size_t most_keys)
        : pacing_(pacing),
          position_(position),
          name_(name),
          kind_(kind),
          pace_(pace),
          scheduler_(scheduler),
          most_keys_(most_keys),
          handler_(scheduler) {}

    // Returns what it is in the settings of the rule.
    const char* name() const noexcept { return name_; }
    // Returns the value of `by`. Throws ApiException if it has none.
    std::string key_of(const Json& event) const { return pace_.by.text(Frame{event, Json()}); }
    void add(const std::string& key, Json event);
    void fire_all();
    std::size_t waiting() const noexcept { return waiting_; }

private:
    struct Entry;
    using Entries = std::map<std::string, Entry>;
    using Times = std::multimap<Time, Entries::iterator>;
    struct Entry {
        std::optional<Json> event;
        Times::iterator time;
    };

    Entries::iterator enter(const std::string& key, Time until);
    void move(Entries::iterator entry, Time until);
    void forget(Entries::iterator entry);
    std::optional<Json> take_event(Entry& entry);
    void keep_event(Entry& entry, Json event);
    void end_times(Time now);
    void wait_for_next();

    Pacing& pacing_;
    const std::size_t position_;
    const char* const name_;
    const Kind kind_;
    const Pace pace_;
    Scheduler& scheduler_;
    const std::size_t most_keys_;
    Entries entries_;
    Times times_;
    std::size_t waiting_ = 0;
    EventHandler handler_;
    Timer timer_;
    std::optional<Time> timer_at_;
};

Pacing::Pacing(Scheduler& scheduler, const Program& program, std::size_t most_keys, Fire fire,
               Fail fail)
    : fire_(std::move(fire)), fail_(std::move(fail)) {
    const auto add_stage = [&](const char* name, Stage::Kind kind,
                               const std::optional<Pace>& pace) {
        if (pace) {
            stages_.push_back(std::make_unique<Stage>(*this, stages_.size(), name, kind, *pace,
                                                      scheduler, most_keys));
        }
    };
    add_stage("once", Stage::Kind::once, program.once);
    add_stage("debounce", Stage::Kind::debounce, program.debounce);
    add_stage("throttle", Stage::Kind::throttle, program.throttle);
}

Pacing::~Pacing() = default;

void Pacing::add(Json event) {
    pass(0, std::move(event));
}

// An event that fails stops no other: it may come here from a timer, after others and before more.
void Pacing::pass(std::size_t stage, Json event) {
    if (stage == stages_.size()) {
        fire_(std::move(event));
        return;
    }
    Stage& next = *stages_[stage];
    std::string key;
    try {
        key = next.key_of(event);
    } catch (const ApiException& exception) {
        fail_(next.name(), exception.error(), std::move(event));
        return;
    }
    next.add(key, std::move(event));
}

void Pacing::fire_all() {
    for (const auto& stage : stages_) {
        stage->fire_all();
    }
}

std::size_t Pacing::waiting() const noexcept {
    std::size_t all = 0;
    for (const auto& stage : stages_) {
        all += stage->waiting();
    }
    return all;
}

// --- Stage

void Pacing::Stage::add(const std::string& key, Json event) {
    const Time now = scheduler_.now();
    end_times(now);
    const auto found = entries_.find(key);
    const Time until = now + pace_.time;
    if (kind_ == Kind::debounce) {
        const auto entry = found == entries_.end() ? enter(key, until) : found;
        move(entry, until);
        keep_event(entry->second, std::move(event));
    } else if (found == entries_.end()) {
        enter(key, until);
        pacing_.pass(position_ + 1, std::move(event));
    } else if (kind_ == Kind::throttle) {
        keep_event(found->second, std::move(event));
    } else {
        ++pacing_.dropped_;
    }
    wait_for_next();
}

void Pacing::Stage::fire_all() {
    for (auto& [key, entry] : entries_) {
        if (std::optional<Json> event = take_event(entry)) {
            pacing_.pass(position_ + 1, *std::move(event));
        }
    }
}

// For a new value, the one whose time ends first makes room.
Pacing::Stage::Entries::iterator Pacing::Stage::enter(const std::string& key, Time until) {
    if (entries_.size() >= most_keys_) {
        const auto oldest = times_.begin()->second;
        std::optional<Json> event = take_event(oldest->second);
        forget(oldest);
        if (event) {
            pacing_.pass(position_ + 1, *std::move(event));
        }
    }
    const auto entry = entries_.try_emplace(key).first;
    try {
        entry->second.time = times_.emplace(until, entry);
    } catch (...) {
        entries_.erase(entry);
        throw;
    }
    return entry;
}

void Pacing::Stage::move(Entries::iterator entry, Time until) {
    auto node = times_.extract(entry->second.time);
    node.key() = until;
    entry->second.time = times_.insert(std::move(node));
}

void Pacing::Stage::forget(Entries::iterator entry) {
    times_.erase(entry->second.time);
    entries_.erase(entry);
}

std::optional<Json> Pacing::Stage::take_event(Entry& entry) {
    if (entry.event) {
        --waiting_;
    }
    return std::exchange(entry.event, std::nullopt);
}

void Pacing::Stage::keep_event(Entry& entry, Json event) {
    if (entry.event) {
        ++pacing_.dropped_;
    } else {
        ++waiting_;
    }
    entry.event = std::move(event);
}

void Pacing::Stage::end_times(Time now) {
    while (!times_.empty() && times_.begin()->first <= now) {
        const auto entry = times_.begin()->second;
        std::optional<Json> event = take_event(entry->second);
        if (event && kind_ == Kind::throttle) {
            move(entry, now + pace_.time);
        } else {
            forget(entry);
        }
        if (event) {
            pacing_.pass(position_ + 1, *std::move(event));
        }
    }
}

// What only has to be forgotten needs no timer: the next event does it.
void Pacing::Stage::wait_for_next() {
    if (waiting_ == 0 || (timer_at_ && *timer_at_ <= times_.begin()->first)) {
        return;
    }
    if (timer_at_) {
        handler_.stop(timer_.matcher());
        timer_.cancel();
    }
    timer_at_ = times_.begin()->first;
    timer_ = scheduler_.set_timer(*timer_at_ - scheduler_.now());
    handler_.handle(timer_.matcher(), [this](const Ref<Event>&) {
        handler_.stop(timer_.matcher());
        timer_at_.reset();
        end_times(scheduler_.now());
        wait_for_next();
    });
}

}  // namespace weir::rules
