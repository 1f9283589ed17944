#include "core/queue/queue.h"

#include <algorithm>
#include <cassert>
#include <stdexcept>

#include "core/queue/fifo_queue.h"

namespace weir {

Queue::Queue(QueueOptions options) : Queue({}, {}, std::move(options)) {
    own_directory_ = std::make_unique<Directory>();
    enter(*own_directory_, own_directory_->tree.root());
}

Queue::Queue(std::string name, Matcher matcher, QueueOptions options)
    : name_(std::move(name)),
      matcher_(std::move(matcher)),
      default_queue_(options.kind ? options.kind(options.max_default)
                                  : std::make_unique<FifoQueue>(options.max_default)),
      max_total_(std::max<std::size_t>(options.max_total, 1)) {
    default_queue_->classifier_.queue = default_queue_.get();
    turns_of(options.default_priority).add(*default_queue_);
}

Queue::~Queue() {
    Queue* const above = removed_from_ != nullptr ? removed_from_.get() : parent();
    for (const Ref<Queue>& subqueue : subqueues_) {
        subqueue->leave_tree();
        subqueue->turns_ = nullptr;
        subqueue->removed_from_ = Ref<Queue>(above);
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

// Returns the queue or, if it has been removed, the nearest one above that has not.
Queue& Queue::in_tree() {
    Queue* queue = this;
    while (queue->removed()) {
        queue = queue->removed_from_ != nullptr ? queue->removed_from_.get() : queue->parent();
        if (queue == nullptr) {
            throw std::logic_error("queue '" + name_ + "' is gone, with all above it");
        }
    }
    return *queue;
}

// There always is one: that of the root.
LeafQueue& Queue::Directory::find(const Event& event) {
    if (LeafQueue* const* const remembered = known.find(event.type())) [[likely]] {
        return **remembered;
    }
    bool by_type = true;
    MatchTree::Entry* entry = tree.match_first(event, by_type);
    LeafQueue& leaf = *static_cast<LeafQueue::Classifier*>(entry)->queue;
    if (by_type) {
        known.remember(event.type(), &leaf);
    }
    return leaf;
}

// Returns the default queue that takes the event.
LeafQueue& Queue::leaf_for(const Event& event) {
    if (own_directory_ != nullptr) [[likely]] {
        return own_directory_->find(event);
    }
    const Queue& queue = in_tree();
    if (queue.own_directory_ != nullptr) {
        return queue.directory_->find(event);
    }
    MatchTree::Entry* entry = queue.directory_->tree.match_first_below(*queue.node_, event);
    return *static_cast<LeafQueue::Classifier*>(entry)->queue;
}

Matcher Queue::append(Event& event, bool force) {
    return leaf_for(event).append(event, force);
}

std::optional<bool> Queue::has_place(const QueueCanWriteEvent&) {
    if (size_ < max_total_) {
        return true;
    }
    waited_ = true;
    return false;
}

// Returns the matcher of the signal that there is a free slot, which from now on a sender waits
// for.
Matcher Queue::wait_for_place() {
    waited_ = true;
    if (!can_write_matcher_) {
        can_write_matcher_ = match<QueueCanWriteEvent>(static_cast<Limited*>(this)).make();
    }
    return can_write_matcher_;
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

void Queue::after_pop(std::size_t count, QueueSignals& signals) {
    size_ -= count;
    signal_place(signals);
    if (turns_ != nullptr) {
        turns_->after_pop(*this, count, signals);
    }
}

// Keeps the priorities with events that may leave in order. Returns whether can_pop() has changed.
bool Queue::list(RoundRobin& turns, bool can_pop) noexcept {
    const bool before = can_pop_;
    if (can_pop) {
        auto behind = ready_.begin();
        while (behind != ready_.end() && behind->priority() > turns.priority()) {
            ++behind;
        }
        ready_.insert_before(behind, turns);
    } else {
        List<RoundRobin>::remove(turns);
    }
    can_pop_ = !ready_.empty();
    return can_pop_ != before;
}

Ref<Event> Queue::take(QueueSignals& signals) {
    assert(can_pop());
    RoundRobin& turns = ready_.front();
    Ref<Event> event = turns.take(signals);
    if (!turns.can_pop()) {
        turns.listed_ = false;
        List<RoundRobin>::remove(turns);
        can_pop_ = !ready_.empty();
    }
    ++popped_;
    --size_;
    if (waited_ || waited_for_empty_) [[unlikely]] {
        signal_place(signals);
    }
    return event;
}

Ref<Event> Queue::pop(QueueSignals& signals) {
    if (!can_pop()) {
        throw std::logic_error("queue '" + name_ + "' has no event that may leave");
    }
    Ref<Event> event = take(signals);
    if (turns_ != nullptr) {
        turns_->after_pop(*this, 1, signals);
    }
    return event;
}

void Queue::block(Event& event, const std::vector<Ref<QueueIsEmptyEvent>>& emptied) {
    leaf_for(event).block(event);
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
        turns->listed_ = false;
    }
    ready_.clear();
    can_pop_ = false;
    size_ = 0;
    signal_place(signals);
}

void Queue::clear(QueueSignals& signals) {
    const std::size_t count = size_;
    drop_all(signals);
    if (turns_ != nullptr) {
        turns_->after_pop(*this, count, signals);
    }
    signals.dropped.release();
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
    Ref<Queue> queue(new Queue(std::move(name), std::move(matcher), std::move(options)));
    RoundRobin& turns = turns_of(priority);
    turns.add(*queue);
    try {
        subqueues_.push_back(queue);
        queue->enter(*directory_, MatchTree::descend(*node_, queue->matcher_));
    } catch (...) {
        std::erase(subqueues_, queue);
        turns.remove(*queue);
        queue->turns_ = nullptr;
        throw;
    }
    return queue;
}

// Lets events find this queue.
void Queue::enter(Directory& directory, MatchTree::Node& node) noexcept {
    directory_ = &directory;
    directory.changed();
    node_ = &node;
    MatchTree::insert_at(node, default_queue_->classifier_);
}

void Queue::require_own(const Queue& subqueue) const {
    if (subqueue.parent() != this) {
        throw std::invalid_argument("'" + subqueue.name() + "' is not a subqueue of this queue");
    }
}

// Lets events no longer find this queue, nor those below it.
void Queue::leave_tree() noexcept {
    for (const Ref<Queue>& subqueue : subqueues_) {
        subqueue->leave_tree();
    }
    if (removed()) {
        return;
    }
    MatchTree::remove(default_queue_->classifier_);
    directory_->changed();
    node_ = nullptr;
}

void Queue::remove(Queue& subqueue, QueueSignals& signals) {
    require_own(subqueue);
    const Ref<Queue> keep(&subqueue);
    // First the tree: then the events that leave here go to the parent.
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
}

void Queue::set_priority(Queue& subqueue, int priority) {
    require_own(subqueue);
    RoundRobin& turns = turns_of(priority);
    turns.make_room();
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

void Queue::for_each(const std::function<void(Event&)>& visit) {
    default_queue_->for_each(visit);
    for (const Ref<Queue>& subqueue : subqueues_) {
        subqueue->for_each(visit);
    }
}

}  // namespace weir
