// W6 with Asio and coroutines.

#include <cstdio>

#include <asio.hpp>

namespace {

using asio::awaitable;
using asio::use_awaitable;
using asio::ip::tcp;

awaitable<void> echo(tcp::socket socket) {
    char bytes[16 * 1024];
    try {
        for (;;) {
            const std::size_t got =
                co_await socket.async_read_some(asio::buffer(bytes), use_awaitable);
            co_await asio::async_write(socket, asio::buffer(bytes, got), use_awaitable);
        }
    } catch (const asio::system_error&) {
        // the client has disconnected
    }
}

awaitable<void> listen(asio::io_context& loop) {
    tcp::acceptor acceptor(loop, {asio::ip::address_v4::loopback(), 0});
    std::printf("listening at %d\n", int{acceptor.local_endpoint().port()});
    std::fflush(stdout);
    for (;;) {
        tcp::socket socket = co_await acceptor.async_accept(use_awaitable);
        socket.set_option(tcp::no_delay(true));
        asio::co_spawn(loop, echo(std::move(socket)), asio::detached);
    }
}

}  // namespace

int main() {
    asio::io_context loop(1);
    asio::co_spawn(loop, listen(loop), asio::detached);
    loop.run();
}
