#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/base/clock.h"
#include "core/run/container.h"
#include "core/run/task.h"
#include "core/stream/byte_stream.h"
#include "core/stream/socket_events.h"
#include "modules/http/counted.h"
#include "modules/http/url.h"

namespace weir::http {

// The connections of a client to other servers: how many there are to each origin, and those that
// are kept open until the next request. For the client of this room.
class ClientPool {
    struct Origin;

public:
    using Connector = std::function<Task<ByteStream::Owner>(Url)>;

    // `most`: connections to one origin. `idle_time`: how long one is kept that is not used.
    ClientPool(Scheduler& scheduler, Connector connector, std::size_t most,
               Duration idle_time) noexcept;
    ClientPool(const ClientPool&) = delete;
    ClientPool& operator=(const ClientPool&) = delete;
    ~ClientPool();

    // A connection that one request uses, as long as this lives.
    class Lease {
    public:
        Lease(ClientPool& pool, Origin& origin) noexcept;
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        // Keeps the connection, or closes it.
        ~Lease();

        ByteStream::Owner stream;
        bool is_reused = false;    // another request has used it before
        bool is_reusable = false;  // the request has left it in order

    private:
        ClientPool& pool_;
        Origin& origin_;
        const Counted used_;
        const Counted leased_;
    };

    // Returns a connection that was kept, or a new one; waits while there are too many.
    // `needs_new`: those that were kept are closed. Throws StreamError, with UV_ETIMEDOUT at the
    // deadline.
    Task<std::unique_ptr<Lease>> lease(const Url& url, Time deadline, bool needs_new);

    // Connections that are open, and those of them that no request uses.
    std::size_t connections() const noexcept;
    std::size_t idle() const noexcept;

private:
    struct Origin {
        explicit Origin(Scheduler& scheduler) noexcept : room(scheduler) {}

        struct Idle {
            ByteStream::Owner stream;
            Time since;
        };
        std::deque<Idle> idle;   // the one that was used last is the last
        std::size_t leased = 0;  // connections that requests use
        std::size_t users = 0;   // requests that have or want a connection
        Source room;             // changed: there may be room for another connection
    };

    std::unique_ptr<Lease> take_idle(Origin& origin);
    void keep(Origin& origin, ByteStream::Owner stream);
    Task<> close_idle();
    void drop_idle();

    Scheduler& scheduler_;
    const Connector connector_;
    const std::size_t most_;
    const Duration idle_time_;
    std::map<std::string, std::unique_ptr<Origin>> origins_;
    Container closing_;  // the routine that closes idle connections
};

// Returns how long it is until the deadline; nothing if there is none.
std::optional<Duration> time_until(Time deadline, Time now) noexcept;

}  // namespace weir::http
