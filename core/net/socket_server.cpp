#include "core/net/socket_server.h"

#include <utility>

namespace weir {

SocketServer::SocketServer(Scheduler& scheduler, Protocol& protocol, std::string_view address,
                           SocketServerOptions options)
    : Acceptor(scheduler, address, std::move(options)), protocol_(&protocol) {}

SocketServer::~SocketServer() {
    close();
}

std::uint64_t SocketServer::received() const noexcept {
    std::uint64_t sum = received_;
    for (const Connection& connection : connections_) {
        sum += connection.received();
    }
    return sum;
}

std::uint64_t SocketServer::sent() const noexcept {
    std::uint64_t sum = sent_;
    for (const Connection& connection : connections_) {
        sum += connection.sent();
    }
    return sum;
}

bool SocketServer::welcome(const SocketAddress& peer) {
    accepting_ = protocol_->accept(*this, peer);
    return accepting_ != nullptr;
}

// A connection in the server's list and count, from the moment in which it is accepted.
struct SocketServer::Served {
    Served(SocketServer& its_server, Protocol& protocol, ByteStream::Owner stream)
        : server(its_server),
          opened(its_server),
          connection(its_server.scheduler(), protocol, std::move(stream)) {
        server.connections_.push_back(connection);
    }
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;
    ~Served() {
        server.received_ += connection.received();
        server.sent_ += connection.sent();
        List<Connection, SocketServer>::remove(connection);
    }

    SocketServer& server;
    const Opened opened;
    Connection connection;
};

void SocketServer::serve(int socket, int family, const SocketAddress& peer) {
    Protocol& protocol = *accepting_;
    ByteStream::Owner stream = adopt(socket, family, protocol.options().stream, peer);
    Container::start(run_connection(std::make_unique<Served>(*this, protocol, std::move(stream))),
                     {.name = "connection", .daemon = daemon()});
}

Task<> SocketServer::run_connection(std::unique_ptr<Served> served) {
    co_await served->connection.run();
}

void SocketServer::shut_clients_down(bool force) {
    for (Connection& connection : connections_) {
        connection.shutdown(force);
    }
}

Task<> SocketServer::finished() {
    return protocol_->server_ended(*this);
}

}  // namespace weir
