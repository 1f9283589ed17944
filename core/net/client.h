#pragma once

#include <string_view>

#include "core/net/address.h"
#include "core/net/connection.h"

namespace weir {

// A connection that it makes itself. If its protocol's options say that it persists, it tries
// until it is connected, and connects again whenever the connection ends, until it is shut down;
// the backoff of the options says how long it waits before each try after one that failed.
class Client final : public Connection {
public:
    // Throws AddressError. The protocol must outlive the client.
    Client(Scheduler& scheduler, Protocol& protocol, std::string_view address);
    ~Client() override { close(); }

    const Address& address() const noexcept { return address_; }

    // Begins to connect. To be called once.
    Ref<Routine> start(StartOptions options = {.name = "client"}) {
        return Container::start(run(), std::move(options));
    }
    using Container::start;

private:
    bool can_connect() const noexcept override { return true; }
    Task<bool> open() override;
    Task<> connect();
    Task<bool> connect_to(SocketAddress address);

    const Address address_;
};

}  // namespace weir
