#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/base/ref.h"
#include "core/event/event.h"

namespace weir {

class Connection;
class Acceptor;

// What events of a connection need to know of it. Shared by the connection and its events, which
// may outlive it.
struct ConnectionIdentity : RefCounted<ConnectionIdentity> {
    // Another number for each connect, unique in the process. 0: not connected.
    std::uint64_t mark = 0;
    bool accepts_writes = false;  // of new write events
    bool writes = false;          // of write events that were sent before
};

// Bytes to write to a connection. Blocks its queue until the connection takes it, so that a sender
// waits when the peer does not read. Derive from it for write events that carry something else than
// bytes; see Protocol::serialize.
struct ConnectionWriteEvent : Event {
    Index<Connection*> connection;
    Index<std::uint64_t> mark;  // of the connect that it is for; a later one does not get it
    Ref<ConnectionIdentity> identity;
    std::string bytes;
    bool end = false;  // ends the output behind these bytes

    bool can_ignore_now() const noexcept {
        return identity == nullptr || identity->mark != mark || !identity->writes;
    }
    // Gives the event to the connection.
    void received() noexcept;

    static auto declare() {
        return declare_event<ConnectionWriteEvent>("weir.ConnectionWriteEvent")
            .index("connection", &ConnectionWriteEvent::connection)
            .index("mark", &ConnectionWriteEvent::mark)
            .blocking();
    }
};

// Orders a connection to end. Sent by Connection's functions.
struct ConnectionControlEvent : Event {
    enum class Type {
        shutdown,   // end for good; in order: write what was sent, and wait for the peer to end too
        reconnect,  // the same, but a client then connects again
        reset,      // end at once, with an error for the peer; a persisting client connects again
        hangup,     // as shutdown, but a persisting client connects again
    };
    // Orders the connect that is there when the event is processed.
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

// Orders a server. Sent by Acceptor's functions.
struct ServerControlEvent : Event {
    enum class Type {
        stop_listening,   // open connections stay
        start_listening,  // again
        shutdown,         // end in order
    };
    Index<Acceptor*> server;
    Index<Type> type;

    static auto declare() {
        return declare_event<ServerControlEvent>("weir.ServerControlEvent")
            .index("server", &ServerControlEvent::server)
            .index("type", &ServerControlEvent::type);
    }
};

// Why a connection ended.
enum class CloseReason {
    closed_by_peer,  // in order
    shut_down,       // by this process, in order or by force
    reset,           // by this process
    idle,            // nothing was received for the idle_timeout
    protocol_error,  // a hook of the protocol threw, or a message was too long
    socket_error,    // Protocol::error gets it
};

std::string_view to_string(CloseReason reason) noexcept;

}  // namespace weir
