#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/base/list.h"
#include "core/event/event.h"
#include "core/event/matcher.h"
#include "core/event/type_cache.h"

namespace weir {

/// The blocked events: those that may not be dropped and that no routine has processed yet. A new
/// matcher takes out the events that it matches.
///
/// Most blocked events are never searched. So an event first stands in a list of its type, and is
/// entered in the tree by the first search that concerns the type. The tree is a trie like
/// MatchTree, but of events. A node is split into one child per value only when it holds more than
/// a few events.
///
/// Holds a reference to each event. Not thread-safe.
class BlockedEvents {
public:
    using PredicateFailed = std::function<void(const Matcher&, const Event&)>;

    explicit BlockedEvents(PredicateFailed predicate_failed = {});
    ~BlockedEvents();
    BlockedEvents(const BlockedEvents&) = delete;
    BlockedEvents& operator=(const BlockedEvents&) = delete;

    std::size_t size() const noexcept { return size_; }
    /// Returns whether an event could match. False is certain.
    bool may_hold(const Matcher& matcher) const noexcept {
        return size_ != 0 && (entered_ != 0 || may_be_listed(matcher));
    }

    /// Inserts the event, as the last that arrived. One that the tree holds already keeps its
    /// arrival. Requires that no other tree holds it. Throws std::bad_alloc and then leaves the
    /// tree unchanged.
    void insert(Event& event);
    /// Returns whether a tree holds the event.
    static bool holds(const Event& event) noexcept { return event.blocked_slot_ != nullptr; }
    /// Removes the event if the tree holds it.
    void remove(Event& event) noexcept {
        if (holds(event)) [[unlikely]] {
            remove_held(event);
        }
    }
    /// Moves all matching events to the end of `taken`, in order of their arrival. Throws
    /// std::bad_alloc and then leaves the tree unchanged.
    void take(const Matcher& matcher, std::vector<Ref<Event>>& taken);

    /// Calls the function for every event, in no particular order.
    void for_each(const std::function<void(const Event&)>& visit) const;

    class Node;

private:
    struct Listed;

    Listed& list_of(const EventType& type);
    bool may_be_listed(const Matcher& matcher) const noexcept;
    void enter(BlockedEventSlot& slot);
    void remove_held(Event& event) noexcept;
    void collect(Node& node, const Matcher& matcher, std::vector<Event*>& found);
    bool judge(const Matcher& matcher, const Event& event) const noexcept;
    void split_if_many(Node& node) noexcept;
    static void let_go(List<BlockedEventSlot>& slots) noexcept;
    static void let_go_below(Node& node) noexcept;

    std::unique_ptr<Node> root_;
    std::size_t entered_ = 0;                      // in the tree
    std::vector<std::unique_ptr<Listed>> listed_;  // one of each type
    TypeCache<Listed*> last_lists_;
    std::size_t size_ = 0;  // of all
    std::uint64_t arrivals_ = 0;
    PredicateFailed predicate_failed_;
};

}  // namespace weir
