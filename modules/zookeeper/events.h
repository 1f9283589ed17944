#pragma once

#include <string>
#include <string_view>

#include "core/event/event.h"
#include "modules/zookeeper/records.h"

namespace weir::zookeeper {

enum class SessionState {
    connecting,    // to make a session; before the first `connected`, and after `expired`
    connected,     // requests are answered
    disconnected,  // the session may live on; another server is looked for
    expired,       // the servers have ended the session, with its ephemeral nodes and its watches
    closed,        // by close()
    refused,       // the servers refuse the credentials; the end
};

std::string_view to_string(SessionState state) noexcept;

// Sent when the state of a Session changes. `session` is its name().
struct SessionEvent : Event {
    Index<std::string> session;
    Index<SessionState> state;
    std::string reason;  // for a person; empty: none

    static auto declare() {
        return declare_event<SessionEvent>("weir.zookeeper.SessionEvent")
            .index("session", &SessionEvent::session)
            .index("state", &SessionEvent::state);
    }
};

// Sent when the servers tell that a watched node has changed.
struct NodeEvent : Event {
    Index<std::string> session;
    Index<std::string> path;
    Index<WatchedChange> change;

    static auto declare() {
        return declare_event<NodeEvent>("weir.zookeeper.NodeEvent")
            .index("session", &NodeEvent::session)
            .index("path", &NodeEvent::path)
            .index("change", &NodeEvent::change);
    }
};

}  // namespace weir::zookeeper
