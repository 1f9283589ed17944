#include "core/event_tree.h"

#include <algorithm>

#include "core/list.h"
#include "core/node_map.h"
#include "core/pool.h"

namespace weir {

// One event's place in the tree.
struct EventTreePlace : Link<EventTreePlace>, pool::Pooled {
    Ref<Event> event;
    EventTree::Node* node = nullptr;
    std::uint64_t arrival = 0;
};

class EventTree::Node : public pool::Pooled {
public:
    // How many events a node holds before it is split.
    static constexpr std::size_t branch_above = 5;

    Node(Node* above, IndexValue value, std::size_t depth) noexcept
        : parent(above), level(depth), key_(std::move(value)) {}

    const IndexValue& key() const noexcept { return key_; }

    Node* parent;
    std::size_t level;
    std::size_t here = 0;         // events in `places`
    List<EventTreePlace> places;  // those whose path ends here, and all of an unsplit node
    std::unique_ptr<NodeMap<Node>> children;  // set once the node is split

private:
    IndexValue key_;
};

EventTree::EventTree(PredicateFailed predicate_failed)
    : root_(std::make_unique<Node>(nullptr, IndexValue(), 0)),
      predicate_failed_(std::move(predicate_failed)) {}

EventTree::~EventTree() {
    std::vector<Event*> events;
    for_each([&](const Event& event) { events.push_back(const_cast<Event*>(&event)); });
    for (Event* event : events) {
        remove(*event);
    }
}

void EventTree::insert(Event& event) {
    auto place = std::make_unique<EventTreePlace>();
    place->event = Ref<Event>(&event);
    place->arrival = arrivals_++;
    place_below(*root_, *place);
    event.place_ = place.release();
    ++size_;
}

void EventTree::place_below(Node& from, EventTreePlace& place) {
    Node* node = &from;
    const Event& event = *place.event;
    while (node->children != nullptr && node->level < event.levels()) {
        const IndexValue& value = event.at(node->level);
        Node* child = node->children->find(value);
        if (child == nullptr) {
            auto made = std::make_unique<Node>(node, value, node->level + 1);
            node->children->insert(*made);
            child = made.release();
        }
        node = child;
    }
    place.node = node;
    node->places.push_back(place);
    ++node->here;
    if (node->children == nullptr && node->here > Node::branch_above) {
        // Those whose path ends here stay; the others go one level down.
        std::vector<EventTreePlace*> deeper;
        for (EventTreePlace& held : node->places) {
            if (node->level < held.event->levels()) {
                deeper.push_back(&held);
            }
        }
        if (deeper.empty()) {
            return;
        }
        node->children = std::make_unique<NodeMap<Node>>();
        for (EventTreePlace* held : deeper) {
            List<EventTreePlace>::remove(*held);
            --node->here;
            place_below(*node, *held);
        }
    }
}

void EventTree::remove(Event& event) noexcept {
    EventTreePlace* place = std::exchange(event.place_, nullptr);
    if (place == nullptr) {
        return;
    }
    --size_;
    Node* node = place->node;
    --node->here;
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

bool EventTree::judge(const Matcher& matcher, const Event& event) const noexcept {
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
void EventTree::collect(Node& node, const Matcher& matcher, std::vector<Event*>& found) {
    for (EventTreePlace& place : node.places) {
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

void EventTree::take(const Matcher& matcher, std::vector<Ref<Event>>& taken) {
    if (size_ == 0) {
        return;
    }
    std::vector<Event*> found;
    collect(*root_, matcher, found);
    std::sort(found.begin(), found.end(), [](const Event* a, const Event* b) {
        return a->place_->arrival < b->place_->arrival;
    });
    for (Event* event : found) {
        taken.emplace_back(event);
        remove(*event);
    }
}

void EventTree::for_each(const std::function<void(const Event&)>& visit) const {
    std::vector<const Node*> nodes{root_.get()};
    for (std::size_t i = 0; i != nodes.size(); ++i) {
        for (const EventTreePlace& place : nodes[i]->places) {
            visit(*place.event);
        }
        if (nodes[i]->children != nullptr) {
            nodes[i]->children->for_each([&](Node& child) { nodes.push_back(&child); });
        }
    }
}

}  // namespace weir
