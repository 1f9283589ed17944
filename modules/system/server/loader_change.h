#pragma once

#include <functional>
#include <optional>

#include "core/run/task.h"
#include "core/wait/future.h"
#include "modules/system/server/loader.h"

// What loading and unloading have in common.
namespace weir {

// Takes a future back when the routine that it stands for ends, however that is.
class Ending {
public:
    explicit Ending(std::optional<Future<>>& future) : future_(future) {}
    Ending(const Ending&) = delete;
    Ending& operator=(const Ending&) = delete;
    ~Ending() { future_.reset(); }

private:
    std::optional<Future<>>& future_;
};

// Returns when it holds, looked at now and then: at once, and less often the longer it takes. False
// if the time, counted from now, was over before.
Task<bool> wait_until(std::function<bool()> holds, std::optional<Duration> timeout = {});

// Returns when the future is done, whatever with.
inline Task<> wait_for_end(Future<> future) {
    try {
        co_await future;
    } catch (const LoadException&) {
    } catch (const FutureCancelledException&) {
    }
}

}  // namespace weir
