#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/ref.h"
#include "core/net/socket_server.h"
#include "modules/resp/handed_session.h"

namespace weir::resp {

// The state that one version of the plugin hands to the next: the sockets, and the clients that are
// between two requests. The other clients follow when their request has been answered.
struct RespState {
    static constexpr std::string_view name = "resp";
    static constexpr std::uint32_t version = 7;

    std::vector<std::string> sockets;  // what of the settings they depend on
    std::vector<std::unique_ptr<SocketServer>> listeners;
    Ref<RespSeat> seat;
    std::vector<HandedSession> sessions;
};

}  // namespace weir::resp
