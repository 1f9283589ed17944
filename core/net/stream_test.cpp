#include "core/net/stream.h"

#include "tests/support/net.h"

namespace weir {

using testing::World;

namespace {

// Waits until something has come.
Task<> wait_for_input(Stream& stream) {
    const MatcherOf<SocketEvent> readable = stream.matcher(SocketEvent::Type::readable);
    while (!stream.has_news()) {
        stream.want(SocketEvent::Type::readable);
        co_await readable;
    }
}

Task<> read_in_parts(Scheduler& scheduler, int socket, int peer, StreamOptions options) {
    const Stream::Owner stream = Stream::adopt(scheduler, socket, AF_UNIX, options);
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

TEST_CASE("A stream has a buffer only while there is something in it") {
    World world;
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    world.run(read_in_parts(world.scheduler, ends[0], ends[1], {.buffer_size = 4096}));
}

}  // namespace weir
