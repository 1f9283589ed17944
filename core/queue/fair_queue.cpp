#include "core/queue/fair_queue.h"

#include <algorithm>
#include <utility>

namespace weir {

// A class exists while it has events, a share of the turns, or senders that wait for it.
class FairQueue::Class : public FairLink<Class>, public Link<Class>, public pool::Pooled {
public:
    explicit Class(IndexValue key) noexcept : key_(std::move(key)) {}
    const IndexValue& key() const noexcept { return key_; }

    List<Event> events;
    std::size_t size = 0;
    bool waited_for_place = false;  // a sender waits for a free slot of the class
    bool waited_for_first = false;  // a sender waits for the class to become empty
    bool waited_for_any = false;    // a sender waits for a slot for any class

    bool blocked() const noexcept { return Link<Class>::linked(); }

private:
    const IndexValue key_;
};

// A queue whose slots were all kept for new classes would take no other event, even when it is
// empty, and its senders would wait for ever.
FairQueueOptions FairQueue::with_a_place_for_all(FairQueueOptions options, std::size_t max_size) {
    options.preserve_for_new = std::min(options.preserve_for_new, max_size - 1);
    return options;
}

FairQueue::FairQueue(std::size_t max_size, FairQueueOptions options)
    : LeafQueue(max_size),
      options_(with_a_place_for_all(std::move(options), max_size_)),
      max_history_([&] {
          constexpr std::size_t most = 10240;
          if (options_.max_history != unlimited) {
              return std::clamp<std::size_t>(options_.max_history, 1, most);
          }
          return max_size_ < most / 10 ? max_size_ * 10 : most;
      }()),
      limited_(max_size_ != unlimited || options_.subqueue_limit != unlimited),
      turns_(Rule{options_.returning}),
      no_key_(this) {}

FairQueue::~FairQueue() {
    std::vector<Class*> all;
    classes_.for_each([&](Class& c) { all.push_back(&c); });
    for (Class* c : all) {
        while (!c->events.empty()) {
            drop(c->events.pop_front());
        }
        delete c;
    }
}

LeafQueueFactory FairQueue::factory(FairQueueOptions options) {
    return [options = std::move(options)](std::size_t max_size) {
        return std::make_unique<FairQueue>(max_size, options);
    };
}

inline const IndexValue& FairQueue::class_key(const Event& event) const {
    const IndexValue& key = options_.key(event);
    return key.is_any() ? no_key_ : key;
}

inline FairQueue::Class* FairQueue::find_class(const Event& event) const {
    return classes_.find(class_key(event));
}

FairQueue::Class& FairQueue::make_class(const IndexValue& key) {
    auto made = std::make_unique<Class>(key);
    classes_.insert(*made);
    return *made.release();
}

void FairQueue::forget_if_unused(Class& c) noexcept {
    if (c.size == 0 && !c.has_share() && !c.waited_for_place && !c.waited_for_first) {
        classes_.erase(c);
        delete &c;
    }
}

// Returns how many events there may be before an old class has to wait. A slot is kept for the
// first event of each class that has a share and is empty now: however many classes there are, each
// can have an event in the queue.
std::ptrdiff_t FairQueue::places_of_old_classes() const noexcept {
    return static_cast<std::ptrdiff_t>(max_size_) -
           static_cast<std::ptrdiff_t>(options_.preserve_for_new) -
           static_cast<std::ptrdiff_t>(turns_.shares()) + static_cast<std::ptrdiff_t>(with_events_);
}

// Returns what a sender of an event of this key, and class if it exists, waits for; an empty
// matcher if there is a free slot for it. Which signals are given is decided by the flags that are
// set here.
Matcher FairQueue::why_not(const IndexValue& key, Class* c) {
    const bool active = c != nullptr && c->size != 0;
    Limited* const self = this;
    const auto wait_for_place_in_class = [&]() -> Matcher {
        if (!c->waited_for_place && !c->waited_for_first) {
            waited_classes_.push_back(c);
        }
        c->waited_for_place = true;
        return match<FairQueueCanWriteEvent>(self, key).make();
    };
    if (active && c->size >= options_.subqueue_limit) {
        return wait_for_place_in_class();
    }
    if (max_size_ == unlimited) {
        return {};
    }
    const auto size = static_cast<std::ptrdiff_t>(size_);
    const auto max_size = static_cast<std::ptrdiff_t>(max_size_);
    if (active) {
        if (size < places_of_old_classes()) {
            return {};
        }
        if (c->size > 1) {
            waited_any_class_ = c->waited_for_any = true;
            return match<FairQueueCanWriteEvent>(self, any, false, false).make();
        }
        // When its only event has left, the class is empty and may take a slot that is kept.
        if (!c->waited_for_place && !c->waited_for_first) {
            waited_classes_.push_back(c);
        }
        c->waited_for_first = true;
        return match<FairQueueCanWriteEvent>(self, any, false)
            .where([key](const FairQueueCanWriteEvent& signal) {
                return !signal.first_only || signal.key.value() == key;
            })
            .make();
    }
    if (c != nullptr && c->has_share()) {
        if (size < max_size - static_cast<std::ptrdiff_t>(options_.preserve_for_new)) {
            return {};
        }
        waited_first_event_ = true;
        return match<FairQueueCanWriteEvent>(self, any, false).make();
    }
    if (size < max_size) {
        return {};
    }
    waited_new_class_ = true;
    return match<FairQueueCanWriteEvent>(self).make();
}

Matcher FairQueue::add(Event& event, bool force) {
    const IndexValue& key = class_key(event);
    Class* c = classes_.find(key);
    if (!force) {
        if (limited_) {
            if (Matcher wait = why_not(key, c)) {
                may_be_waited_ = true;
                return wait;
            }
        }
        if (Matcher wait = wait_above()) {
            return wait;
        }
    }
    if (c == nullptr) {
        c = &make_class(key);
    }
    hold(event);
    c->events.push_back(event);
    if (c->size++ == 0) {
        ++with_events_;
        turns_.add(*c);
    }
    ++size_;
    set_can_pop(!turns_.empty());
    return {};
}

std::optional<bool> FairQueue::has_place(const QueueCanWriteEvent& signal) {
    if (max_size_ != unlimited) {
        return std::nullopt;
    }
    const auto& waits = signal.as<FairQueueCanWriteEvent>();
    Class* c = classes_.find(waits.key.value());
    if (c == nullptr || c->size < options_.subqueue_limit) {
        return true;
    }
    if (!c->waited_for_place && !c->waited_for_first) {
        waited_classes_.push_back(c);
    }
    c->waited_for_place = may_be_waited_ = true;
    return false;
}

bool FairQueue::lets_pass(const Event& event) const {
    if (max_size_ != unlimited && size_ + options_.preserve_for_new >= max_size_) {
        return false;
    }
    const Class* const c = with_events_ == 0 ? nullptr : find_class(event);
    return c == nullptr || c->size == 0;
}

// A class whose last remembered turn leaves the history has no share any more: an event of it is
// that of a new class. Without that, each key that ever came would keep memory.
void FairQueue::count_served(Class& c) {
    turns_.served(
        c, [this] { return most_remembered(); },
        [&](Class* oldest) {
            if (decltype(turns_)::forget_turn(*oldest)) {
                turns_.drop_share(*oldest);
                if (oldest != &c) {
                    forget_if_unused(*oldest);
                }
            }
        });
}

Ref<Event> FairQueue::take(QueueSignals& signals) {
    turns_.make_room();
    Class& c = turns_.take_turn();
    Ref<Event> event = let_go(c.events.pop_front());
    signals.behind = &c.events;
    --c.size;
    --size_;
    count_served(c);
    if (c.size == 0) {
        --with_events_;
        turns_.remove(c);
    }
    can_pop_ = !turns_.empty();
    if (may_be_waited_) {
        if (waited()) {
            signal_place(c, signals);
        }
        may_be_waited_ = waited();
    }
    return event;
}

bool FairQueue::waited() const noexcept {
    return waited_emptied_ || waited_any_class_ || waited_first_event_ || waited_new_class_ ||
           !waited_classes_.empty();
}

Ref<QueueCanWriteEvent> FairQueue::signal(const IndexValue& key, bool new_only, bool first_only) {
    return make_event<FairQueueCanWriteEvent>(static_cast<Limited*>(this), owner(), key, new_only,
                                              first_only);
}

// Called when an event of the class has left. Signals the senders that can use the slot, and those
// that would wait for something else now. A signal that no sender waits for is not given.
void FairQueue::signal_place(Class& c, QueueSignals& signals) {
    const auto size = static_cast<std::ptrdiff_t>(size_);
    const auto max_size = static_cast<std::ptrdiff_t>(max_size_);
    const auto preserved = static_cast<std::ptrdiff_t>(options_.preserve_for_new);
    // Those that wait for the first event of this class get a signal below, if there is a slot.
    if (c.size == 0 &&
        (std::exchange(c.waited_for_any, false) || (c.waited_for_first && size >= max_size))) {
        waited_emptied_ = options_.wakes_emptied;
    }
    const auto no_longer_waited = [&](Class& waited, bool place, bool first) {
        const bool before = waited.waited_for_place || waited.waited_for_first;
        waited.waited_for_place = waited.waited_for_place && !place;
        waited.waited_for_first = waited.waited_for_first && !first;
        if (before && !waited.waited_for_place && !waited.waited_for_first) {
            std::erase(waited_classes_, &waited);
            forget_if_unused(waited);
        }
    };
    if (max_size_ == unlimited) {
        if (c.size < options_.subqueue_limit && c.waited_for_place) {
            signals.can_write.push_back(signal(c.key(), false, false));
            no_longer_waited(c, true, false);
        }
    } else if (size < places_of_old_classes() || (waited_emptied_ && size < max_size - preserved)) {
        // A slot for any sender that waits for the whole queue or for this class; or for the first
        // event of a class that has become empty while its senders waited for another signal.
        waited_emptied_ = false;
        signals.can_write.push_back(signal(c.key(), false, false));
        waited_any_class_ = waited_first_event_ = waited_new_class_ = false;
        const std::vector<Class*> waited_classes = waited_classes_;
        for (Class* waited : waited_classes) {
            no_longer_waited(*waited, waited == &c, true);
        }
    } else if (size < max_size - preserved) {
        // A slot for the first event of a class.
        if (waited_first_event_ || waited_new_class_ || c.waited_for_first || c.waited_for_place) {
            signals.can_write.push_back(signal(c.key(), false, true));
            waited_first_event_ = waited_new_class_ = false;
            no_longer_waited(c, true, true);
        }
    } else if (size < max_size) {
        // A slot for a new class.
        if (waited_new_class_ || c.waited_for_place || c.waited_for_first) {
            signals.can_write.push_back(signal(c.key(), !c.waited_for_first, true));
            waited_new_class_ = false;
            no_longer_waited(c, true, true);
        }
    } else if (c.size < options_.subqueue_limit && options_.subqueue_limit != unlimited &&
               c.waited_for_place) {
        // No free slot, but senders that wait for the class have to wait for the whole queue now.
        signals.can_write.push_back(signal(c.key(), true, true));
        waited_new_class_ = false;
        no_longer_waited(c, true, false);
    }
}

// Blocks the class, not the queue: events of other classes overtake.
void FairQueue::put_back(Event& event) {
    const IndexValue& key = class_key(event);
    Class* const found = classes_.find(key);
    Class& c = found != nullptr ? *found : make_class(key);
    hold(event);
    c.events.push_front(event);
    if (c.size++ == 0) {
        ++with_events_;
    } else {
        turns_.remove(c);
    }
    blocked_classes_.push_back(c);
    ++size_;
    set_can_pop(!turns_.empty());
}

// It was not the event's turn: the class has had none.
void FairQueue::remove(Event& event, QueueSignals& signals) {
    Class& c = *find_class(event);
    const IndexValue key = c.key();
    List<Event>::remove(event);
    --size_;
    if (event.blocks() != nullptr) {
        List<Class>::remove(c);
        turns_.add(c);
    }
    if (--c.size == 0) {
        --with_events_;
        turns_.remove(c);
    }
    set_can_pop(!turns_.empty());
    if (may_be_waited_) {
        signal_place(c, signals);
        may_be_waited_ = waited();
    }
    // The senders that it has signalled may have been all that kept the class.
    if (Class* const left = classes_.find(key)) {
        forget_if_unused(*left);
    }
}

void FairQueue::unblock(Class& c) {
    List<Class>::remove(c);
    turns_.add(c);
}

void FairQueue::release_block(Event& event) {
    Class* const c = find_class(event);
    if (c != nullptr && c->blocked()) {
        unblock(*c);
        set_can_pop(true);
    }
}

void FairQueue::unblock_all() {
    while (!blocked_classes_.empty()) {
        unblock(blocked_classes_.front());
    }
    set_can_pop(!turns_.empty());
}

void FairQueue::drop_all(QueueSignals& signals) {
    turns_.remove_all();
    blocked_classes_.clear();
    std::vector<Class*> all;
    classes_.for_each([&](Class& c) { all.push_back(&c); });
    size_ = 0;
    with_events_ = 0;
    const bool had_waiters = waited();
    for (Class* c : waited_classes_) {
        signals.can_write.push_back(signal(c->key(), false, false));
    }
    if (had_waiters && waited_classes_.empty()) {
        signals.can_write.push_back(signal(no_key_, false, false));
    }
    waited_classes_.clear();
    waited_any_class_ = waited_first_event_ = waited_new_class_ = waited_emptied_ = false;
    for (Class* c : all) {
        while (!c->events.empty()) {
            drop(c->events.pop_front(), signals);
        }
        c->size = 0;
        c->waited_for_place = c->waited_for_first = c->waited_for_any = false;
        forget_if_unused(*c);
    }
    can_pop_ = false;
}

void FairQueue::for_each(const std::function<void(Event&)>& visit) const {
    classes_.for_each([&](Class& c) {
        for (Event& event : c.events) {
            visit(event);
        }
    });
}

}  // namespace weir
