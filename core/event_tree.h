#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/event.h"
#include "core/matcher.h"

namespace weir {

// The blocked events: those that nobody has processed yet and that may not be dropped. A new
// matcher takes out those that it matches. A trie like MatchTree, but of events; a node is split
// into one child per value only when it holds more than a few.
//
// Holds a reference to each event.
class EventTree {
public:
    using PredicateFailed = std::function<void(const Matcher&, const Event&)>;

    explicit EventTree(PredicateFailed predicate_failed = {});
    ~EventTree();
    EventTree(const EventTree&) = delete;
    EventTree& operator=(const EventTree&) = delete;

    std::size_t size() const noexcept { return size_; }

    // Requires that the event is in no tree. On failure nothing has changed.
    void insert(Event& event);
    // Takes the event out, if it is in.
    void remove(Event& event) noexcept;
    // Appends all events that match, in order of their arrival, to `taken`; they leave the tree. On
    // failure nothing has changed.
    void take(const Matcher& matcher, std::vector<Ref<Event>>& taken);

    // Calls the function for every event, in no particular order.
    void for_each(const std::function<void(const Event&)>& visit) const;

    class Node;

private:
    void collect(Node& node, const Matcher& matcher, std::vector<Event*>& found);
    bool judge(const Matcher& matcher, const Event& event) const noexcept;
    void split_if_many(Node& node) noexcept;
    static void let_go_below(Node& node) noexcept;

    std::unique_ptr<Node> root_;
    std::size_t size_ = 0;
    std::uint64_t arrivals_ = 0;
    PredicateFailed predicate_failed_;
};

}  // namespace weir
