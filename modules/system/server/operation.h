#pragma once

#include <optional>

#include "core/run/task.h"
#include "core/wait/future.h"
#include "modules/system/server/load_error.h"
#include "modules/system/server/module_table.h"

// What loading and unloading have in common: callers wait for the operation under way by its
// future.
namespace weir {

// Takes the future of an operation back when the operation ends, however that is.
class OperationEnd {
public:
    explicit OperationEnd(std::optional<Future<>>& future) : future_(future) {}
    OperationEnd(const OperationEnd&) = delete;
    OperationEnd& operator=(const OperationEnd&) = delete;
    ~OperationEnd() { future_.reset(); }

private:
    std::optional<Future<>>& future_;
};

// Returns when the future is done, with whatever result.
inline Task<> wait_for_end(Future<> future) {
    try {
        co_await future;
    } catch (const LoadException&) {
    } catch (const FutureCancelledException&) {
    }
}

// Returns when the module of the table is not being reloaded.
inline Task<bool> until_reloaded(ModuleTable& table, const ModuleEntry& entry) {
    return table.reloaded.until([&entry] { return !entry.reloading; });
}

}  // namespace weir
