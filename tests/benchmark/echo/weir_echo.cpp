// W6: an echo server as a module would have one: the protocol makes events of the bytes received,
// and a routine for each connection waits for them and writes. --once[=TIMES] is for counting
// instructions.

#include <cstdio>
#include <memory>

#include "core/net/connection.h"
#include "core/net/protocol.h"
#include "core/net/socket_server.h"
#include "core/program/standard_queues.h"
#include "core/run/container.h"
#include "core/run/scheduler.h"
#include "core/run/uv_poller.h"
#include "tests/support/benchmark.h"
#include "tests/support/child.h"
#include "tests/support/peer.h"

namespace weir {

namespace {

struct InputEvent : Event {
    Index<Connection*> connection;
    std::string bytes;

    static auto declare() {
        return declare_event<InputEvent>("benchmark.InputEvent")
            .index("connection", &InputEvent::connection);
    }
};

Task<> echo(Connection& connection) {
    const MatcherOf<InputEvent> input = match<InputEvent>(&connection);
    for (;;) {
        Ref<InputEvent> event = co_await input;
        co_await connection.write(std::move(event->bytes));
    }
}

class Echo : public Protocol {
public:
    std::size_t parse(Connection& connection, const Input& input, Events& events) override {
        if (!input.bytes.empty()) {
            events.push_back(make_event<InputEvent>(&connection, std::string(input.bytes)));
        }
        return input.bytes.size();
    }
    Task<> init(Connection& connection) override {
        ++clients_;
        connection.start(echo(connection), {.name = "echo", .daemon = true});
        co_return;
    }
    Task<> final(Connection&) override {
        if (--clients_ == 0 && server_to_end != nullptr) {
            server_to_end->shutdown();
        }
        co_return;
    }

    SocketServer* server_to_end = nullptr;  // when the last client has disconnected

private:
    int clients_ = 0;
};

Task<> tell_port(SocketServer& server) {
    co_await server.listening();
    std::printf("listening at %d\n", int{server.local().port()});
    std::fflush(stdout);
}

Task<> start_clients(SocketServer& server, long requests, std::unique_ptr<benchmark::Child>& to) {
    co_await server.listening();
    to = std::make_unique<benchmark::Child>(std::vector<std::string>{
        benchmark::own_folder() / "echo_client", std::to_string(server.local().port()), "50",
        std::to_string(requests)});
}

// With a number of requests, the server makes so many requests to itself and ends: for counting its
// instructions.
void serve(long requests) {
    UvPoller poller;
    Scheduler scheduler(poller, {.queue = standard_root()});
    add_standard_queues(scheduler.queue());
    Echo protocol;
    SocketServer server(scheduler, protocol, "tcp://127.0.0.1:0", {.max_connections = 20'000});
    server.start();
    Container container(scheduler);
    std::unique_ptr<benchmark::Child> clients;
    if (requests == 0) {
        container.start(tell_port(server));
    } else {
        protocol.server_to_end = &server;
        container.start(start_clients(server, requests, clients));
    }
    scheduler.run();
}

}  // namespace

}  // namespace weir

int main(int argc, char** argv) {
    const auto options = weir::benchmark::options(argc, argv);
    constexpr long requests = 10'000;
    weir::serve(requests * options.once);
    if (options.once > 0) {
        std::printf("W6 TCP echo, 50 connections, 64 bytes: %ld operations\n", requests);
    }
}
