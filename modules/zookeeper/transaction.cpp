#include "modules/zookeeper/transaction.h"

#include <utility>

namespace weir::zookeeper {

const std::vector<Acl>& open_acl() {
    static const std::vector<Acl> acl(1);
    return acl;
}

Transaction& Transaction::create(std::string path, std::string data, CreateMode mode,
                                 const std::vector<Acl>& acl) {
    operations_.push_back(
        {mode == CreateMode::container ? OpCode::create_container : OpCode::create, std::move(path),
         std::move(data), -1, mode, acl});
    return *this;
}

Transaction& Transaction::set(std::string path, std::string data, std::int32_t version) {
    operations_.push_back({.code = OpCode::set_data,
                           .path = std::move(path),
                           .data = std::move(data),
                           .version = version});
    return *this;
}

Transaction& Transaction::remove(std::string path, std::int32_t version) {
    operations_.push_back(
        {.code = OpCode::remove, .path = std::move(path), .data = {}, .version = version});
    return *this;
}

Transaction& Transaction::check(std::string path, std::int32_t version) {
    operations_.push_back(
        {.code = OpCode::check, .path = std::move(path), .data = {}, .version = version});
    return *this;
}

std::vector<OperationResult> read_results(std::string_view body) {
    std::vector<OperationResult> results;
    WireReader reader(body);
    for (;;) {
        const auto header = reader.take<MultiHeader>();
        if (header.done) {
            break;
        }
        OperationResult& result = results.emplace_back();
        result.operation = header.operation;
        switch (header.operation) {
            case OpCode::create:
                reader(result.path);
                break;
            case OpCode::create2:
            case OpCode::create_container:
                reader(result.path, result.stat);
                break;
            case OpCode::set_data:
                reader(result.stat);
                break;
            case OpCode::remove:
            case OpCode::check:
                break;
            case OpCode::error:
                reader(result.code);
                break;
            default:
                throw WireError("a result of operation " +
                                std::to_string(static_cast<std::int32_t>(header.operation)) +
                                " in a transaction");
        }
    }
    reader.require_end();
    return results;
}

}  // namespace weir::zookeeper
