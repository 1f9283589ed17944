#pragma once

#include <exception>

#include "core/base/ref.h"
#include "core/stream/byte_stream.h"
#include "modules/http/exchange.h"

namespace weir::detail {

class Calling;

}  // namespace weir::detail

namespace weir::http {

struct ClientGone;

// Watches the connection while a call for its client is awaited: a call whose client ends the
// connection is given up, with a StreamError where it is awaited. Made before the call is awaited.
//
// The cheap form of Exchange::while_connected(): as long as the client stays it costs no event and
// no matcher. Nothing may read or write the stream meanwhile.
class ConnectionWatch final : private ByteStream::Observer {
public:
    // Throws StreamError if the client has gone already. Both must outlive the watch.
    ConnectionWatch(Exchange& exchange, weir::detail::Calling& call);
    ConnectionWatch(const ConnectionWatch&) = delete;
    ConnectionWatch& operator=(const ConnectionWatch&) = delete;
    ~ConnectionWatch();

    void end() noexcept;

private:
    friend ClientGone;

    void signalled(SocketEvent::Type type) noexcept override;
    void flush_now() noexcept override {}  // the stream does it, too

    Exchange& exchange_;
    weir::detail::Calling& call_;
    std::exception_ptr why_;  // the client has gone
    Ref<ClientGone> gone_;    // on its way
};

}  // namespace weir::http
