#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/base/list.h"
#include "core/event/event.h"
#include "core/event/matcher.h"

namespace weir {

class EventCounts;

/// An object that may be registered under several matchers of one tree. A search returns it at most
/// once.
class Matchable {
    friend class MatchTree;
    std::uint64_t found_by_ = 0;  // the last search that found it
};

/// A trie of matchers. Finds all matchers that match an event by following the path of the event's
/// index values; how long that takes does not depend on how many matchers there are.
///
/// The order of the result is part of the contract, most specific first: at each level come the
/// matchers with the event's own value, then those that take any value, then those that end there,
/// in order of insertion.
///
/// The caller owns the entries; a destroyed entry leaves the tree. Belongs to one thread.
class MatchTree {
public:
    class Node;

    /// A matcher in the tree, and the object that is registered under it.
    class Entry : public Link<Entry> {
    public:
        Entry() = default;
        explicit Entry(Matchable& object, Matcher matched = {}) noexcept
            : matcher(std::move(matched)), object_(&object) {}
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;
        ~Entry() {
            if (node_ != nullptr) {
                MatchTree::remove(*this);
            }
        }

        /// Returns whether the entry is in a tree.
        bool inserted() const noexcept { return node_ != nullptr; }
        Matchable* object() const noexcept { return object_; }

        /// An empty matcher matches whatever reaches the entry's node. Must not change while
        /// inserted, except to a matcher of the same_events().
        Matcher matcher;

    private:
        friend class MatchTree;

        Matchable* object_ = nullptr;
        Node* node_ = nullptr;
        // Copied from the matcher, so that a search need not touch that.
        bool has_predicate_ = false;
    };

    using PredicateFailed = std::function<void(const Matcher&, const Event&)>;

    /// `predicate_failed` is called for a predicate that threw, in the handler of the exception.
    /// Such a predicate does not match. `counts`, which must outlive the tree, counts the events by
    /// type for which match_only() is called; the tree knows where, from its last search.
    explicit MatchTree(PredicateFailed predicate_failed = {}, EventCounts* counts = nullptr);
    ~MatchTree();
    MatchTree(const MatchTree&) = delete;
    MatchTree& operator=(const MatchTree&) = delete;

    /// Returns whether there is no entry.
    bool empty() const noexcept;

    /// Inserts an entry at the end of its matcher's path. Requires that it is in no tree.
    void insert(Entry& entry);
    /// Removes an entry from its tree; does nothing if it is in none.
    static void remove(Entry& entry) noexcept;

    /// Returns whether an event of the type could match an entry. False is certain.
    bool may_match(const EventType& type) noexcept;
    /// Appends, for each object that matches, its first entry.
    void match_all(const Event& event, std::vector<Entry*>& found);
    /// The same, but if there is one such entry, returns it and appends nothing: most events match
    /// one. Returns null otherwise. Throws std::bad_alloc and then leaves `found` unchanged.
    Entry* match_only(const Event& event, std::vector<Entry*>& found);
    /// Counts an event of the type that need not be searched for, as match_only() does.
    void count(const EventType& type) noexcept;
    /// Returns the first entry that matches, or null.
    Entry* match_first(const Event& event) const;
    /// The same. Sets `by_type` to false unless all events of the type have this result.
    Entry* match_first(const Event& event, bool& by_type);

    // --- for trees whose nodes a caller refers to, as the queues of a queue tree do

    Node& root() noexcept;
    /// Returns the node at the end of the path, and makes it if it is not there. It lives as long
    /// as an entry is there or below.
    static Node& descend(Node& from, const Matcher& matcher);
    static void insert_at(Node& node, Entry& entry) noexcept;
    /// Moves an entry behind the other entries of its node.
    static void move_to_end(Entry& entry) noexcept;
    /// As match_first, among the entries at the node and below.
    Entry* match_first_below(const Node& node, const Event& event) const;

    // --- for prefetching (core/run/prefetch.h): what a search for an event will touch

    /// A range of memory; empty if nothing is known.
    struct Range {
        const void* address = nullptr;
        std::size_t size = 0;
    };
    /// Returns where the search begins in the first large table on the event's path. Small tables
    /// do not count: they are in the cache anyway.
    Range likely_slot(const Event& event) const noexcept;
    /// Returns the node that is found there. Reads that slot.
    Range likely_node(const Event& event) const noexcept;
    /// Returns the first entry of that node; null if there is none. Reads that node.
    const Entry* likely_entry(const Event& event) const noexcept;

private:
    class Root;
    struct LargeTable;

    Entry* match_first(const Node& node, const Event& event, std::size_t level,
                       bool& by_type) const;
    void match_all(const Node& from, const Event& event, std::size_t level,
                   std::vector<Entry*>& found);
    [[gnu::noinline]] Entry* match_only(const Node& from, const Event& event,
                                        std::vector<Entry*>& found);
    static const Node* only_way(const Node& from, const Event& event, std::size_t& level) noexcept;
    LargeTable large_table(const Event& event) const noexcept;
    const Node* guess(const Event& event) const noexcept;
    static std::size_t level_of(const Node& node) noexcept;
    bool judge(const Entry& entry, const Event& event) const noexcept;
    static void prune(Node* node) noexcept;
    static void let_go_below(Node& node) noexcept;

    std::unique_ptr<Root> root_;
    PredicateFailed predicate_failed_;
    std::uint64_t searches_ = 0;
};

}  // namespace weir
