#include "core/event/match_tree.h"

#include <array>
#include <cassert>

#include "core/base/pool.h"
#include "core/event/node_map.h"

namespace weir {

// The children of a node that is not a leaf. A kept node has a branch even without children.
struct MatchBranch : pool::Pooled {
    MatchTree::Node* any = nullptr;
    NodeMap<MatchTree::Node> exact;
    bool kept = false;

    bool needless() const noexcept { return any == nullptr && exact.empty() && !kept; }
};

class MatchTree::Node : public pool::Pooled {
public:
    Node(Node* parent, IndexValue key) noexcept : parent_(parent), key_(std::move(key)) {}

    const IndexValue& key() const noexcept { return key_; }

private:
    friend class MatchTree;

    bool vacant() const noexcept { return entries_.empty() && branch_ == nullptr; }
    Root& root() noexcept;
    // Called when a child is added or removed, or an entry inserted.
    void changed() noexcept;

    // One node per different matcher: 56 bytes fit into one or two cache lines.
    Node* parent_;
    List<Entry> entries_;
    std::unique_ptr<MatchBranch> branch_;
    IndexValue key_;  // none: the parent's "any" node
};

class MatchTree::Root : public Node {
public:
    Root() noexcept : Node(nullptr, IndexValue()) {}

    void leave_vacant(Node& node) noexcept {
        if (vacant_ != &node) {
            drop_vacant();
            vacant_ = &node;
        }
    }
    // Called by observers of the tree's shape, which must not see the vacant node.
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

    // Where searches for events of a type continue from the root, if at most one way is known to
    // exist. `next` is null if none exists.
    struct Way {
        std::uint64_t type = 0;
        const Node* next = nullptr;
    };
    const Way* way(const EventType& type) const noexcept {
        const Way& way = ways_[type.id() % ways_.size()];
        return way.type == type.id() ? &way : nullptr;
    }
    void note_way(const EventType& type, const Node* next) noexcept {
        ways_[type.id() % ways_.size()] = {type.id(), next};
    }
    void forget_ways() noexcept { ways_ = {}; }

private:
    // The node that became vacant last. It stays until another becomes vacant, because a routine
    // that waits in a loop usually waits for the same matcher.
    Node* vacant_ = nullptr;
    std::array<Way, 16> ways_;  // each type has one slot
};

MatchTree::Root& MatchTree::Node::root() noexcept {
    Node* node = this;
    while (node->parent_ != nullptr) {
        node = node->parent_;
    }
    return static_cast<Root&>(*node);
}

void MatchTree::Node::changed() noexcept {
    if (parent_ == nullptr) {
        static_cast<Root&>(*this).forget_ways();
    }
}

MatchTree::Node& MatchTree::root() noexcept {
    return *root_;
}

MatchTree::MatchTree(PredicateFailed predicate_failed)
    : root_(std::make_unique<Root>()), predicate_failed_(std::move(predicate_failed)) {}

MatchTree::~MatchTree() {
    let_go_below(*root_);
}

// Detaches the entries, whose owners may outlive the tree, and destroys the nodes below. Recursion
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
    root_->drop_vacant();
    return root_->entries_.empty() && root_->branch_ == nullptr;
}

bool MatchTree::may_match(const EventType& type) const noexcept {
    // A known dead end answers without a search.
    if (const Root::Way* way = root_->way(type); way != nullptr && way->next == nullptr) {
        return false;
    }
    const auto may = [&] {
        const MatchBranch* const branch = root_->branch_.get();
        return !root_->entries_.empty() ||
               (branch != nullptr &&
                (branch->any != nullptr || branch->exact.find(type.levels()[0].fixed) != nullptr));
    };
    // The only candidate may be the vacant node.
    if (may()) {
        root_->drop_vacant();
        if (may()) {
            return true;
        }
    }
    root_->note_way(type, nullptr);
    return false;
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

MatchTree::Node& MatchTree::keep(const Matcher& matcher) {
    Node& node = descend(*root_, matcher);
    try {
        if (node.branch_ == nullptr) {
            node.branch_ = std::make_unique<MatchBranch>();
        }
    } catch (...) {
        prune(&node);
        throw;
    }
    node.branch_->kept = true;
    return node;
}

void MatchTree::insert_at(Node& node, Entry& entry) noexcept {
    entry.node_ = &node;
    entry.has_predicate_ = entry.matcher.has_predicate();
    node.entries_.push_back(entry);
    node.changed();
}

void MatchTree::move_to_end(Entry& entry) noexcept {
    entry.node_->entries_.push_back(entry);
}

void MatchTree::insert(Entry& entry) {
    assert(!entry.inserted());
    insert_at(descend(*root_, entry.matcher), entry);
}

void MatchTree::remove(Entry& entry) noexcept {
    if (Node* node = std::exchange(entry.node_, nullptr)) {
        entry.unlink();
        if (node->parent_ != nullptr && node->vacant()) {
            node->root().leave_vacant(*node);
        }
    }
}

// Destroys the node, and then each ancestor that has become empty.
void MatchTree::prune(Node* node) noexcept {
    if (node->branch_ != nullptr && node->branch_->needless()) {
        node->branch_.reset();  // left by a child that could not be made
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
MatchTree::Entry* MatchTree::match_first(const Node& node, const Event& event, std::size_t level,
                                         bool& by_type) const {
    if (const MatchBranch* branch = node.branch_.get();
        branch != nullptr && level < event.levels()) {
        by_type = by_type && (branch->exact.empty() || event.type().levels()[level].offset < 0);
        if (const Node* child = branch->exact.find(event.at(level))) {
            if (Entry* found = match_first(*child, event, level + 1, by_type)) {
                return found;
            }
        }
        if (branch->any != nullptr) {
            if (Entry* found = match_first(*branch->any, event, level + 1, by_type)) {
                return found;
            }
        }
    }
    for (Entry& entry : node.entries_) {
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

void MatchTree::match_all(const Node& from, const Event& event, std::size_t level,
                          std::vector<Entry*>& found) const {
    const Node* node = &from;
    const std::size_t levels = event.levels();
    for (; level < levels; ++level) {
        const MatchBranch* const below = node->branch_.get();
        if (below == nullptr) {
            break;
        }
        const MatchBranch& branch = *below;
        const Node* const exact = branch.exact.find(event.at(level));
        // Usually there is one way, and nothing here to return to.
        if (node->entries_.empty() && (exact == nullptr || branch.any == nullptr)) {
            node = exact != nullptr ? exact : branch.any;
            if (level == 0) {
                root_->note_way(event.type(), node);
            }
            if (node == nullptr) {
                return;
            }
            continue;
        }
        if (exact != nullptr) {
            match_all(*exact, event, level + 1, found);
        }
        if (branch.any != nullptr) {
            match_all(*branch.any, event, level + 1, found);
        }
        break;
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

// Small tables are in the cache anyway, so that only the first large one on the event's path
// matters.
const MatchTree::Entry* MatchTree::look_ahead(const Event& event, std::size_t step) const noexcept {
    constexpr std::size_t large = 1024;
    const Node* node = root_.get();
    const MatchBranch* branch = node->branch_.get();
    std::size_t level = 0;
    for (; branch != nullptr && branch->exact.size() < large; ++level) {
        if (level == event.levels()) {
            return nullptr;
        }
        const Node* const exact = branch->exact.find(event.at(level));
        node = exact != nullptr ? exact : branch->any;
        branch = node != nullptr ? node->branch_.get() : nullptr;
    }
    if (branch == nullptr || level == event.levels()) {
        return nullptr;
    }
    if (step == 0) {
        branch->exact.prefetch(event.at(level));
        return nullptr;
    }
    const Node* const likely = branch->exact.guess(event.at(level));
    if (likely == nullptr) {
        return nullptr;
    }
    // A node may cross a cache line, so that both ends are loaded.
    if (step == 1) {
        __builtin_prefetch(likely);
        __builtin_prefetch(reinterpret_cast<const char*>(likely + 1) - 1);
        return nullptr;
    }
    return likely->entries_.empty() ? nullptr : &likely->entries_.front();
}

MatchTree::Entry* MatchTree::match_first(const Event& event) const {
    bool by_type = true;
    return match_first(*root_, event, 0, by_type);
}

MatchTree::Entry* MatchTree::match_first(const Event& event, bool& by_type) const {
    // The vacant node would make `by_type` false without need.
    root_->drop_vacant();
    return match_first(*root_, event, 0, by_type);
}

MatchTree::Entry* MatchTree::match_first_below(const Node& node, const Event& event) const {
    bool by_type = true;
    return match_first(node, event, level_of(node), by_type);
}

void MatchTree::match_all(const Event& event, std::vector<Entry*>& found) {
    ++searches_;
    const Root::Way* const way = root_->way(event.type());
    if (way == nullptr) [[unlikely]] {
        match_all(*root_, event, 0, found);
    } else if (way->next != nullptr) {
        match_all(*way->next, event, 1, found);
    }
}

}  // namespace weir
