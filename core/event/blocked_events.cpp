#include "core/event/blocked_events.h"

#include <algorithm>
#include <new>

#include "core/base/list.h"
#include "core/base/pool.h"
#include "core/event/node_map.h"

namespace weir {

// The tree's record of one event.
struct BlockedEventSlot : Link<BlockedEventSlot>, pool::Pooled {
    Ref<Event> event;
    BlockedEvents::Node* node = nullptr;
    std::uint64_t arrival = 0;
};

class BlockedEvents::Node : public pool::Pooled {
public:
    // A node that holds more events than this is split.
    static constexpr std::size_t branch_above = 5;

    Node(Node* above, IndexValue value, std::size_t depth) noexcept
        : parent(above), level(depth), key_(std::move(value)) {}

    const IndexValue& key() const noexcept { return key_; }

    Node* parent;
    std::size_t level;
    std::size_t here = 0;          // events in `slots`
    std::size_t deeper = 0;        // those of them whose path continues below
    List<BlockedEventSlot> slots;  // events whose path ends here; all events of an unsplit node
    std::unique_ptr<NodeMap<Node>> children;  // set once the node is split

    bool goes_on(const BlockedEventSlot& slot) const noexcept {
        return level < slot.event->levels();
    }
    void hold(BlockedEventSlot& slot) noexcept {
        slot.node = this;
        slots.push_back(slot);
        ++here;
        deeper += goes_on(slot) ? 1U : 0U;
    }
    void let_go(BlockedEventSlot& slot) noexcept {
        List<BlockedEventSlot>::remove(slot);
        --here;
        deeper -= goes_on(slot) ? 1U : 0U;
    }
    // Returns the child for the event's value at this level, and makes it if needed.
    Node& child_for(const Event& event);

private:
    IndexValue key_;
};

// Events of a type that are not in the tree.
struct BlockedEvents::Listed {
    std::uint64_t type_id = 0;
    List<BlockedEventSlot> slots;

    bool may_match(const Matcher& matcher) const noexcept {
        if (slots.empty()) {
            return false;
        }
        const auto path = matcher.path();
        return path.empty() || path[0].is_any() || path[0] == slots.front().event->at(0);
    }
};

BlockedEvents::BlockedEvents(PredicateFailed predicate_failed)
    : root_(std::make_unique<Node>(nullptr, IndexValue(), 0)),
      predicate_failed_(std::move(predicate_failed)) {}

BlockedEvents::Node& BlockedEvents::Node::child_for(const Event& event) {
    const IndexValue& value = event.at(level);
    if (Node* child = children->find(value)) {
        return *child;
    }
    auto made = std::make_unique<Node>(this, value, level + 1);
    children->insert(*made);
    return *made.release();
}

BlockedEvents::~BlockedEvents() {
    for (const auto& list : listed_) {
        let_go(list->slots);
    }
    let_go_below(*root_);
}

void BlockedEvents::let_go(List<BlockedEventSlot>& slots) noexcept {
    while (!slots.empty()) {
        const std::unique_ptr<BlockedEventSlot> slot(&slots.pop_front());
        slot->event->blocked_slot_ = nullptr;
    }
}

// Recursion is bounded by the number of levels of the events' types.
void BlockedEvents::let_go_below(Node& node) noexcept {
    let_go(node.slots);
    if (node.children != nullptr) {
        node.children->for_each([](Node& child) {
            let_go_below(child);
            delete &child;
        });
    }
}

// A list that is empty is used for another type.
inline BlockedEvents::Listed& BlockedEvents::list_of(const EventType& type) {
    if (Listed* const* const last = last_lists_.find(type)) [[likely]] {
        return **last;
    }
    Listed* found = nullptr;
    for (const auto& list : listed_) {
        if (list->type_id == type.id()) {
            found = list.get();
            break;
        }
        if (list->slots.empty()) {
            found = list.get();
        }
    }
    if (found == nullptr) {
        found = listed_.emplace_back(std::make_unique<Listed>()).get();
    }
    if (found->type_id != type.id()) {
        last_lists_.clear();
        found->type_id = type.id();
    }
    last_lists_.remember(type, found);
    return *found;
}

bool BlockedEvents::may_be_listed(const Matcher& matcher) const noexcept {
    return std::any_of(listed_.begin(), listed_.end(),
                       [&](const auto& list) { return list->may_match(matcher); });
}

void BlockedEvents::insert(Event& event) {
    if (event.blocked_slot_ != nullptr) {
        return;
    }
    Listed& list = list_of(event.type());
    auto* const slot = new BlockedEventSlot();  // deleted by remove_held()
    slot->event = Ref<Event>(&event);
    slot->arrival = arrivals_++;
    list.slots.push_back(*slot);
    event.blocked_slot_ = slot;
    ++size_;
}

// Moves an event from its list to the tree.
void BlockedEvents::enter(BlockedEventSlot& slot) {
    Node* node = root_.get();
    while (node->children != nullptr && node->goes_on(slot)) {
        node = &node->child_for(*slot.event);
    }
    node->hold(slot);
    ++entered_;
    split_if_many(*node);
}

// Moves the events whose path continues one level down. An event that stays is still found, so that
// running out of memory does no harm.
void BlockedEvents::split_if_many(Node& node) noexcept {
    if (node.children != nullptr || node.deeper <= Node::branch_above) {
        return;
    }
    try {
        node.children = std::make_unique<NodeMap<Node>>();
        BlockedEventSlot* next = &node.slots.front();
        while (BlockedEventSlot* slot = next) {
            next = node.slots.next(*slot);
            if (node.goes_on(*slot)) {
                Node& child = node.child_for(*slot->event);
                node.let_go(*slot);
                child.hold(*slot);
                split_if_many(child);
            }
        }
    } catch (const std::bad_alloc&) {
        if (node.children != nullptr && node.children->empty()) {
            node.children.reset();
        }
    }
}

void BlockedEvents::remove_held(Event& event) noexcept {
    BlockedEventSlot* const slot = std::exchange(event.blocked_slot_, nullptr);
    --size_;
    Node* node = slot->node;
    if (node == nullptr) {
        delete slot;
        return;
    }
    --entered_;
    node->let_go(*slot);
    delete slot;
    while (node->parent != nullptr && node->here == 0 && node->children == nullptr) {
        Node* parent = node->parent;
        parent->children->erase(*node);
        if (parent->children->empty()) {
            parent->children.reset();
        }
        delete node;
        node = parent;
    }
}

bool BlockedEvents::judge(const Matcher& matcher, const Event& event) const noexcept {
    try {
        return matcher.judge(event);
    } catch (...) {
        if (predicate_failed_) {
            predicate_failed_(matcher, event);
        }
        return false;
    }
}

// Appends the matching events at the node and below. Requires that the path to the node matches.
void BlockedEvents::collect(Node& node, const Matcher& matcher, std::vector<Event*>& found) {
    for (BlockedEventSlot& slot : node.slots) {
        if (matcher.matches_path(*slot.event, node.level) && judge(matcher, *slot.event)) {
            found.push_back(slot.event.get());
        }
    }
    if (node.children == nullptr) {
        return;
    }
    const auto path = matcher.path();
    if (node.level < path.size() && !path[node.level].is_any()) {
        if (Node* child = node.children->find(path[node.level])) {
            collect(*child, matcher, found);
        }
    } else {
        node.children->for_each([&](Node& child) { collect(child, matcher, found); });
    }
}

void BlockedEvents::take(const Matcher& matcher, std::vector<Ref<Event>>& taken) {
    for (const auto& list : listed_) {
        if (list->may_match(matcher)) {
            while (!list->slots.empty()) {
                enter(list->slots.front());
            }
        }
    }
    if (entered_ == 0) {
        return;
    }
    std::vector<Event*> found;
    // The walk visits events in the order of the tree's nodes, but callers expect the order of
    // arrival.
    collect(*root_, matcher, found);
    std::sort(found.begin(), found.end(), [](const Event* a, const Event* b) {
        return a->blocked_slot_->arrival < b->blocked_slot_->arrival;
    });
    // Reserved first: once an event has left the tree nothing may fail.
    taken.reserve(taken.size() + found.size());
    for (Event* event : found) {
        taken.emplace_back(event);
        remove(*event);
    }
}

void BlockedEvents::for_each(const std::function<void(const Event&)>& visit) const {
    for (const auto& list : listed_) {
        for (const BlockedEventSlot& slot : list->slots) {
            visit(*slot.event);
        }
    }
    std::vector<const Node*> nodes{root_.get()};
    for (std::size_t i = 0; i != nodes.size(); ++i) {
        for (const BlockedEventSlot& slot : nodes[i]->slots) {
            visit(*slot.event);
        }
        if (nodes[i]->children != nullptr) {
            nodes[i]->children->for_each([&](Node& child) { nodes.push_back(&child); });
        }
    }
}

}  // namespace weir
