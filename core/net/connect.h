#pragma once

#include <memory>
#include <string>

#include "core/base/clock.h"
#include "core/net/address.h"
#include "core/run/task.h"
#include "core/stream/byte_stream.h"
#include "core/tls/tls_context.h"

namespace weir {

struct ConnectOptions {
    StreamOptions stream = {};
    // For the look-up of the name, and for each of its addresses. 0: any time.
    Duration timeout = std::chrono::seconds(30);
    // For tls:// addresses: whom to trust, and what to show. Null: as TlsContext::client() makes
    // it, anew for each connection, which takes milliseconds.
    std::shared_ptr<TlsContext> tls = {};
};

// co_await connect("tcp://host:port"): returns a stream that is connected to the address, and with
// tls:// has shaken hands. Tries the socket addresses that it stands for, IPv4 and IPv6, one after
// the other. Throws AddressError, StreamError if none answers, whose text names each with its
// reason, and TlsError.
Task<ByteStream::Owner> connect(std::string address, ConnectOptions options = {});
Task<ByteStream::Owner> connect(Scheduler& scheduler, Address address, ConnectOptions options = {});

}  // namespace weir
