#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "modules/zookeeper/records.h"
#include "modules/zookeeper/wire.h"

namespace weir::zookeeper {

// How a node is made, and when it goes.
enum class CreateMode : std::int32_t {
    persistent = 0,
    ephemeral = 1,              // deleted with the session that has made it
    persistent_sequential = 2,  // the servers append ten digits, which grow with each such child
    ephemeral_sequential = 3,
    container = 4,  // deleted by the servers some time after its last child is
};

// Returns the access list of a node with which every client may do everything.
const std::vector<Acl>& open_acl();

// Operations that are done all together or not at all: `co_await session.commit(transaction)`.
class Transaction {
public:
    Transaction& create(std::string path, std::string data = {},
                        CreateMode mode = CreateMode::persistent,
                        const std::vector<Acl>& acl = open_acl());
    Transaction& set(std::string path, std::string data, std::int32_t version = -1);
    Transaction& remove(std::string path, std::int32_t version = -1);
    // Requires that the node is there, and has this version; -1: any.
    Transaction& check(std::string path, std::int32_t version = -1);

    struct Operation {
        OpCode code = OpCode::error;
        std::string path;
        std::string data;
        std::int32_t version = -1;
        CreateMode mode = CreateMode::persistent;
        std::vector<Acl> acl = {};
    };
    const std::vector<Operation>& operations() const noexcept { return operations_; }

private:
    std::vector<Operation> operations_;
};

// What an operation of a transaction has done.
struct OperationResult {
    OpCode operation = OpCode::error;
    Code code = Code::ok;
    std::string path;  // of create
    Stat stat;         // of set; servers tell none of a node that a transaction makes
};

// Reads the answer to a transaction: a result for each operation, or, if one has failed, a code for
// each. Throws WireError.
std::vector<OperationResult> read_results(std::string_view body);

}  // namespace weir::zookeeper
