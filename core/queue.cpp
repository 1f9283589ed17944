#include "core/queue.h"

#include <algorithm>
#include <stdexcept>

#include "core/fifo_queue.h"

namespace weir {

Queue::Queue(QueueOptions options) : Queue({}, {}, nullptr, nullptr, std::move(options)) {}

Queue::Queue(std::string name, Matcher matcher, MatchTree* tree, MatchTree::Node* node,
             QueueOptions options)
    : name_(std::move(name)),
      matcher_(std::move(matcher)),
      own_tree_(tree == nullptr ? std::make_unique<MatchTree>() : nullptr),
      tree_(tree == nullptr ? own_tree_.get() : tree),
      node_(tree == nullptr ? &own_tree_->root() : node),
      default_queue_(options.kind ? options.kind(options.max_default)
                                  : std::make_unique<FifoQueue>(options.max_default)),
      max_total_(options.max_total) {
    blocked_ = true;
    turns_of(options.default_priority).add(*default_queue_);
    default_queue_->classifier_.queue = default_queue_.get();
    MatchTree::insert_at(*node_, default_queue_->classifier_);
}

Queue::~Queue() {
    for (const Ref<Queue>& subqueue : subqueues_) {
        subqueue->leave_tree();
        subqueue->turns_ = nullptr;
    }
    if (node_ != nullptr) {
        MatchTree::remove(default_queue_->classifier_);
    }
}

Queue* Queue::parent() const noexcept {
    return turns_ == nullptr ? nullptr : &turns_->queue();
}

int Queue::priority() const noexcept {
    return turns_ == nullptr ? 0 : turns_->priority();
}

int Queue::default_priority() const noexcept {
    return default_queue_->turns_->priority();
}

RoundRobin& Queue::turns_of(int priority) {
    for (const auto& turns : priorities_) {
        if (turns->priority() == priority) {
            return *turns;
        }
    }
    return *priorities_.emplace_back(std::make_unique<RoundRobin>(*this, priority));
}

Matcher Queue::append(Event& event, bool force) {
    if (removed()) {
        if (removed_from_ == nullptr) {
            throw std::logic_error("queue '" + name_ + "' is gone, with all above it");
        }
        return removed_from_->append(event, force);
    }
    MatchTree::Entry* entry =
        own_tree_ != nullptr ? tree_->match_first(event) : tree_->match_first_below(*node_, event);
    return static_cast<LeafQueue::Classifier*>(entry)->queue->append(event, force);
}

std::optional<bool> Queue::has_place(const QueueCanWriteEvent&) {
    if (size_ < max_total_) {
        return true;
    }
    waited_ = true;
    return false;
}

void Queue::signal_place(QueueSignals& signals) {
    if (waited_ && size_ < max_total_) {
        waited_ = false;
        signals.can_write.push_back(
            make_event<QueueCanWriteEvent>(static_cast<Limited*>(this), Ref<Queue>(this)));
    }
    if (waited_for_empty_ && size_ == 0) {
        waited_for_empty_ = false;
        signals.empty.push_back(make_event<QueueIsEmptyEvent>(this, Ref<Queue>(this)));
    }
}

Matcher Queue::before_append(bool force) {
    if (!force && size_ >= max_total_) {
        waited_ = true;
        if (!can_write_matcher_) {
            can_write_matcher_ = match<QueueCanWriteEvent>(static_cast<Limited*>(this)).make();
        }
        return can_write_matcher_;
    }
    if (turns_ != nullptr) {
        if (Matcher wait = turns_->before_append(*this, force)) {
            return wait;
        }
    }
    ++size_;
    return {};
}

void Queue::after_pop(std::size_t count, QueueSignals& signals) {
    size_ -= count;
    signal_place(signals);
    if (turns_ != nullptr) {
        turns_->after_pop(*this, count, signals);
    }
    update_blocked();
}

void Queue::blocked_changed(RoundRobin& turns, bool blocked) {
    const auto at = std::lower_bound(
        ready_.begin(), ready_.end(), &turns,
        [](const RoundRobin* a, const RoundRobin* b) { return a->priority() < b->priority(); });
    const bool listed = at != ready_.end() && *at == &turns;
    if (blocked && listed) {
        ready_.erase(at);
    } else if (!blocked && !listed && turns.can_pop()) {
        ready_.insert(at, &turns);
    }
    update_blocked();
}

void Queue::update_blocked() {
    if (blocked_ == can_pop()) {
        blocked_ = !blocked_;
        if (turns_ != nullptr) {
            turns_->blocked_changed(*this);
        }
    }
}

Ref<Event> Queue::take(QueueSignals& signals) {
    Ref<Event> event = ready_.back()->take(signals);
    ++popped_;
    --size_;
    signal_place(signals);
    return event;
}

Ref<Event> Queue::pop(QueueSignals& signals) {
    Ref<Event> event = take(signals);
    if (turns_ != nullptr) {
        turns_->after_pop(*this, 1, signals);
    }
    return event;
}

void Queue::block(Event& event, const std::vector<Ref<QueueIsEmptyEvent>>& emptied) {
    MatchTree::Entry* entry = tree_->match_first(event);
    static_cast<LeafQueue::Classifier*>(entry)->queue->block(event);
    for (const auto& signal : emptied) {
        signal->queue->wait_for_empty();
    }
}

void Queue::unblock(Event& event) {
    if (event.blocked_in_ != nullptr) {
        event.blocked_in_->unblock(event);
    }
}

void Queue::unblock_all() {
    for (const auto& turns : priorities_) {
        turns->unblock_all();
    }
    for_each([](Event& event) { event.blocked_in_ = nullptr; });
}

void Queue::drop_all(QueueSignals& signals) {
    for (const auto& turns : priorities_) {
        turns->drop_all(signals);
    }
    size_ = 0;
    signal_place(signals);
}

void Queue::clear(QueueSignals& signals) {
    const std::size_t count = size_;
    drop_all(signals);
    if (turns_ != nullptr) {
        turns_->after_pop(*this, count, signals);
    }
}

Matcher Queue::wait_for_empty() {
    if (size_ == 0) {
        return {};
    }
    waited_for_empty_ = true;
    return match<QueueIsEmptyEvent>(this).make();
}

Ref<Queue> Queue::add(std::string name, int priority, Matcher matcher, QueueOptions options) {
    if (removed()) {
        throw std::invalid_argument("queue '" + name_ + "' has been removed");
    }
    if (!name.empty() && find(name) != nullptr) {
        throw std::invalid_argument("there is a subqueue named '" + name + "' already");
    }
    if (matcher.has_predicate()) {
        throw std::invalid_argument("the matcher of subqueue '" + name +
                                    "' has a predicate; events are classified by indices only");
    }
    MatchTree::Node& node = MatchTree::descend(*node_, matcher);
    Ref<Queue> queue(
        new Queue(std::move(name), std::move(matcher), tree_, &node, std::move(options)));
    subqueues_.push_back(queue);
    turns_of(priority).add(*queue);
    return queue;
}

void Queue::require_own(const Queue& subqueue) const {
    if (subqueue.parent() != this) {
        throw std::invalid_argument("'" + subqueue.name() + "' is not a subqueue of this queue");
    }
}

// Events no longer find this queue, nor those below it.
void Queue::leave_tree() noexcept {
    for (const Ref<Queue>& subqueue : subqueues_) {
        subqueue->leave_tree();
    }
    MatchTree::remove(default_queue_->classifier_);
    node_ = nullptr;
}

void Queue::remove(Queue& subqueue, QueueSignals& signals) {
    require_own(subqueue);
    const Ref<Queue> keep(&subqueue);
    subqueue.unblock_all();
    subqueue.leave_tree();
    while (subqueue.can_pop()) {
        append(*subqueue.pop(signals), true);
    }
    RoundRobin& turns = *subqueue.turns_;
    turns.remove(subqueue);
    for (const auto& priority : priorities_) {
        priority->forget(subqueue);
    }
    subqueue.turns_ = nullptr;
    subqueue.removed_from_ = Ref<Queue>(this);
    std::erase(subqueues_, keep);
    update_blocked();
}

void Queue::set_priority(Queue& subqueue, int priority) {
    require_own(subqueue);
    RoundRobin& turns = turns_of(priority);
    subqueue.turns_->remove(subqueue);
    turns.add(subqueue);
}

Queue* Queue::find(std::string_view name) const noexcept {
    for (const Ref<Queue>& subqueue : subqueues_) {
        if (subqueue->name_ == name) {
            return subqueue.get();
        }
    }
    return nullptr;
}

void Queue::for_each(const std::function<void(Event&)>& visit) const {
    default_queue_->for_each(visit);
    for (const Ref<Queue>& subqueue : subqueues_) {
        subqueue->for_each(visit);
    }
}

}  // namespace weir
