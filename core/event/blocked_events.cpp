#include "core/event/blocked_events.h"

#include <algorithm>
#include <new>

#include "core/base/list.h"
#include "core/base/pool.h"
#include "core/event/node_map.h"

namespace weir {

// One event's place in the tree.
struct BlockedEventSlot : Link<BlockedEventSlot>, pool::Pooled {
    Ref<Event> event;
    BlockedEvents::Node* node = nullptr;
    std::uint64_t arrival = 0;
};

class BlockedEvents::Node : public pool::Pooled {
public:
    // How many events a node holds before it is split.
    static constexpr std::size_t branch_above = 5;

    Node(Node* above, IndexValue value, std::size_t depth) noexcept
        : parent(above), level(depth), key_(std::move(value)) {}

    const IndexValue& key() const noexcept { return key_; }

    Node* parent;
    std::size_t level;
    std::size_t here = 0;           // events in `places`
    std::size_t deeper = 0;         // of them, those whose path goes on below
    List<BlockedEventSlot> places;  // those whose path ends here, and all of an unsplit node
    std::unique_ptr<NodeMap<Node>> children;  // set once the node is split

    bool goes_on(const BlockedEventSlot& place) const noexcept {
        return level < place.event->levels();
    }
    void hold(BlockedEventSlot& place) noexcept {
        place.node = this;
        places.push_back(place);
        ++here;
        deeper += goes_on(place) ? 1U : 0U;
    }
    void let_go(BlockedEventSlot& place) noexcept {
        List<BlockedEventSlot>::remove(place);
        --here;
        deeper -= goes_on(place) ? 1U : 0U;
    }
    // The child for the event's value at this level, made if it is not there.
    Node& child_for(const Event& event);

private:
    IndexValue key_;
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
    let_go_below(*root_);
}

// Recursion is bounded by the number of levels of the events' types.
void BlockedEvents::let_go_below(Node& node) noexcept {
    while (!node.places.empty()) {
        const std::unique_ptr<BlockedEventSlot> place(&node.places.pop_front());
        place->event->place_ = nullptr;
    }
    if (node.children != nullptr) {
        node.children->for_each([](Node& child) {
            let_go_below(child);
            delete &child;
        });
    }
}

void BlockedEvents::insert(Event& event, std::uint64_t arrival) {
    auto place = std::make_unique<BlockedEventSlot>();
    place->event = Ref<Event>(&event);
    place->arrival = arrival;
    Node* node = root_.get();
    while (node->children != nullptr && node->goes_on(*place)) {
        node = &node->child_for(event);
    }
    node->hold(*place);
    event.place_ = place.release();
    ++size_;
    split_if_many(*node);
}

// Sends those events one level down whose path goes on. They may as well stay, so that a lack of
// memory does no harm.
void BlockedEvents::split_if_many(Node& node) noexcept {
    if (node.children != nullptr || node.deeper <= Node::branch_above) {
        return;
    }
    try {
        node.children = std::make_unique<NodeMap<Node>>();
        BlockedEventSlot* next = &node.places.front();
        while (BlockedEventSlot* place = next) {
            next = node.places.next(*place);
            if (node.goes_on(*place)) {
                Node& child = node.child_for(*place->event);
                node.let_go(*place);
                child.hold(*place);
                split_if_many(child);
            }
        }
    } catch (const std::bad_alloc&) {
        if (node.children != nullptr && node.children->empty()) {
            node.children.reset();
        }
    }
}

void BlockedEvents::remove(Event& event) noexcept {
    BlockedEventSlot* place = std::exchange(event.place_, nullptr);
    if (place == nullptr) {
        return;
    }
    --size_;
    Node* node = place->node;
    node->let_go(*place);
    delete place;
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

// The events at the node and below that match, where the path up to the node is known to match.
void BlockedEvents::collect(Node& node, const Matcher& matcher, std::vector<Event*>& found) {
    for (BlockedEventSlot& place : node.places) {
        if (matcher.matches_path(*place.event, node.level) && judge(matcher, *place.event)) {
            found.push_back(place.event.get());
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
    for (Keeper& keeper : keepers_) {
        const auto path = matcher.path();
        if (keeper.kept_ != 0 &&
            (path.empty() || path[0].is_any() || path[0] == keeper.type_.levels()[0].fixed)) {
            keeper.show(*this);
        }
    }
    if (size_ == 0) {
        return;
    }
    std::vector<Event*> found;
    collect(*root_, matcher, found);
    std::sort(found.begin(), found.end(), [](const Event* a, const Event* b) {
        return a->place_->arrival < b->place_->arrival;
    });
    taken.reserve(taken.size() + found.size());
    for (Event* event : found) {
        taken.emplace_back(event);
        remove(*event);
    }
}

void BlockedEvents::for_each(const std::function<void(const Event&)>& visit) {
    for (Keeper& keeper : keepers_) {
        if (keeper.kept_ != 0) {
            keeper.show(*this);
        }
    }
    std::vector<const Node*> nodes{root_.get()};
    for (std::size_t i = 0; i != nodes.size(); ++i) {
        for (const BlockedEventSlot& place : nodes[i]->places) {
            visit(*place.event);
        }
        if (nodes[i]->children != nullptr) {
            nodes[i]->children->for_each([&](Node& child) { nodes.push_back(&child); });
        }
    }
}

}  // namespace weir
