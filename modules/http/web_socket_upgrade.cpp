// How a request becomes a WebSocket: the handshake, and what holds for every handler of one.

#include <array>
#include <exception>
#include <new>

#include <openssl/evp.h>

#include "config/text/quoted.h"
#include "core/base/base64.h"
#include "core/run/routine.h"
#include "core/run/scheduler.h"
#include "modules/http/http_error.h"
#include "modules/http/web_socket.h"

namespace weir::http {

namespace {

// Of RFC 6455: what makes the answer one of a server that speaks WebSocket.
constexpr std::string_view handshake_salt = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

// Returns base64 of the SHA-1 of the key and the salt.
std::string accept_value(std::string_view key) {
    const std::string text = std::string(key).append(handshake_salt);
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    if (::EVP_Digest(text.data(), text.size(), digest.data(), &size, ::EVP_sha1(), nullptr) != 1) {
        throw std::runtime_error("OpenSSL computes no SHA-1");
    }
    return to_base64({reinterpret_cast<const char*>(digest.data()), size});
}

// Whether it is 16 bytes in base64.
bool is_key(std::string_view key) {
    const std::optional<std::string> bytes = from_base64(key);
    return bytes && bytes->size() == 16;
}

Headers handshake(const Request& request, const std::vector<std::string>& protocols) {
    if (!request.asks_for_web_socket()) {
        throw HttpError(426, "no_web_socket", "this path is for WebSockets")
            .with("Upgrade", "websocket");
    }
    if (request.header("Sec-WebSocket-Version") != "13") {
        throw HttpError(426, "unknown_version", "the server speaks version 13 of WebSocket")
            .with("Sec-WebSocket-Version", "13");
    }
    const std::optional<std::string_view> key = request.header("Sec-WebSocket-Key");
    if (!key || !is_key(*key) || request.has_body()) {
        throw HttpError(400, "bad_request",
                        "the request for a WebSocket has no Sec-WebSocket-Key of 16 bytes, or has "
                        "a body");
    }
    Headers headers;
    headers.set("Upgrade", "websocket");
    headers.set("Connection", "Upgrade");
    headers.set("Sec-WebSocket-Accept", accept_value(*key));
    for (const std::string& protocol : protocols) {
        if (request.lists("Sec-WebSocket-Protocol", protocol)) {
            headers.set("Sec-WebSocket-Protocol", protocol);
            break;
        }
    }
    return headers;
}

// Ends the socket as the exception demands that is being handled. Throws it anew if nothing more
// can be sent.
void end_with_current_error(WebSocket& socket) {
    Exchange& exchange = socket.exchange();
    try {
        throw;
    } catch (const WebSocketError&) {  // the client was told
    } catch (const ApiException& error) {
        socket.end(close_code::policy, error.error().code + ": " + error.error().message);
    } catch (const StreamError&) {
        throw;
    } catch (const QuitException&) {
        throw;
    } catch (const std::bad_alloc&) {
        throw;
    } catch (const std::exception&) {
        exchange.scheduler().log(
            LogLevel::error,
            text_with_exception("the handler of the WebSocket at " +
                                config::printable(exchange.request().path) + " ended"));
        socket.end(close_code::failed, "the server failed; its log says why");
    }
}

}  // namespace

Task<> serve_web_socket(Exchange& exchange, WebSocketHandler handler, WebSocketOptions options) {
    Headers headers = handshake(exchange.request(), options.protocols);
    co_await exchange.switch_protocols(std::move(headers));
    WebSocket socket(exchange, std::move(options));
    bool failed = false;
    try {
        co_await handler(socket);
    } catch (...) {
        end_with_current_error(socket);
        failed = true;
    }
    // After an error nothing of the client is of interest; the connection ends in order.
    if (!failed) {
        co_await socket.close();
    }
}

}  // namespace weir::http
