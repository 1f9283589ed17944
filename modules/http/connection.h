#pragma once

#include <cstddef>
#include <functional>
#include <string_view>
#include <utility>

#include "core/stream/byte_stream.h"
#include "modules/http/client.h"
#include "modules/http/exchange.h"
#include "modules/http/limits.h"
#include "modules/http/traffic.h"

namespace weir::http {

// One client's connection: reads its requests one after the other, and has each answered before it
// reads the next, so that pipelined requests are answered in their order.
//
// The layers: the parser knows bytes, the connection knows requests and their order, the router
// chooses the handler by path and method, and handlers know what a request means. Each sees only
// the one before it; only the parser includes llhttp.
class Connection {
public:
    // Waits until the input of the stream has more than `there` bytes, and consumes none. Returns
    // false if it ends before. May throw to leave a request that has come in part, and of which
    // nothing is consumed, to another connection.
    using More = std::function<Task<bool>(std::size_t there, Time deadline)>;

    // All must outlive the connection. Without `more` it waits for its stream alone.
    Connection(ByteStream& stream, const HttpLimits& limits, const Client& client,
               const Handler& handler, Traffic& traffic, More more = {}) noexcept
        : stream_(stream),
          limits_(limits),
          client_(client),
          handler_(handler),
          traffic_(traffic),
          more_(std::move(more)) {}

    // Serves the request that the input begins with. Returns whether a further one may follow:
    // false if the client, or an error, ends the connection. `last`: it is not to go on in any
    // case, because the server ends. Throws StreamError.
    Task<bool> serve_request(const std::function<bool()>& last);
    // Answers without having read a request, as a client that is refused.
    Task<> refuse(Response response);

private:
    class ParserInUse;

    bool take_head(RequestParser& parser);
    Task<bool> read_head(RequestParser& parser);
    Task<std::string_view> peek(std::size_t least, Time deadline);

    ByteStream& stream_;
    const HttpLimits& limits_;
    const Client& client_;
    const Handler& handler_;
    Traffic& traffic_;
    const More more_;
};

}  // namespace weir::http
