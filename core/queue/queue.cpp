#include "core/queue/queue.h"

#include <algorithm>
#include <cassert>
#include <stdexcept>

namespace weir {

Queue::Queue(QueueOptions options) : Queue({}, {}, std::move(options)) {
    if (own_plan_ == nullptr) {
        make_plan();
    }
    own_directory_ = std::make_unique<Directory>();
    enter(*own_directory_, own_directory_->tree.root());
}

Queue::Queue(std::string name, Matcher matcher, QueueOptions options)
    : compiled_(options.compiled),
      name_(std::move(name)),
      matcher_(std::move(matcher)),
      default_queue_(options.kind ? options.kind(options.max_default)
                                  : make_fifo_queue(options.max_default)),
      max_total_(std::max<std::size_t>(options.max_total, 1)),
      counts_(!compiled_ || max_total_ != unlimited) {
    default_queue_->classifier_.queue = default_queue_.get();
    set_counting_above(nullptr);
    RoundRobin& turns = turns_of(options.default_priority);
    turns.make_room();
    turns.add(*default_queue_);
    if (!compiled_) {
        make_plan();
    }
}

Queue::~Queue() {
    Queue* const above = removed_from_ != nullptr ? removed_from_.get() : parent();
    for (const Ref<Queue>& subqueue : subqueues_) {
        subqueue->leave_tree();
        subqueue->leave_parent(above);
    }
    if (node_ != nullptr) {
        MatchTree::remove(default_queue_->classifier_);
    }
}

int Queue::priority() const noexcept {
    return turns_ == nullptr ? 0 : turns_->priority();
}

int Queue::default_priority() const noexcept {
    return default_queue_->turns_->priority();
}

RoundRobin& Queue::turns_of(int priority) {
    auto behind = by_priority_.begin();
    while (behind != by_priority_.end() && behind->priority() > priority) {
        ++behind;
    }
    if (behind != by_priority_.end() && behind->priority() == priority) {
        return *behind;
    }
    RoundRobin& turns =
        *priorities_.emplace_back(std::make_unique<RoundRobin>(*this, priority, !compiled_));
    by_priority_.insert_before(behind, turns);
    return turns;
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

void Queue::count_out(Queue* queue, std::size_t count, QueueSignals& signals) {
    for (; queue != nullptr; queue = queue->counting_above_) {
        queue->size_ -= count;
        if (queue->waited_ || queue->waited_for_empty_) [[unlikely]] {
            queue->signal_place(signals);
        }
    }
}

void Queue::start_counting() noexcept {
    if (!counts_) {
        size_ = size();
        counts_ = true;
        set_counting_above(counting_above_);
    }
}

// Tells the queues below, too.
void Queue::set_counting_above(Queue* queue) noexcept {
    counting_above_ = queue;
    Queue* const first = counts_ ? this : queue;
    default_queue_->counting_ = first;
    for (const Ref<Queue>& subqueue : subqueues_) {
        subqueue->set_counting_above(first);
    }
}

std::size_t Queue::size() const noexcept {
    if (counts_) {
        return size_;
    }
    std::size_t size = default_queue_->size();
    for (const Ref<Queue>& subqueue : subqueues_) {
        size += subqueue->size();
    }
    return size;
}

std::uint64_t Queue::popped() const noexcept {
    std::uint64_t popped = left_otherwise_ + default_queue_->popped();
    for (const Ref<Queue>& subqueue : subqueues_) {
        popped += subqueue->popped();
    }
    return popped;
}

// --- the plan

// Returns how many slots the plan of this queue has, if it has one.
std::size_t Queue::slots() const noexcept {
    std::size_t slots = 0;
    for (RoundRobin& turns : by_priority_) {
        QueueMember* const member = turns.shared() ? nullptr : turns.only_member();
        const bool nested = member != nullptr && member->as_leaf() == nullptr;
        slots += nested ? static_cast<Queue*>(member)->slots() : 1;
    }
    return slots;
}

void Queue::make_plan() {
    if (own_plan_ == nullptr) {
        own_plan_ = std::make_unique<QueuePlan>(*this);
    }
    own_plan_->make_room(slots());
}

QueuePlan& Queue::need_plan() {
    if (plan() == nullptr) {
        Queue* top = this;  // a queue above it, if that has been removed with this in it
        while (top->turns_ != nullptr && !top->turns_->shared()) {
            top = top->parent();
        }
        top->make_plan();
        if (plan() == nullptr) {
            top->own_plan_->fresh();
        }
    }
    return *plan();
}

// A default queue that is alone needs no plan.
void Queue::prepare_plan() {
    if (own_plan_ != nullptr || !subqueues_.empty() || default_queue_->turns_->shared()) {
        make_plan();
    }
}

void Queue::begin_plan() noexcept {
    plan_ = nullptr;
    if (own_plan_ != nullptr) {
        own_plan_->make_stale();
        own_plan_->fresh();
    } else {
        default_queue_->plan_ = nullptr;
    }
}

// Lets no part of the queue point into the plan of a queue above.
void Queue::leave_plan() noexcept {
    if (own_plan_ != nullptr && plan_ == own_plan_.get()) {
        own_plan_->make_stale();
        return;
    }
    own_plan_.reset();  // of another time, if there is one
    plan_ = nullptr;
    for (RoundRobin& turns : by_priority_) {
        turns.plan_ = nullptr;
        QueueMember* const member = turns.shared() ? nullptr : turns.only_member();
        if (member == nullptr) {
            continue;
        }
        if (LeafQueue* const leaf = member->as_leaf()) {
            leaf->plan_ = nullptr;
        } else {
            static_cast<Queue*>(member)->leave_plan();
        }
    }
}

bool Queue::can_pop_below() const noexcept {
    if (QueuePlan* const plan = this->plan()) {
        plan->fresh();  // the slots of this queue are known then
        return plan->first(first_slot_) < end_slot_;
    }
    return default_queue_->can_pop() ||
           std::ranges::any_of(subqueues_, [](const auto& below) { return below->can_pop(); });
}

Ref<Event> Queue::serve(QueueSignals& signals) {
    if (own_plan_ == nullptr) {
        return default_queue_->serve(signals);
    }
    QueuePlan& plan = own_plan_->fresh();
    return plan.take(plan.first(), signals);
}

Ref<Event> Queue::pop(QueueSignals& signals) {
    if (is_root()) [[likely]] {
        QueuePlan& plan = own_plan_->fresh();
        return plan.any() ? plan.take(plan.first(), signals) : nullptr;
    }
    return can_pop() ? pop_out_of_turn(signals) : nullptr;
}

// Returns whether an event that enters the default queue now is the next to leave: no slot of the
// plan is ready that is served before, or together with it. Requires that this is a root.
bool Queue::would_be_next(const LeafQueue& leaf) const noexcept {
    const QueuePlan& plan = own_plan_->fresh();
    if (!plan.any()) {
        return true;
    }
    std::size_t slot = leaf.slot_;
    if (leaf.plan_ != own_plan_.get()) {
        // It, or a queue above it, shares its priority: the slot is that of the priority.
        const RoundRobin* turns = leaf.turns_;
        while (turns != nullptr && turns->plan_ != own_plan_.get()) {
            turns = turns->queue().turns_;
        }
        if (turns == nullptr) {
            return false;
        }
        slot = turns->slot_;
    }
    return plan.first() > slot;
}

bool Queue::pass_by(const Event& event, PassBy how) {
    LeafQueue& leaf = leaf_for(event);
    if (!leaf.lets_pass(event) || (how == PassBy::next_of_all && !would_be_next(leaf))) {
        return false;
    }
    for (const Queue* queue = leaf.counting_; queue != nullptr; queue = queue->counting_above_) {
        if (queue->size_ >= queue->max_total_) {
            return false;
        }
    }
    ++leaf.popped_;
    return true;
}

// Requires can_pop(). The event is the next of this queue, but for the queues above it is not a
// turn.
Ref<Event> Queue::pop_out_of_turn(QueueSignals& signals) {
    if (turns_ == nullptr) {
        make_plan();  // it has been removed
        own_plan_->fresh();
    }
    QueuePlan* const plan = this->plan();
    Ref<Event> event = plan == nullptr ? default_queue_->serve(signals)
                                       : plan->take(plan->first(first_slot_), signals);
    for (Queue* queue = this; queue->turns_ != nullptr; queue = queue->parent()) {
        queue->turns_->leaves_out_of_turn(*queue);
        --queue->parent()->left_otherwise_;
    }
    RoundRobin::tell(plan == nullptr ? static_cast<QueueMember&>(*default_queue_) : plan->queue());
    return event;
}

// --- blocked events

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

bool Queue::withdraw(Event& event, QueueSignals& signals) {
    if (event.queued_in_ == nullptr) {
        return false;
    }
    event.queued_in_->withdraw(event, signals);
    return true;
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
    if (own_plan_ != nullptr) {
        own_plan_->make_stale();
    }
    size_ = 0;
    signal_place(signals);
}

void Queue::clear(QueueSignals& signals) {
    if (can_pop()) {
        RoundRobin::give_shares(*this);
    }
    const std::size_t count = size();
    drop_all(signals);
    count_out(counting_above_, count, signals);
    if (QueuePlan* const plan = this->plan()) {
        plan->make_stale();
        RoundRobin::tell(plan->queue());
    } else {
        RoundRobin::tell(*default_queue_);
    }
    signals.dropped.release();
}

Matcher Queue::wait_for_empty() {
    if (size() == 0) {
        return {};
    }
    start_counting();
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
    options.compiled = compiled_;
    Ref<Queue> queue(new Queue(std::move(name), std::move(matcher), std::move(options)));
    RoundRobin& turns = turns_of(priority);
    turns.make_room();
    need_plan().make_room_for_one_more();
    subqueues_.push_back(queue);
    try {
        queue->enter(*directory_, MatchTree::descend(*node_, queue->matcher_));
    } catch (...) {
        subqueues_.pop_back();
        throw;
    }
    turns.add(*queue);
    queue->set_counting_above(counts_ ? this : counting_above_);
    put_in_plan(*queue);
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
    while (const Ref<Event> event = subqueue.pop(signals)) {
        append(*event, true);
    }
    left_otherwise_ += subqueue.popped();
    subqueue.turns_->remove(subqueue);
    for (const auto& priority : priorities_) {
        priority->forget(subqueue);
    }
    if (QueuePlan* const plan = this->plan()) {
        plan->make_stale();
    }
    subqueue.leave_parent(this);
    std::erase(subqueues_, keep);
}

// Called when a subqueue has been added to its turns, which may have compiled the plan meanwhile.
void Queue::put_in_plan(Queue& subqueue) noexcept {
    plan()->make_stale();
    if (!subqueue.turns_->shared()) {
        subqueue.plan_ = plan();
    }
}

// Called when it is no longer a subqueue. `nearest` is the queue that takes what is sent to it.
void Queue::leave_parent(Queue* nearest) noexcept {
    leave_plan();
    turns_ = nullptr;
    removed_from_ = Ref<Queue>(nearest);
    set_counting_above(nullptr);
}

void Queue::make_room(int priority, std::size_t subqueues) {
    turns_of(priority).make_room(subqueues);
    std::size_t slots = need_plan().queue().slots() + 1;
    for (const Ref<Queue>& subqueue : subqueues_) {
        subqueue->prepare_plan();
        slots += subqueue->slots();
    }
    plan()->make_room(slots);
}

void Queue::set_priority(Queue& subqueue, int priority) {
    require_own(subqueue);
    RoundRobin& turns = turns_of(priority);
    turns.make_room();
    subqueue.prepare_plan();
    QueuePlan& plan = need_plan();
    plan.make_room(plan.queue().slots() + subqueue.slots());
    const bool ready = subqueue.can_pop();
    subqueue.turns_->remove(subqueue);
    if (ready) {
        // Meanwhile its events cannot leave: a queue above that has no others loses its turn.
        plan.make_stale();
        RoundRobin::tell(plan.queue());
    }
    turns.add(subqueue);
    put_in_plan(subqueue);
    if (ready) {
        RoundRobin::tell(plan.queue());
    }
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
