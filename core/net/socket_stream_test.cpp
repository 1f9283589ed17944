#include "core/net/socket_stream.h"

#include <algorithm>
#include <set>
#include <string_view>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "tests/support/net.h"

namespace weir {

using namespace std::chrono_literals;

namespace {

// Waits until something has come.
Task<> wait_for_input(SocketStream& stream) {
    const MatcherOf<SocketEvent> readable = stream.matcher(SocketEvent::Type::readable);
    while (!stream.has_news()) {
        stream.want(SocketEvent::Type::readable);
        co_await readable;
    }
}

Task<> read_in_parts(Scheduler& scheduler, int socket, int peer, StreamOptions options) {
    const SocketStream::Owner stream = SocketStream::adopt(scheduler, socket, AF_UNIX, options);
    stream->start_reading();
    CHECK(stream->buffer_capacity() == 0);

    CHECK(write(peer, "hello", 5) == 5);
    Task<> first = wait_for_input(*stream);
    co_await first;
    CHECK(stream->input() == "hello");
    CHECK(stream->buffer_capacity() == options.buffer_size);

    stream->consume(2);
    CHECK(stream->input() == "llo");
    stream->consume(3);
    CHECK(stream->input().empty());
    CHECK(stream->buffer_capacity() == 0);

    CHECK(write(peer, "again", 5) == 5);
    Task<> second = wait_for_input(*stream);
    co_await second;
    CHECK(stream->input() == "again");
    close(peer);
}

}  // namespace

TEST_CASE("a stream keeps no code that an object before it in its memory has named") {
    testing::World world;
    const int code = 0;
    auto* const words = static_cast<const void**>(::operator new(sizeof(SocketStream)));
    std::fill_n(words, sizeof(SocketStream) / sizeof(void*), &code);
    ::operator delete(words);
    const SocketStream::Owner stream =
        SocketStream::adopt(world.scheduler, socket(AF_UNIX, SOCK_STREAM, 0), AF_UNIX, {});
    world.poller.visit_code(
        [&](const void* address, std::string_view) { CHECK(address != &code); });
}

TEST_CASE("a stream has a buffer only while there is something in it") {
    testing::World world;
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    world.run(read_in_parts(world.scheduler, ends[0], ends[1], {.buffer_size = 4096}));
}

namespace {

int option(int socket, int level, int name) {
    int value = -1;
    socklen_t size = sizeof(value);
    CHECK(getsockopt(socket, level, name, &value, &size) == 0);
    return value;
}

}  // namespace

TEST_CASE("a silent peer is probed several times before it is given up, whatever the time") {
    for (const Duration silence : {1s, 2s, 6s, 60s, 7200s, 40'000s}) {
        const TcpKeepalive late = TcpKeepalive::after(silence, 0);
        CHECK(late.idle >= 1);
        CHECK((std::chrono::seconds(late.idle) == silence || late.idle == 32767));
        CHECK(late.interval >= 1);
        CHECK(late.count >= 3);
    }
    const TcpKeepalive of_a_minute = TcpKeepalive::after(60s, 0);
    CHECK(of_a_minute.idle + of_a_minute.interval * of_a_minute.count == 90);
}

TEST_CASE("connections that fall silent together are probed at different times") {
    std::set<int> times;
    for (std::uint64_t random = 0; random != 1000; ++random) {
        const TcpKeepalive keepalive = TcpKeepalive::after(60s, random * 0x9E3779B97F4A7C15U);
        CHECK(keepalive.idle <= 60);
        CHECK(keepalive.idle >= 45);
        times.insert(keepalive.idle);
    }
    CHECK(times.size() == 16);
}

TEST_CASE("the keepalive of a socket is consistent: no user timeout ends it before its probes") {
    testing::World world;
    const int listening = ::socket(AF_INET, SOCK_STREAM, 0);
    const SocketAddress local = *SocketAddress::of_number("127.0.0.1", 0);
    REQUIRE(::bind(listening, local.data(), local.size()) == 0);
    REQUIRE(::listen(listening, 1) == 0);
    const testing::Peer peer(SocketAddress::local(listening));
    const int socket = ::accept4(listening, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ::close(listening);
    {
        const SocketStream::Owner stream =
            SocketStream::adopt(world.scheduler, socket, AF_INET, {.tcp_keepalive = 60s});
        CHECK(option(socket, SOL_SOCKET, SO_KEEPALIVE) == 1);
        const int idle = option(socket, IPPROTO_TCP, TCP_KEEPIDLE);
        CHECK(idle >= 45);
        CHECK(idle <= 60);
        CHECK(option(socket, IPPROTO_TCP, TCP_KEEPINTVL) == 5);
        CHECK(option(socket, IPPROTO_TCP, TCP_KEEPCNT) == 6);
        CHECK(option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT) == 0);
        CHECK(stream->unacknowledged() == 0);
    }
    world.scheduler.run();
}

}  // namespace weir
