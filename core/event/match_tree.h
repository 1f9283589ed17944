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

/// An object that may be registered under several matchers of one tree; a search returns it at most
/// once.
class Matchable {
    friend class MatchTree;
    std::uint64_t found_by_ = 0;  // the last search that found it
};

/// A trie of matchers: finds all matchers that match an event by following the event's path,
/// however many there are. At each level a search visits first the child of the event's value, then
/// the child of matchers that take any value, then the matchers that end there in order of
/// insertion. The most specific match therefore comes first.
///
/// Callers own the entries; an entry that is destroyed leaves its tree. Not thread-safe.
class MatchTree {
public:
    class Node;

    /// A matcher in the tree, and the object that a search finds by it. An empty `matcher` matches
    /// every event that reaches its node.
    class Entry : public Link<Entry> {
    public:
        Entry() = default;
        explicit Entry(Matchable& object, Matcher matched = {}) noexcept
            : matcher(std::move(matched)), object_(&object) {}
        Entry(const Entry&) = delete;
        Entry& operator=(const Entry&) = delete;
        ~Entry() { MatchTree::remove(*this); }

        bool inserted() const noexcept { return node_ != nullptr; }
        Matchable* object() const noexcept { return object_; }

        /// Loads the entry into the cache with the lines around it, because it is usually a member
        /// of its object.
        void prefetch() const noexcept {
            const char* const at = reinterpret_cast<const char*>(this);
            for (const std::ptrdiff_t line : {-64, 0, 64, 128}) {
                __builtin_prefetch(at + line);
            }
        }

        Matcher matcher;

    private:
        friend class MatchTree;

        Matchable* object_ = nullptr;
        Node* node_ = nullptr;
        // Copied from the matcher, so that a search need not touch that.
        bool has_predicate_ = false;
    };

    using PredicateFailed = std::function<void(const Matcher&, const Event&)>;

    /// Calls `predicate_failed`, inside the exception's handler, when a predicate throws. Such a
    /// predicate does not match.
    explicit MatchTree(PredicateFailed predicate_failed = {});
    ~MatchTree();
    MatchTree(const MatchTree&) = delete;
    MatchTree& operator=(const MatchTree&) = delete;

    /// Returns whether the tree has no entry and no node but the root.
    bool empty() const noexcept;

    /// Inserts at the end of the path of the entry's matcher. Requires that the entry is in no
    /// tree.
    void insert(Entry& entry);
    /// Removes the entry from its tree, if it is in one.
    static void remove(Entry& entry) noexcept;

    /// Returns whether the tree has an entry that an event of the type could match.
    bool may_match(const EventType& type) const noexcept;
    /// Appends the first matching entry of each object that matches.
    void match_all(const Event& event, std::vector<Entry*>& found);
    /// Loads into the cache what match_all() will touch for an event that is sent soon. Steps 0 and
    /// 1 each need what the step before has loaded, and return null. Later steps return the entry
    /// that will probably be found, or null.
    const Entry* look_ahead(const Event& event, std::size_t step) const noexcept;
    /// Returns the first matching entry, or null.
    Entry* match_first(const Event& event) const;
    /// The same. Sets `by_type` to false unless all events of that type have the same result.
    Entry* match_first(const Event& event, bool& by_type) const;

    /// For owners that keep nodes, such as the queues of a queue tree. descend() returns the node
    /// at the end of the path, and makes it if needed; the node lives as long as an entry is at it
    /// or below.
    Node& root() noexcept;
    static Node& descend(Node& from, const Matcher& matcher);
    /// Returns the node at the end of the path, which from now on lives as long as the tree. For
    /// matchers that are inserted and removed all the time.
    Node& keep(const Matcher& matcher);
    static void insert_at(Node& node, Entry& entry) noexcept;
    /// Moves an entry behind the other entries of its node.
    static void move_to_end(Entry& entry) noexcept;
    /// Like match_first(), among the entries at the node and below.
    Entry* match_first_below(const Node& node, const Event& event) const;

private:
    class Root;

    Entry* match_first(const Node& node, const Event& event, std::size_t level,
                       bool& by_type) const;
    void match_all(const Node& from, const Event& event, std::size_t level,
                   std::vector<Entry*>& found) const;
    static std::size_t level_of(const Node& node) noexcept;
    bool judge(const Entry& entry, const Event& event) const noexcept;
    static void prune(Node* node) noexcept;
    static void let_go_below(Node& node) noexcept;

    std::unique_ptr<Root> root_;
    PredicateFailed predicate_failed_;
    std::uint64_t searches_ = 0;
};

}  // namespace weir
