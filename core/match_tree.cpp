#include "core/match_tree.h"

#include "core/node_map.h"
#include "core/pool.h"

namespace weir {

// What a node that is not a leaf has below it.
struct MatchBranch : pool::Pooled {
    MatchTree::Node* any = nullptr;
    NodeMap<MatchTree::Node> exact;
};

class MatchTree::Node : public pool::Pooled {
public:
    Node(Node* parent, IndexValue key) noexcept : parent_(parent), key_(std::move(key)) {}

    const IndexValue& key() const noexcept { return key_; }

private:
    friend class MatchTree;

    bool vacant() const noexcept { return entries_.empty() && branch_ == nullptr && !kept_; }
    Node& root() noexcept {
        Node* node = this;
        while (node->parent_ != nullptr) {
            node = node->parent_;
        }
        return *node;
    }
    void leave_vacant() noexcept;
    void drop_vacant() noexcept;

    bool kept_ = false;
    Node* parent_;
    IndexValue key_;  // none: the parent's "any" node
    List<Entry> entries_;
    std::unique_ptr<MatchBranch> branch_;
    // Of a root: the node that became vacant last. It stays until another one does,
    // for who waits again and again most often does so for the same.
    Node* vacant_ = nullptr;
};

void MatchTree::Node::leave_vacant() noexcept {
    Node& top = root();
    if (top.vacant_ != this) {
        top.drop_vacant();
        top.vacant_ = this;
    }
}

// To whoever looks it is not there.
void MatchTree::Node::drop_vacant() noexcept {
    if (Node* const node = std::exchange(vacant_, nullptr)) {
        prune(node);
    }
}

MatchTree::MatchTree(PredicateFailed predicate_failed)
    : root_(std::make_unique<Node>(nullptr, IndexValue())),
      predicate_failed_(std::move(predicate_failed)) {}

MatchTree::~MatchTree() {
    let_go_below(*root_);
}

// Lets go of the entries, for their owners may outlive the tree, and of the nodes below. Recursion
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
    const auto may = [&] {
        const MatchBranch* const branch = root_->branch_.get();
        return !root_->entries_.empty() ||
               (branch != nullptr &&
                (branch->any != nullptr || branch->exact.find(type.levels()[0].fixed) != nullptr));
    };
    if (!may()) {
        return false;
    }
    root_->drop_vacant();
    return may();
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
            }
            node = next;
        }
    } catch (...) {
        prune(node);
        throw;
    }
    return *node;
}

MatchTree::Node& MatchTree::keep(const Matcher& matcher) {
    Node& node = descend(*root_, matcher);
    node.kept_ = true;
    return node;
}

void MatchTree::insert_at(Node& node, Entry& entry) noexcept {
    entry.node_ = &node;
    entry.has_predicate_ = entry.matcher.has_predicate();
    node.entries_.push_back(entry);
}

void MatchTree::insert(Entry& entry) {
    insert_at(descend(*root_, entry.matcher), entry);
}

void MatchTree::remove(Entry& entry) noexcept {
    if (Node* node = std::exchange(entry.node_, nullptr)) {
        entry.unlink();
        if (node->parent_ != nullptr && node->vacant()) {
            node->leave_vacant();
        }
    }
}

// Removes the node, and then its parents, as long as nothing is in them.
void MatchTree::prune(Node* node) noexcept {
    if (node->branch_ != nullptr && node->branch_->any == nullptr && node->branch_->exact.empty()) {
        node->branch_.reset();  // it was to have a child, whose making failed
    }
    Node& root = node->root();
    while (node->parent_ != nullptr && node->vacant()) {
        Node* parent = node->parent_;
        if (root.vacant_ == node) {
            root.vacant_ = nullptr;
        }
        MatchBranch& branch = *parent->branch_;
        if (branch.any == node) {
            branch.any = nullptr;
        } else {
            branch.exact.erase(*node);
        }
        if (branch.any == nullptr && branch.exact.empty()) {
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
        // Most often there is one way to go on, and nothing to come back for.
        if (node->entries_.empty() && (exact == nullptr || branch.any == nullptr)) {
            node = exact != nullptr ? exact : branch.any;
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
        if (entry.object_->found_by_ != searches_ &&
            (!entry.has_predicate_ || judge(entry, event))) {
            entry.object_->found_by_ = searches_;
            found.push_back(&entry);
        }
    }
}

// Small tables are in the cache anyway: the first large one on the event's path is meant.
void MatchTree::look_ahead(const Event& event, std::size_t step) const noexcept {
    constexpr std::size_t large = 1024;
    const Node* node = root_.get();
    for (std::size_t level = 0; level < event.levels() && node != nullptr; ++level) {
        const MatchBranch* branch = node->branch_.get();
        if (branch == nullptr) {
            return;
        }
        if (branch->exact.size() < large) {
            const Node* exact = branch->exact.find(event.at(level));
            node = exact != nullptr ? exact : branch->any;
            continue;
        }
        if (step == 0) {
            branch->exact.prefetch(event.at(level));
        } else if (const Node* next = branch->exact.guess(event.at(level)); next != nullptr) {
            if (step == 1) {
                __builtin_prefetch(next);
                __builtin_prefetch(reinterpret_cast<const char*>(next + 1) - 1);
            } else if (!next->entries_.empty()) {
                next->entries_.front().prefetch();
            }
        }
        return;
    }
}

MatchTree::Entry* MatchTree::match_first(const Event& event) const {
    bool by_type = true;
    return match_first(*root_, event, 0, by_type);
}

MatchTree::Entry* MatchTree::match_first(const Event& event, bool& by_type) const {
    root_->drop_vacant();
    return match_first(*root_, event, 0, by_type);
}

MatchTree::Entry* MatchTree::match_first_below(const Node& node, const Event& event) const {
    bool by_type = true;
    return match_first(node, event, level_of(node), by_type);
}

void MatchTree::match_all(const Event& event, std::vector<Entry*>& found) {
    ++searches_;
    match_all(*root_, event, 0, found);
}

}  // namespace weir
