#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/ref.h"
#include "core/event/event.h"

namespace weir {

class Connection;
class SocketServer;

// What of a connection its events need, also after it is gone. The events share it with the
// connection.
struct ConnectionIdentity : RefCounted<ConnectionIdentity> {
    // Changes with each connect; no two connects of a process have the same. 0: not connected.
    std::uint64_t mark = 0;
    bool accepts_writes = false;  // new ones
    bool writes = false;          // those that were sent, still
};

// Bytes to be written to a connection. Blocks its queue until the connection takes it: whoever
// sends more than the peer reads waits. Protocols derive from it to write something else than
// bytes; see Protocol::serialize.
struct ConnectionWriteEvent : Event {
    Index<Connection*> connection;
    Index<std::uint64_t> mark;  // of the connect that it is for; later ones do not get it
    Ref<ConnectionIdentity> identity;
    std::string bytes;
    bool end = false;  // the last one: the peer is told that no more comes

    bool can_ignore_now() const noexcept {
        return identity == nullptr || identity->mark != mark || !identity->writes;
    }

    static auto declare() {
        return declare_event<ConnectionWriteEvent>("weir.ConnectionWriteEvent")
            .index("connection", &ConnectionWriteEvent::connection)
            .index("mark", &ConnectionWriteEvent::mark)
            .blocking();
    }
};

// An order to a connection; Connection's functions send it.
struct ConnectionControlEvent : Event {
    enum class Type {
        shutdown,   // end; in order: write what was sent, then wait for the peer to end too
        reconnect,  // as shutdown, but a client then connects again
        reset,      // end at once; the peer gets an error. A client that persists connects again
        hangup,     // as shutdown, but a client that persists then connects again
    };
    // For whatever connect there is when the event comes.
    static constexpr std::uint64_t any_mark = 0;

    Index<Connection*> connection;
    Index<Type> type;
    Index<bool> force;          // at once, as reset always is
    Index<std::uint64_t> mark;  // of the connect that it is for
    Ref<ConnectionIdentity> identity;

    static auto declare() {
        return declare_event<ConnectionControlEvent>("weir.ConnectionControlEvent")
            .index("connection", &ConnectionControlEvent::connection)
            .index("type", &ConnectionControlEvent::type)
            .index("force", &ConnectionControlEvent::force)
            .index("mark", &ConnectionControlEvent::mark);
    }
};

// An order to a server; SocketServer's functions send it.
struct ServerControlEvent : Event {
    enum class Type {
        stop_listening,   // those that are connected stay
        start_listening,  // again
        shutdown,         // end in order
    };
    Index<SocketServer*> server;
    Index<Type> type;

    static auto declare() {
        return declare_event<ServerControlEvent>("weir.ServerControlEvent")
            .index("server", &ServerControlEvent::server)
            .index("type", &ServerControlEvent::type);
    }
};

// Why a connection has ended.
enum class CloseReason {
    closed_by_peer,  // in order
    shut_down,       // by us, in order or by force
    reset,           // by us
    idle,            // nothing came for too long
    protocol_error,  // a hook of the protocol threw, or a message was too long
    socket_error,    // Protocol::error is told which
};

std::string_view to_string(CloseReason reason) noexcept;

}  // namespace weir
