#include "core/net/stream_server.h"

#include <utility>

#include <uv.h>

#include "core/net/socket_error.h"

namespace weir {

StreamServer::StreamServer(Scheduler& scheduler, std::string_view address, StreamHandler handler,
                           SocketServerOptions options, const StreamOptions& stream)
    : Acceptor(scheduler, address, std::move(options)),
      handler_(std::move(handler)),
      stream_options_(stream),
      handed_on_(scheduler) {}

StreamServer::~StreamServer() {
    close();
}

// A client in the server's list and count, from the moment in which it is accepted.
struct StreamServer::Served {
    Served(StreamServer& server, ByteStream::Owner stream)
        : opened(server), client(server, std::move(stream)) {
        server.clients_.push_back(client);
    }
    Served(const Served&) = delete;
    Served& operator=(const Served&) = delete;
    ~Served() { List<StreamClient, StreamServer>::remove(client); }

    const Opened opened;
    StreamClient client;
};

void StreamServer::serve(int socket, int family, const SocketAddress& peer) {
    ByteStream::Owner stream = adopt(socket, family, stream_options_, peer);
    auto served = std::make_unique<Served>(*this, std::move(stream));
    StreamClient& client = served->client;
    client.routine_ =
        Container::start(run_client(std::move(served)), {.name = "client", .daemon = daemon()});
}

Task<> StreamServer::run_client(std::unique_ptr<Served> served) {
    StreamClient& client = served->client;
    StreamServer& server = client.server();
    Scheduler& scheduler = server.scheduler();
    try {
        co_await client->open();
        co_await server.handle(client);
        co_await client->finish(scheduler.now() + server.options().shutdown_timeout);
    } catch (const StreamError& error) {
        scheduler.log(LogLevel::debug, error.what());
    }
}

// Runs the handler, and those that it is handed to.
Task<> StreamServer::handle(StreamClient& client) {
    for (;;) {
        client.handler_ = handlers_;
        try {
            const StreamHandler handler = handler_;  // lives as long as its routine
            co_await handler(client);
            co_return;
        } catch (const HandedOn&) {
        }
    }
}

void StreamServer::hand_to(StreamHandler handler) {
    handler_ = std::move(handler);
    ++handlers_;
    handed_on_.signal(SocketEvent::Type::changed);
}

std::size_t StreamServer::with_former_handlers() const noexcept {
    std::size_t count = 0;
    for (const StreamClient& client : clients_) {
        count += client.handler_ != handlers_ ? 1 : 0;
    }
    return count;
}

void StreamServer::shut_clients_down(bool force) {
    for (auto it = clients_.begin(); it != clients_.end();) {
        StreamClient& client = *it;
        ++it;
        if (force) {
            client.routine_->close();
        } else if (!client.asks_for_next_) {
            client->cut_input();
        }
    }
    handed_on_.signal(SocketEvent::Type::changed);
}

Task<bool> StreamClient::next(Time deadline) {
    asks_for_next_ = true;
    stream_->consume(0);  // what the last request has borrowed
    return wait_for_input(0, true, deadline);
}

Task<bool> StreamClient::more(std::size_t there, Time deadline) {
    return wait_for_input(there, false, deadline);
}

Task<bool> StreamClient::wait_for_input(std::size_t there, bool ends_at_shutdown, Time deadline) {
    for (;;) {
        if (handler_ != server_.handlers_) {
            throw StreamServer::HandedOn();
        }
        if (stream_->input().size() > there) {
            co_return true;
        }
        if (stream_->input_error() != 0) {
            throw stream_->input_failure();
        }
        if (stream_->input_ended() ||
            (ends_at_shutdown && server_.state() == Acceptor::State::closing)) {
            co_return false;
        }
        if (there != 0) {
            if (!stream_->make_room()) {
                throw StreamError("reading from " + stream_->peer(), UV_EMSGSIZE);
            }
            if (stream_->input().size() > there || stream_->input_over()) {
                continue;  // making room has read them
            }
        }
        stream_->start_reading();
        const bool signalled =
            co_await SignalWait(*stream_, SocketEvent::Type::readable, server_.handed_on_,
                                SocketEvent::Type::changed, deadline);
        if (!signalled) {
            throw StreamError("waiting for a request of " + stream_->peer(), UV_ETIMEDOUT);
        }
    }
}

Task<std::unique_ptr<StreamServer>> listen(std::string address, StreamHandler handler,
                                           SocketServerOptions options, StreamOptions stream) {
    options.retry_listen = {};
    auto server = std::make_unique<StreamServer>((co_await this_routine()).scheduler(), address,
                                                 std::move(handler), std::move(options), stream);
    server->start();
    if (!co_await server->listening()) {
        throw SocketError("listening on " + server->address().text(), server->error_code());
    }
    co_return server;
}

}  // namespace weir
