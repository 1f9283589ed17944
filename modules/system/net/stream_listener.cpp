#include "modules/system/net/stream_listener.h"

#include <utility>

#include "core/net/socket_error.h"
#include "modules/system/module/module.h"

namespace weir {

// What the handlers of one version have in common, as long as one of them serves a client.
struct StreamListener::Tie {
    std::unique_ptr<Hold> hold;  // set when another version has taken over
};

struct StreamListener::Asked {
    std::string address;
    StreamHandler handler;
    SocketServerOptions options;
    std::unique_ptr<Hold> hold;  // of the old version
};

StreamListener::StreamListener(Module& module, std::string name)
    : ModulePart(module, std::move(name)), tie_(std::make_shared<Tie>()) {}

StreamListener::~StreamListener() = default;

// Each client's routine has a copy of its handler, and so of the tie.
StreamHandler StreamListener::tied(StreamHandler handler) {
    return [tie = tie_, handler = std::move(handler)](StreamClient& client) {
        return handler(client);
    };
}

StreamListener* StreamListener::predecessor_at(const std::string& address) const noexcept {
    auto* const old = static_cast<StreamListener*>(predecessor());
    const bool same = old != nullptr && old->server_ != nullptr &&
                      old->server_->state() == Acceptor::State::listening &&
                      old->server_->address().text() == address;
    return same ? old : nullptr;
}

Task<> StreamListener::listen(std::string address, StreamHandler handler,
                              SocketServerOptions options, StreamOptions stream) {
    address = Address::parse(address).text();
    handler = tied(std::move(handler));
    if (predecessor_at(address) != nullptr) {
        asked_ = std::make_unique<Asked>(
            Asked{std::move(address), std::move(handler), std::move(options), nullptr});
        co_return;
    }
    options.retry_listen = {};
    auto server = std::make_unique<StreamServer>(module().scheduler(), address, std::move(handler),
                                                 std::move(options), stream);
    server->start({.name = module().name() + " " + name()});
    if (!co_await server->listening()) {
        throw SocketError("listening on " + address, server->error_code());
    }
    for (const std::string& url : server->urls()) {
        module().log().info("listens at {}", url);
    }
    server_ = std::move(server);
}

void StreamListener::prepare_to_take_over() {
    if (asked_ == nullptr) {
        return;
    }
    StreamListener* const old = predecessor_at(asked_->address);
    if (old == nullptr) {
        throw SocketError("taking over the listener at " + asked_->address, UV_ECANCELED);
    }
    asked_->hold = old->module().hold("clients that it still serves at " + asked_->address);
}

void StreamListener::take_over() noexcept {
    if (asked_ == nullptr) {
        return;
    }
    auto& old = static_cast<StreamListener&>(*predecessor());
    const std::unique_ptr<Asked> asked = std::move(asked_);
    server_ = std::move(old.server_);
    old.tie_->hold = std::move(asked->hold);
    old.tie_.reset();
    if (asked->options.tls != nullptr) {
        server_->set_tls(std::move(asked->options.tls));
    }
    try {
        server_->set_max_connections(asked->options.max_connections);
        server_->hand_to(std::move(asked->handler));
    } catch (...) {
        module().scheduler().log_exception("taking over the listener at " + asked->address);
    }
}

Task<> StreamListener::end() {
    if (server_ != nullptr) {
        server_->shutdown();
        co_await server_->ended();
    }
}

void StreamListener::go_on() {
    if (server_ != nullptr) {
        server_->start_listening();
    }
}

}  // namespace weir
