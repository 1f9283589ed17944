#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "modules/zookeeper/transaction.h"

namespace weir::zookeeper {

// An entry of the log that all servers of a FakeEnsemble apply in the same order: what has been
// decided, or that a request was refused.
struct FakeEntry {
    enum class Kind { operations, session_begins, session_ends };

    std::int64_t zxid = 0;
    std::int64_t time = 0;     // milliseconds
    std::int64_t session = 0;  // that asks
    Kind kind = Kind::operations;
    std::vector<Transaction::Operation> operations =
        {};                          // paths with the digits of sequential nodes
    std::vector<Code> refused = {};  // a code for each operation, if one cannot be done; else empty
};

// A change that may fire watches.
using FakeChange = std::pair<std::string, WatchedChange>;

// The nodes as one server knows them.
class FakeTree {
public:
    struct Node {
        std::string data;
        Stat stat;
        bool container = false;
        std::int32_t made = 0;  // children in all, which the names of sequential ones count
        std::set<std::string> children;
    };

    FakeTree();

    // Returns null if there is no such node.
    const Node* find(const std::string& path) const;
    const std::map<std::string, Node>& nodes() const noexcept { return nodes_; }

    // Decides what a request does here: fills in names of sequential nodes and refusals. The tree
    // stays as it is.
    FakeEntry decide(std::int64_t session, std::vector<Transaction::Operation> operations) const;
    // Applies an entry. Returns a result for each operation, and appends what has changed.
    std::vector<OperationResult> apply(const FakeEntry& entry, std::vector<FakeChange>& changes);
    std::int64_t applied() const noexcept { return applied_; }  // zxid of the last entry

    // Returns the containers that have had children, and have none.
    std::vector<std::string> empty_containers() const;
    // Returns the paths of the nodes that end with the session.
    std::vector<std::string> nodes_of(std::int64_t session) const;

private:
    Code judge(Transaction::Operation& operation) const;
    Code judge_create(Transaction::Operation& operation) const;
    OperationResult do_operation(const FakeEntry& entry, const Transaction::Operation& operation,
                                 std::vector<FakeChange>& changes);
    void remove_node(const std::string& path, std::vector<FakeChange>& changes);

    std::map<std::string, Node> nodes_;
    std::int64_t applied_ = 0;
    std::int64_t now_ = 0;  // of the entry that is applied
};

}  // namespace weir::zookeeper
