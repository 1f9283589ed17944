#pragma once

#include <string>

#include "modules/system/event/describe_event.h"

namespace weir::redis {

enum class ConnectionState { connected, disconnected };

inline config::EnumNames<ConnectionState> names_of(ConnectionState) {
    return {{"connected", ConnectionState::connected},
            {"disconnected", ConnectionState::disconnected}};
}

// The connection of a client has come, or is lost.
struct ConnectionChanged : Event {
    Index<std::string> client;
    Index<ConnectionState> state;
    std::string reason;

    static auto declare() {
        return portable_event<ConnectionChanged>(
            "redis.ConnectionChanged", "The connection to a server has come, or is lost",
            member("client", &ConnectionChanged::client,
                   "Name of the module; NAME.messages: its connection for messages"),
            member("state", &ConnectionChanged::state, "connected or disconnected"),
            member("reason", &ConnectionChanged::reason, "Why it is lost"));
    }
};

}  // namespace weir::redis
