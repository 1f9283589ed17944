#pragma once

#include <string_view>

#include "core/net/address.h"
#include "core/net/connection.h"

namespace weir {

// A connection that this process opens to a server. It tries the socket addresses that its address
// stands for, IPv4 and IPv6, one after the other, until one is connected.
//
// If the protocol's options have `persist`, it tries until it is connected, and connects again
// whenever the connection ends, until it is shut down. The options' `backoff` is the wait before
// each try after a failed one.
class Client final : public Connection {
public:
    // Throws AddressError. The protocol must outlive the client.
    Client(Scheduler& scheduler, Protocol& protocol, std::string_view address);
    ~Client() override { close(); }

    const Address& address() const noexcept { return address_; }

    // Starts to connect. Requires that it was not called before.
    Ref<Routine> start(StartOptions options = {.name = "client"}) {
        return Container::start(run(), std::move(options));
    }
    using Container::start;

private:
    bool can_connect() const noexcept override { return true; }
    Task<bool> open() override;
    Task<> connect();

    const Address address_;
};

}  // namespace weir
