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

// Whoever can be matched by several matchers, all in one tree, but is to be found once for each
// event.
class Matchable {
    friend class MatchTree;
    std::uint64_t found_by_ = 0;  // the search that found it last
};

// A trie of matchers: finds all that match an event, however many there are, by following the
// event's path. At each level it goes first where the value is the event's, then where the matcher
// takes any value, then to the matchers that end there in order of insertion: the most specific
// match comes first.
//
// Entries are owned by whoever inserts them; one that is destroyed leaves the tree.
class MatchTree {
public:
    class Node;

    // What is found. `matcher` may be empty: then the entry matches whatever reaches its node.
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

        // Brings it into the cache, with the lines around it, for most often it is inside its
        // object.
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
        bool has_predicate_ = false;  // the matcher's: a search looks at no more of it
    };

    using PredicateFailed = std::function<void(const Matcher&, const Event&)>;

    // `predicate_failed` is called, in the handler of the exception, for a predicate that threw;
    // such a predicate does not match.
    explicit MatchTree(PredicateFailed predicate_failed = {});
    ~MatchTree();
    MatchTree(const MatchTree&) = delete;
    MatchTree& operator=(const MatchTree&) = delete;

    // Whether there is neither an entry nor a node but the root.
    bool empty() const noexcept;

    // Inserts at the end of the path of the entry's matcher. Requires that it is in no tree.
    void insert(Entry& entry);
    // Takes the entry out of the tree that it is in, if any.
    static void remove(Entry& entry) noexcept;

    // Whether there is an entry that an event of the type could match.
    bool may_match(const EventType& type) const noexcept;
    // Appends the first matching entry of each object that matches.
    void match_all(const Event& event, std::vector<Entry*>& found);
    // Brings into the cache what match_all will touch of an event that comes soon, in steps, each
    // of which needs what the one before has brought: 0 and 1. From then on it gives the entry that
    // will probably be found, or null.
    const Entry* look_ahead(const Event& event, std::size_t step) const noexcept;
    // The first matching entry, or null.
    Entry* match_first(const Event& event) const;
    // The same; `by_type` becomes false unless all events of that type have the same.
    Entry* match_first(const Event& event, bool& by_type) const;

    // For trees whose nodes are kept by somebody, as the queues of a queue tree do: the root; the
    // node at the end of the path (made if it is not there), which lives as long as an entry is
    // there or below; an insertion at a node.
    Node& root() noexcept;
    static Node& descend(Node& from, const Matcher& matcher);
    // The node at the end of the path, which from now on lives as long as the tree: for matchers
    // that come and go all the time.
    Node& keep(const Matcher& matcher);
    static void insert_at(Node& node, Entry& entry) noexcept;
    // Puts an entry behind the others at its node.
    static void move_to_end(Entry& entry) noexcept;
    // As match_first, among the entries at the node and below.
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
