// The examples in the comments of headers of plugins; see header_examples.cpp.

#include <weir/core.h>
#include <weir/module.h>

#include "modules/http/http_client.h"
#include "modules/http/http_host.h"
#include "modules/http/web_socket.h"
#include "modules/limit/limit_host.h"
#include "modules/redis/client.h"
#include "modules/zookeeper/node_follower.h"
#include "modules/zookeeper/remote_locks.h"
#include "modules/zookeeper/session.h"

namespace {

namespace http_module {

// modules/http/exchange.h
weir::Task<> greet(weir::http::Exchange& exchange) {
    const std::string name = co_await exchange.read_all();
    weir::http::Response response{.body = "Hello " + name + "\n"};
    co_await exchange.respond(std::move(response));
}

// modules/http/http_host.h
class Greeter : public weir::Module {
public:
    using Module::Module;

    static auto declare() {
        return weir::declare_module<Greeter>("greeter", "Greets").depends_on("http");
    }
    void begin() override {
        route_ = weir::http::HttpHost::add_route(*this, "POST", "/greet", greet);
    }

private:
    std::unique_ptr<weir::http::Route> route_;
};

// modules/http/web_socket.h
weir::Task<> repeat(weir::http::WebSocket& socket) {
    while (const auto message = co_await socket.receive()) {
        co_await socket.send("you said " + message->bytes);
    }
}

weir::Task<> open(weir::http::Exchange& exchange) {
    return serve_web_socket(exchange, repeat);
}

const weir::http::Handler opens = open;

// modules/http/http_client.h
weir::Task<std::string> price(weir::http::HttpClient& client, std::string article) {
    weir::http::ClientRequest request("GET", "https://shop.example/price/" + article);
    const weir::http::ClientResponse response = co_await client.request(std::move(request));
    co_return response.is_success() ? response.body : "unknown";
}

class Shop {
public:
    explicit Shop(weir::Scheduler& scheduler) : client_(scheduler) {}
    weir::Task<std::string> price_of(std::string article) { return price(client_, article); }

private:
    weir::http::HttpClient client_;
};

}  // namespace http_module

namespace limits {

// modules/limit/limit_host.h
weir::Task<> greet(const weir::Module& module, std::string user) {
    const weir::Ref<weir::limit::Limit> limit = weir::limit::LimitHost::find(module, "greetings");
    const auto ticket = co_await weir::limit::Limit::take(limit, user);
    module.log().info("Hello {}", user);
}

}  // namespace limits

void use(const std::string& /*text*/) {}
void use(std::int64_t /*number*/) {}

namespace redis_client {
using namespace weir::redis;
// modules/redis/client.h
weir::Task<> greet(weir::Scheduler& scheduler) {
    Client client(scheduler, ClientOptions{.server = "tcp://localhost:6379"});
    co_await client.command("SET", "greeting", "hello");
    const Reply reply = co_await client.command("GET", "greeting");
    use(reply.text);
    const Reply visits = co_await client.command("INCR", "visits");
    use(visits.integer);  // `number` is what version 3 of the protocol calls a double
}
}  // namespace redis_client

namespace zookeeper {
using namespace weir::zookeeper;
// modules/zookeeper/session.h
weir::Task<> greet(weir::Scheduler& scheduler) {
    SessionOptions options{.servers = {"zk1", "zk2", "zk3"}};
    Session session(scheduler, options);
    co_await session.create("/greeting", "hello");
    const Node node = co_await session.get("/greeting");
    static_cast<void>(node);
}

// modules/zookeeper/watch.h
weir::Task<> follow(Session& session) {
    for (;;) {
        Watch watch;
        const Node node = co_await session.get("/config", watch);
        use(node.data);
        co_await watch.changed();
    }
}

// modules/zookeeper/pending.h
weir::Task<> pipeline(Session& session, std::string path) {
    auto making = session.create(path, "mine", CreateMode::ephemeral);
    auto listing = session.children("/members");
    const Created created = co_await making;
    const Children children = co_await listing;
    static_cast<void>(created);
    static_cast<void>(children);
}

void write_report(std::int64_t) {}

// modules/zookeeper/remote_locks.h
weir::Task<> report(Session& session) {
    RemoteLocks locks(session);
    RemoteLock lock = co_await locks.lock("/locks/report");
    if (lock) {
        write_report(lock.token());
    }
}

// modules/zookeeper/node_follower.h
weir::Task<> configure(Session& session) {
    NodeFollower configuration(session, "/config");
    for (;;) {
        const std::optional<Node> node = co_await configuration.next();
        use(node ? node->data : "defaults");
    }
}

// docs/zookeeper.md
weir::Task<> set_greeting(Session& session) {
    try {
        co_await session.set("/greeting", "good morning");
    } catch (const RefusedError& error) {
        use(error.what());  // nothing was done: error.code() says why
    } catch (const UnavailableError& error) {
        use(error.what());  // nothing was done: no server before the deadline
    } catch (const InDoubtError& error) {
        use(error.what());  // it may have been done: look
    }
}

}  // namespace zookeeper

}  // namespace

// Each is used, as the compiler would have it.
void use_the_examples_of_plugins();
void use_the_examples_of_plugins() {
    static_cast<void>(&http_module::greet);
    static_cast<void>(&limits::greet);
    static_cast<void>(&redis_client::greet);
    static_cast<void>(&zookeeper::greet);
    static_cast<void>(&zookeeper::follow);
    static_cast<void>(&zookeeper::pipeline);
    static_cast<void>(&zookeeper::set_greeting);
    static_cast<void>(&zookeeper::report);
    static_cast<void>(&zookeeper::configure);
}
