#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/list.h"
#include "core/net/acceptor.h"
#include "core/net/connection.h"
#include "core/net/protocol.h"

namespace weir {

// Listens at an address, and makes and owns a Connection for each peer that connects, served by a
// Protocol.
class SocketServer final : public Acceptor {
public:
    // Throws AddressError. The protocol must outlive the server.
    SocketServer(Scheduler& scheduler, Protocol& protocol, std::string_view address,
                 SocketServerOptions options = {});
    ~SocketServer() override;

    Protocol& protocol() const noexcept { return *protocol_; }
    // Makes another protocol serve new connections. Those that are open keep theirs; see
    // Connection::hand_to.
    void hand_to(Protocol& protocol) noexcept { protocol_ = &protocol; }

    std::uint64_t received() const noexcept;  // bytes, in all
    std::uint64_t sent() const noexcept;
    const List<Connection, SocketServer>& connections() const noexcept { return connections_; }
    List<Connection, SocketServer>& connections() noexcept { return connections_; }

private:
    struct Served;

    bool welcome(const SocketAddress& peer) override;
    void serve(int socket, int family, const SocketAddress& peer) override;
    std::string refusal() override { return protocol_->refusal(*this); }
    void shut_clients_down(bool force) override;
    Task<> finished() override;

    static Task<> run_connection(std::unique_ptr<Served> served);

    Protocol* protocol_;
    Protocol* accepting_ = nullptr;  // of the peer that is being accepted
    List<Connection, SocketServer> connections_;
    std::uint64_t received_ = 0;  // by closed connections
    std::uint64_t sent_ = 0;
};

}  // namespace weir
