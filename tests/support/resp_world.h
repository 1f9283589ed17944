#pragma once

// A server of the Redis protocol, and its clients, for the tests of the room modules/resp.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "core/net/connection_events.h"
#include "core/net/socket_server.h"
#include "core/run/event_handler.h"
#include "core/wait/do_events.h"
#include "modules/lock/table.h"
#include "modules/resp/protocol.h"
#include "modules/system/event/describe_event.h"
#include "modules/system/event/event_exchange.h"
#include "modules/system/rights/access.h"
#include "tests/support/net.h"

namespace weir::testing {

using namespace weir::resp;
using namespace std::chrono_literals;

// The event that clients send and watch.
struct Tick : Event {
    Index<std::string> clock;
    int count = 1;

    static auto declare() {
        return portable_event<Tick>("test.Tick", "A clock has ticked",
                                    member("clock", &Tick::clock, "Which"),
                                    member("count", &Tick::count, "How often").range(1, 100));
    }
};

struct KnownTypes final : EventSource {
    std::vector<KnownEventType> event_types() const override {
        return {{&event_type<Tick>(), "test"}};
    }
    const EventType* find_event_type(std::string_view name) const override {
        return name == "test.Tick" ? &event_type<Tick>() : nullptr;
    }
};

// When code looks at the events of clients, which then take the way through their queues.
enum class Looks { never, always, now_and_then };

// A server on a Unix socket, and locks.
struct Lockd : World {
    explicit Lockd(RespSettings with = {}, Looks looks = Looks::never) : settings(std::move(with)) {
        add_lock_queue(scheduler, {}, std::make_unique<FencingTokens>());  // from 1 on
        scheduler.queue().add("resp", 600, match<InputEvent>().make(),
                              RespProtocol::request_queue());
        server.start({.name = "server", .daemon = true});
        if (looks != Looks::never) {
            look();
        }
        if (looks == Looks::now_and_then) {
            container.start(look_and_look_away(), {.name = "onlooker", .daemon = true});
        }
    }

    void run(Task<> task) { World::run(within(std::move(task))); }

    // Until so many clients are connected.
    Task<> until_clients(std::size_t count) {
        while (protocol.clients() != count) {
            co_await do_events();
        }
    }
    Task<> until_waiting(std::size_t count) {
        while (LockTable::of(scheduler).waiting() != count) {
            co_await do_events();
        }
    }
    std::size_t holding() const { return LockTable::of(scheduler).holding(); }

    RespSettings settings;
    ModuleLog log{scheduler, "resp", LogLevel::debug};
    KnownTypes types;
    EventExchange events{scheduler, types};
    Access access{scheduler};
    RespProtocol protocol{scheduler, log, access, settings, events};
    SocketServer server{scheduler, protocol, socket()};

private:
    void look() {
        onlooker = std::make_unique<EventHandler>(scheduler);
        onlooker->handle(match<InputEvent>().make(), [](const Ref<Event>&) {});
        onlooker->handle(match<ConnectionWriteEvent>().make(), [](const Ref<Event>&) {});
    }
    Task<> look_and_look_away() {
        for (;;) {
            co_await do_events();
            if (poller.random() % 2 == 0) {
                look();
            } else {
                onlooker.reset();
            }
        }
    }

    Task<> within(Task<> task) {
        co_await server.listening();
        // The peers run as this user, who is an admin unless a password is tested.
        std::vector<std::string> owner;
        if (!settings.password) {
            owner.emplace_back("admin");
        }
        protocol.set_doors({{server.addresses(), {}, std::move(owner)}});
        co_await task;
    }

    std::unique_ptr<EventHandler> onlooker;
};

// A client that reads what it expects.
class RespPeer {
public:
    explicit RespPeer(Lockd& lockd) : RespPeer(lockd.server) {}
    explicit RespPeer(const SocketServer& server) : peer_(server.local()) {}

    Peer& peer() { return peer_; }
    void send(std::string_view bytes) { REQUIRE(peer_.send(bytes) == ssize_t(bytes.size())); }

    // Until the reply has come, and nothing but it.
    Task<> expect(std::string reply) {
        co_await peer_.receive_until(reply.size());
        CHECK(peer_.received == reply);
        peer_.received.clear();
    }
    Task<> ask(std::string request, std::string reply) {
        send(request + "\r\n");
        Task<> expecting = expect(std::move(reply));
        co_await expecting;
    }
    // Until the server has closed; what it has said before.
    Task<std::string> until_closed() {
        co_await peer_.receive_all();
        co_return std::exchange(peer_.received, {});
    }

private:
    Peer peer_;
};

}  // namespace weir::testing
