#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "core/run/container.h"
#include "core/run/task.h"
#include "core/stream/signal_wait.h"
#include "modules/http/exchange.h"
#include "modules/http/plugin/call_handler.h"

namespace weir::http {

// Locks over HTTP, by the functions of the module `lock` and the rights of the client:
//
//     POST   /locks/KEY   waits for the lock; the response has its session, its fencing token, and
//                         how long it is certainly held
//     PUT    /locks/KEY   the session's time to live begins anew
//     DELETE /locks/KEY   gives the lock back, and ends the session
//     GET    /locks       lists
//
// A client that goes while it waits gets nothing. With "hold": true the response stays open, and
// the lock is given back when the connection ends, however it ends: a lock that belongs to a
// process and not to a time.
class LockHandlers {
public:
    // `calls` must outlive this.
    LockHandlers(Scheduler& scheduler, const CallHandler& calls) noexcept
        : calls_(calls), closed_(scheduler), closing_(scheduler) {}

    Task<> list(Exchange& exchange);
    Task<> acquire(Exchange& exchange);
    Task<> renew(Exchange& exchange);
    Task<> release(Exchange& exchange);

    // Waits until the sessions of clients that have gone are closed.
    Task<> closed();

private:
    class Session;

    Task<Json> call(Exchange& exchange, const char* function, Json parameters,
                    std::optional<Duration> timeout);
    Task<std::optional<Json>> valid_for(Exchange& exchange, std::string session);
    Task<> keep(Exchange& exchange, std::string session, std::string first);

    Task<> close(Ref<Caller> caller, std::string id);

    const CallHandler& calls_;
    Source closed_;  // changed: a routine that closes a session has ended
    Container closing_;
};

}  // namespace weir::http
