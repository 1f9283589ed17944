#include "modules/zookeeper/testing/fake_tree.h"

#include <cstdio>
#include <optional>

#include "modules/zookeeper/path.h"

namespace weir::zookeeper {
namespace {

bool is_sequential(CreateMode mode) noexcept {
    return mode == CreateMode::persistent_sequential || mode == CreateMode::ephemeral_sequential;
}

bool is_ephemeral(CreateMode mode) noexcept {
    return mode == CreateMode::ephemeral || mode == CreateMode::ephemeral_sequential;
}

std::string digits(std::int32_t number) {
    char text[12];
    std::snprintf(text, sizeof text, "%010d", number);
    return text;
}

}  // namespace

FakeTree::FakeTree() {
    nodes_.emplace("/", Node());
}

const FakeTree::Node* FakeTree::find(const std::string& path) const {
    const auto found = nodes_.find(path);
    return found == nodes_.end() ? nullptr : &found->second;
}

// --- deciding. The operations of a transaction are done on a copy, because each sees those before.

FakeEntry FakeTree::decide(std::int64_t session,
                           std::vector<Transaction::Operation> operations) const {
    FakeEntry entry;
    entry.session = session;
    std::optional<FakeTree> copy;
    if (operations.size() > 1) {
        copy = *this;
    }
    std::vector<Code> codes;
    std::vector<FakeChange> unseen;
    bool failed = false;
    for (Transaction::Operation& operation : operations) {
        Code code = Code::rolled_back;
        if (!failed) {
            code = copy ? copy->judge(operation) : judge(operation);
            failed = code != Code::ok;
        }
        if (copy && !failed) {
            copy->do_operation(entry, operation, unseen);
        }
        codes.push_back(code);
    }
    if (failed) {
        entry.refused = std::move(codes);
    }
    entry.operations = std::move(operations);
    return entry;
}

// Returns whether the operation can be done; completes the name of a sequential node.
Code FakeTree::judge(Transaction::Operation& operation) const {
    switch (operation.code) {
        case OpCode::create:
        case OpCode::create2:
        case OpCode::create_container:
            return judge_create(operation);
        case OpCode::remove:
        case OpCode::set_data:
        case OpCode::check: {
            const Node* const node = find(operation.path);
            if (node == nullptr) {
                return Code::no_node;
            }
            if (operation.version != -1 && operation.version != node->stat.version) {
                return Code::bad_version;
            }
            return operation.code == OpCode::remove && !node->children.empty() ? Code::not_empty
                                                                               : Code::ok;
        }
        default:
            return Code::unimplemented;
    }
}

Code FakeTree::judge_create(Transaction::Operation& operation) const {
    const Node* const parent = find(std::string(parent_of(operation.path)));
    if (parent == nullptr) {
        return Code::no_node;
    }
    if (parent->stat.ephemeral_owner != 0) {
        return Code::no_children_for_ephemerals;
    }
    if (is_sequential(operation.mode)) {
        operation.path += digits(parent->made);
    }
    return find(operation.path) != nullptr ? Code::node_exists : Code::ok;
}

// --- applying

std::vector<OperationResult> FakeTree::apply(const FakeEntry& entry,
                                             std::vector<FakeChange>& changes) {
    applied_ = entry.zxid;
    now_ = entry.time;
    std::vector<OperationResult> results;
    if (entry.kind == FakeEntry::Kind::session_ends) {
        for (const std::string& path : nodes_of(entry.session)) {
            remove_node(path, changes);
        }
        return results;
    }
    for (std::size_t i = 0; i != entry.operations.size(); ++i) {
        if (entry.refused.empty()) {
            results.push_back(do_operation(entry, entry.operations[i], changes));
        } else {
            results.push_back({OpCode::error, entry.refused[i], {}, {}});
        }
    }
    return results;
}

OperationResult FakeTree::do_operation(const FakeEntry& entry,
                                       const Transaction::Operation& operation,
                                       std::vector<FakeChange>& changes) {
    OperationResult result{operation.code, Code::ok, {}, {}};
    const std::string parent(parent_of(operation.path));
    switch (operation.code) {
        case OpCode::remove:
            remove_node(operation.path, changes);
            break;
        case OpCode::set_data: {
            Node& node = nodes_.at(operation.path);
            node.data = operation.data;
            ++node.stat.version;
            node.stat.mzxid = entry.zxid;
            node.stat.mtime = entry.time;
            node.stat.data_length = static_cast<std::int32_t>(operation.data.size());
            changes.emplace_back(operation.path, WatchedChange::data);
            result.stat = node.stat;
            break;
        }
        case OpCode::check:
            break;
        default: {
            Node& node = nodes_[operation.path];
            node.data = operation.data;
            node.container = operation.mode == CreateMode::container;
            node.stat.ephemeral_owner = is_ephemeral(operation.mode) ? entry.session : 0;
            node.stat.data_length = static_cast<std::int32_t>(operation.data.size());
            node.stat.czxid = node.stat.mzxid = node.stat.pzxid = entry.zxid;
            node.stat.ctime = node.stat.mtime = entry.time;
            Node& above = nodes_.at(parent);
            above.children.emplace(name_of(operation.path));
            above.stat.children = static_cast<std::int32_t>(above.children.size());
            ++above.stat.cversion;
            ++above.made;
            above.stat.pzxid = entry.zxid;
            changes.emplace_back(operation.path, WatchedChange::created);
            changes.emplace_back(parent, WatchedChange::children);
            result.path = operation.path;
            result.stat = node.stat;
        }
    }
    return result;
}

void FakeTree::remove_node(const std::string& path, std::vector<FakeChange>& changes) {
    const std::string parent(parent_of(path));
    Node& above = nodes_.at(parent);
    above.children.erase(std::string(name_of(path)));
    above.stat.children = static_cast<std::int32_t>(above.children.size());
    ++above.stat.cversion;
    above.stat.pzxid = applied_;
    nodes_.erase(path);
    changes.emplace_back(path, WatchedChange::deleted);
    changes.emplace_back(parent, WatchedChange::children);
}

std::vector<std::string> FakeTree::empty_containers() const {
    std::vector<std::string> paths;
    for (const auto& [path, node] : nodes_) {
        if (node.container && node.children.empty() && node.stat.cversion != 0) {
            paths.push_back(path);
        }
    }
    return paths;
}

std::vector<std::string> FakeTree::nodes_of(std::int64_t session) const {
    std::vector<std::string> paths;
    for (const auto& [path, node] : nodes_) {
        if (node.stat.ephemeral_owner == session) {
            paths.push_back(path);
        }
    }
    return paths;
}

}  // namespace weir::zookeeper
