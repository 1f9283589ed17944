#include "core/event/match_tree.h"

#include <cassert>

#include "core/base/pool.h"
#include "core/event/event_counts.h"
#include "core/event/node_map.h"
#include "core/event/type_cache.h"

namespace weir {

// What is below a node that is not a leaf.
struct MatchBranch : pool::Pooled {
    MatchTree::Node* any = nullptr;
    NodeMap<MatchTree::Node> exact;

    bool needless() const noexcept { return any == nullptr && exact.empty(); }
};

class MatchTree::Node : public pool::Pooled {
public:
    Node(Node* parent, IndexValue key) noexcept : parent_(parent), key_(std::move(key)) {}

    const IndexValue& key() const noexcept { return key_; }

private:
    friend class MatchTree;

    bool vacant() const noexcept { return entries_.empty() && branch_ == nullptr; }
    Root& root() noexcept;
    // Called when another way down from here has come, or gone.
    void changed() noexcept;

    // There is a node for each matcher that differs: 56 bytes, in a line or two of the cache.
    Node* parent_;
    List<Entry> entries_;
    std::unique_ptr<MatchBranch> branch_;
    IndexValue key_;  // none: the parent's "any" node
};

class MatchTree::Root : public Node {
public:
    // Where searches for events of a type begin: at the only node below the root that can match, or
    // at the root if there are several ways to go on; null if nothing can match.
    // Aligned so that a shift finds the slot of a type in the cache.
    struct alignas(16) Start {
        const Node* node = nullptr;
        std::uint64_t* count = nullptr;  // of the type
    };

    explicit Root(EventCounts* counts) noexcept : Node(nullptr, IndexValue()), counts_(counts) {}

    void leave_vacant(Node& node) noexcept {
        if (vacant_ != &node) {
            drop_vacant();
            vacant_ = &node;
        }
    }
    void drop_vacant() noexcept {
        if (Node* const node = std::exchange(vacant_, nullptr)) {
            prune(node);
        }
    }
    void forget_vacant(const Node& node) noexcept {
        if (vacant_ == &node) {
            vacant_ = nullptr;
        }
    }

    // Returns whether the only node below is the vacant one, with those on the way to it.
    bool has_only_vacant() const noexcept;

    // Null if it has to be found.
    const Start* known_start(const EventType& type) const noexcept { return starts_.find(type); }
    const Start& find_start(const EventType& type) noexcept;
    const Node* start(const EventType& type) noexcept {
        const Start* const known = known_start(type);
        return known != nullptr ? known->node : find_start(type).node;
    }
    // Apart, so that a search whose start is known has no call in its way.
    [[gnu::noinline]] static Entry* match_only_anew(MatchTree& tree, const Event& event,
                                                    std::vector<Entry*>& found);
    std::size_t level_of_start(const Node& start) const noexcept { return &start == this ? 0 : 1; }
    // Called when a node or an entry directly below or at the root has come or gone.
    void ways_changed() noexcept { starts_.clear(); }

private:
    TypeCache<Start> starts_;
    EventCounts* const counts_;  // null: searches are not counted
    std::uint64_t uncounted_ = 0;
    // The node that became vacant last. It stays until another one does: a routine that waits again
    // and again most often waits for the same, and needs the same node.
    Node* vacant_ = nullptr;
};

const MatchTree::Root::Start& MatchTree::Root::find_start(const EventType& type) noexcept {
    const MatchBranch* const branch = branch_.get();
    const Node* const exact =
        branch == nullptr ? nullptr : branch->exact.find(type.levels()[0].fixed);
    const Node* const other = branch == nullptr ? nullptr : branch->any;
    const bool several = !entries_.empty() || (exact != nullptr && other != nullptr);
    const Node* const start = several ? this : exact != nullptr ? exact : other;
    return starts_.remember(type, {start, counts_ != nullptr ? &counts_->of(type) : &uncounted_});
}

bool MatchTree::Root::has_only_vacant() const noexcept {
    if (vacant_ == nullptr || !vacant_->vacant()) {
        return false;
    }
    for (const Node* node = vacant_->parent_; node != nullptr; node = node->parent_) {
        const MatchBranch& branch = *node->branch_;
        const std::size_t children = branch.exact.size() + (branch.any != nullptr ? 1 : 0);
        if (children != 1 || !node->entries_.empty()) {
            return false;
        }
    }
    return true;
}

MatchTree::Root& MatchTree::Node::root() noexcept {
    Node* node = this;
    while (node->parent_ != nullptr) {
        node = node->parent_;
    }
    return static_cast<Root&>(*node);
}

void MatchTree::Node::changed() noexcept {
    if (parent_ == nullptr) {
        static_cast<Root&>(*this).ways_changed();
    }
}

MatchTree::Node& MatchTree::root() noexcept {
    return *root_;
}

MatchTree::MatchTree(PredicateFailed predicate_failed, EventCounts* counts)
    : root_(std::make_unique<Root>(counts)), predicate_failed_(std::move(predicate_failed)) {}

MatchTree::~MatchTree() {
    let_go_below(*root_);
}

// Lets go of the entries, whose owners may outlive the tree, and deletes the nodes below. Recursion
// is bounded by the length of the longest path.
void MatchTree::let_go_below(Node& node) noexcept {
    while (!node.entries_.empty()) {
        node.entries_.pop_front().node_ = nullptr;
    }
    if (node.branch_ == nullptr) {
        return;
    }
    const auto drop = [](Node& child) {
        let_go_below(child);
        delete &child;
    };
    node.branch_->exact.for_each(drop);
    if (node.branch_->any != nullptr) {
        drop(*node.branch_->any);
    }
}

bool MatchTree::empty() const noexcept {
    return root_->entries_.empty() && (root_->branch_ == nullptr || root_->has_only_vacant());
}

bool MatchTree::may_match(const EventType& type) noexcept {
    if (root_->start(type) == nullptr) {
        return false;
    }
    root_->drop_vacant();  // which may have been all that there was
    return root_->start(type) != nullptr;
}

std::size_t MatchTree::level_of(const Node& node) noexcept {
    std::size_t level = 0;
    for (const Node* at = &node; at->parent_ != nullptr; at = at->parent_) {
        ++level;
    }
    return level;
}

MatchTree::Node& MatchTree::descend(Node& from, const Matcher& matcher) {
    std::size_t level = level_of(from);
    const auto path = matcher.path();
    Node* node = &from;
    try {
        for (; level < path.size(); ++level) {
            if (node->branch_ == nullptr) {
                node->branch_ = std::make_unique<MatchBranch>();
            }
            MatchBranch& branch = *node->branch_;
            Node* next = path[level].is_any() ? branch.any : branch.exact.find(path[level]);
            if (next == nullptr) {
                auto made = std::make_unique<Node>(node, path[level]);
                if (path[level].is_any()) {
                    branch.any = made.get();
                } else {
                    branch.exact.insert(*made);
                }
                next = made.release();
                node->changed();
            }
            node = next;
        }
    } catch (...) {
        // The nodes made so far would otherwise stay without an entry.
        prune(node);
        throw;
    }
    return *node;
}

void MatchTree::insert_at(Node& node, Entry& entry) noexcept {
    assert(!entry.inserted());
    entry.node_ = &node;
    entry.has_predicate_ = entry.matcher.has_predicate();
    node.entries_.push_back(entry);
    node.changed();
}

void MatchTree::move_to_end(Entry& entry) noexcept {
    assert(entry.inserted());
    entry.node_->entries_.push_back(entry);
}

void MatchTree::insert(Entry& entry) {
    assert(!entry.inserted());
    insert_at(descend(*root_, entry.matcher), entry);
}

void MatchTree::remove(Entry& entry) noexcept {
    if (Node* node = std::exchange(entry.node_, nullptr)) {
        entry.unlink();
        if (node->parent_ == nullptr) {
            node->changed();
        } else if (node->vacant()) {
            node->root().leave_vacant(*node);
        }
    }
}

// Removes the node if nothing is in it, and then its parents in the same way.
void MatchTree::prune(Node* node) noexcept {
    if (node->branch_ != nullptr && node->branch_->needless()) {
        node->branch_.reset();  // there was no memory for the child that it was made for
    }
    Root& root = node->root();
    while (node->parent_ != nullptr && node->vacant()) {
        Node* parent = node->parent_;
        root.forget_vacant(*node);
        MatchBranch& branch = *parent->branch_;
        if (branch.any == node) {
            branch.any = nullptr;
        } else {
            branch.exact.erase(*node);
        }
        parent->changed();
        if (branch.needless()) {
            parent->branch_.reset();
        }
        delete node;
        node = parent;
    }
}

bool MatchTree::judge(const Entry& entry, const Event& event) const noexcept {
    try {
        return entry.matcher.judge(event);
    } catch (...) {
        if (predicate_failed_) {
            predicate_failed_(entry.matcher, event);
        }
        return false;
    }
}

// Recursion is bounded by the number of levels of the event's type.
MatchTree::Entry* MatchTree::match_first(const Node& from, const Event& event, std::size_t level,
                                         bool& by_type) const {
    const Node* node = &from;
    const std::size_t levels = event.levels();
    for (; level < levels && node->branch_ != nullptr; ++level) {
        const MatchBranch& branch = *node->branch_;
        by_type = by_type && (branch.exact.empty() || event.type().levels()[level].offset < 0);
        const Node* const exact = branch.exact.find(event.at(level));
        // Most often there is one way to go on, and nothing to come back to: then no recursion.
        if (node->entries_.empty() && (exact == nullptr || branch.any == nullptr)) {
            node = exact != nullptr ? exact : branch.any;
            if (node == nullptr) {
                return nullptr;
            }
            continue;
        }
        if (exact != nullptr) {
            if (Entry* const found = match_first(*exact, event, level + 1, by_type)) {
                return found;
            }
        }
        if (branch.any != nullptr) {
            if (Entry* const found = match_first(*branch.any, event, level + 1, by_type)) {
                return found;
            }
        }
        break;
    }
    for (Entry& entry : node->entries_) {
        if (!entry.has_predicate_) {
            return &entry;
        }
        by_type = false;
        if (judge(entry, event)) {
            return &entry;
        }
    }
    return nullptr;
}

// Goes down as long as there is one way to go on, and nothing to come back to: most often to the
// end of the event's path. Returns null if nothing matches.
inline const MatchTree::Node* MatchTree::only_way(const Node& from, const Event& event,
                                                  std::size_t& level) noexcept {
    const Node* node = &from;
    while (node->branch_ != nullptr && node->entries_.empty() && level != event.levels()) {
        const MatchBranch& branch = *node->branch_;
        const Node* const exact = branch.exact.find(event.at(level));
        if (exact != nullptr && branch.any != nullptr) {
            break;
        }
        node = exact != nullptr ? exact : branch.any;
        if (node == nullptr) {
            break;
        }
        ++level;
    }
    return node;
}

// Recursion is bounded as in match_first.
void MatchTree::match_all(const Node& from, const Event& event, std::size_t level,
                          std::vector<Entry*>& found) {
    const Node* const node = only_way(from, event, level);
    if (node == nullptr) {
        return;
    }
    if (node->branch_ != nullptr && level != event.levels()) {
        const MatchBranch& branch = *node->branch_;
        if (const Node* const exact = branch.exact.find(event.at(level))) {
            match_all(*exact, event, level + 1, found);
        }
        if (branch.any != nullptr) {
            match_all(*branch.any, event, level + 1, found);
        }
    }
    for (Entry& entry : node->entries_) {
        // Numbering the searches makes "at most once per object" one comparison, without a set.
        if (entry.object_->found_by_ != searches_ &&
            (!entry.has_predicate_ || judge(entry, event))) {
            entry.object_->found_by_ = searches_;
            found.push_back(&entry);
        }
    }
}

// --- prefetching

struct MatchTree::LargeTable {
    const MatchBranch* branch = nullptr;  // null: there is none
    std::size_t level = 0;                // of the event, by which it is searched
};

MatchTree::LargeTable MatchTree::large_table(const Event& event) const noexcept {
    constexpr std::size_t large = 1024;
    const Node* const start = root_->start(event.type());
    const MatchBranch* branch = start == nullptr ? nullptr : start->branch_.get();
    for (std::size_t level = branch == nullptr ? 0 : root_->level_of_start(*start);
         branch != nullptr && level != event.levels(); ++level) {
        if (branch->exact.size() >= large) {
            return {branch, level};
        }
        const Node* const exact = branch->exact.find(event.at(level));
        const Node* const node = exact != nullptr ? exact : branch->any;
        branch = node != nullptr ? node->branch_.get() : nullptr;
    }
    return {};
}

MatchTree::Range MatchTree::likely_slot(const Event& event) const noexcept {
    const LargeTable table = large_table(event);
    if (table.branch == nullptr) {
        return {};
    }
    return {table.branch->exact.home(event.at(table.level)), 1};
}

const MatchTree::Node* MatchTree::guess(const Event& event) const noexcept {
    const LargeTable table = large_table(event);
    return table.branch == nullptr ? nullptr : table.branch->exact.guess(event.at(table.level));
}

MatchTree::Range MatchTree::likely_node(const Event& event) const noexcept {
    const Node* const node = guess(event);
    return {node, node == nullptr ? 0 : sizeof(Node)};
}

const MatchTree::Entry* MatchTree::likely_entry(const Event& event) const noexcept {
    const Node* const node = guess(event);
    return node == nullptr || node->entries_.empty() ? nullptr : &node->entries_.front();
}

// --- searching

MatchTree::Entry* MatchTree::match_first(const Event& event) const {
    bool by_type = true;
    const Node* const start = root_->start(event.type());
    return start == nullptr ? nullptr
                            : match_first(*start, event, root_->level_of_start(*start), by_type);
}

// A vacant node would make the result look as if it depended on more than the type.
MatchTree::Entry* MatchTree::match_first(const Event& event, bool& by_type) {
    root_->drop_vacant();
    return match_first(*root_, event, 0, by_type);
}

MatchTree::Entry* MatchTree::match_first_below(const Node& node, const Event& event) const {
    bool by_type = true;
    return match_first(node, event, level_of(node), by_type);
}

void MatchTree::match_all(const Event& event, std::vector<Entry*>& found) {
    ++searches_;
    if (const Node* const start = root_->start(event.type())) {
        match_all(*start, event, root_->level_of_start(*start), found);
    }
}

MatchTree::Entry* MatchTree::match_only(const Event& event, std::vector<Entry*>& found) {
    const Root::Start* const start = root_->known_start(event.type());
    if (start == nullptr) [[unlikely]] {
        return Root::match_only_anew(*this, event, found);
    }
    ++*start->count;
    return start->node == nullptr ? nullptr : match_only(*start->node, event, found);
}

MatchTree::Entry* MatchTree::Root::match_only_anew(MatchTree& tree, const Event& event,
                                                   std::vector<Entry*>& found) {
    const Start& start = tree.root_->find_start(event.type());
    ++*start.count;
    return start.node == nullptr ? nullptr : tree.match_only(*start.node, event, found);
}

void MatchTree::count(const EventType& type) noexcept {
    const Root::Start* const known = root_->known_start(type);
    ++*(known != nullptr ? *known : root_->find_start(type)).count;
}

MatchTree::Entry* MatchTree::match_only(const Node& from, const Event& event,
                                        std::vector<Entry*>& found) {
    std::size_t level = root_->level_of_start(from);
    const Node* const node = only_way(from, event, level);
    if (node == nullptr) {
        return nullptr;
    }
    if ((node->branch_ == nullptr || level == event.levels()) && node->entries_.has_one())
        [[likely]] {
        Entry& entry = node->entries_.front();
        return !entry.has_predicate_ || judge(entry, event) ? &entry : nullptr;
    }
    const std::size_t before = found.size();
    ++searches_;
    try {
        match_all(*node, event, level, found);
    } catch (...) {
        found.resize(before);
        throw;
    }
    if (found.size() - before != 1) {
        return nullptr;
    }
    Entry* const only = found.back();
    found.pop_back();
    return only;
}

}  // namespace weir
