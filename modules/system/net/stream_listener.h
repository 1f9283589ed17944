#pragma once

#include <memory>
#include <string>

#include "core/net/stream_server.h"
#include "modules/system/module/module_part.h"

namespace weir {

// Serves a module's clients: a StreamServer that belongs to the module. When the module is reloaded
// the server passes on to the new version with its sockets and all clients: no client is refused or
// closed, and none notices. A client that waits in StreamClient::next() is served by the new
// version from then on, the others after their answer; until the last one has followed, the old
// version stays.
//
//     class Greeter final : public ModuleOf<GreeterSettings> {
//         ...
//         Task<> load() override {
//             co_await listener_.listen(settings().listen,
//                                       [this](StreamClient& client) { return serve(client); });
//         }
//         Task<> serve(StreamClient& client);
//
//         StreamListener listener_{*this};
//     };
//
// When the module is unloaded the server shuts down in order before Module::unload().
class StreamListener final : public ModulePart {
public:
    // `name`: distinguishes several listeners of a module.
    explicit StreamListener(Module& module, std::string name = "listener");
    ~StreamListener() override;

    // To be awaited in load(). Listens at the address, and logs where; in a reload, if the old
    // version listens at the same address, takes its place when the module does. Of `options`,
    // only max_connections and tls change what is taken over. Throws AddressError, or SocketError
    // if it cannot listen.
    Task<> listen(std::string address, StreamHandler handler, SocketServerOptions options = {},
                  StreamOptions stream = {});

    // Null before listen() has ended, and in a reload before begin() has returned.
    StreamServer* server() const noexcept { return server_.get(); }

    void prepare_to_take_over() override;
    void take_over() noexcept override;
    Task<> end() override;
    void go_on() override;

private:
    struct Tie;
    struct Asked;

    StreamListener* predecessor_at(const std::string& address) const noexcept;
    StreamHandler tied(StreamHandler handler);

    std::unique_ptr<StreamServer> server_;
    std::shared_ptr<Tie> tie_;      // shared with the handlers that serve clients
    std::unique_ptr<Asked> asked_;  // for what is to be taken over
};

}  // namespace weir
