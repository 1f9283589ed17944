// Each allocation fails that a client makes while it sends commands and loses its connection.

#include <new>
#include <string>

#include "modules/redis/test_world.h"
#include "modules/testing/allocations.h"

namespace weir::redis {

namespace {

// Whatever fails, a command that is made later is executed.
Task<> use_client(RedisWorld& world, Client& client, AllocationFailure& failure,
                  std::string& reply) {
    while (!client.is_connected()) {
        co_await sleep(1ms);
    }
    failure.arm();
    try {
        Task<Reply> script = client.script("return 1", {"k"}, {"a"});
        co_await script;
        world.server.cut();
        PendingReply echo = client.command("ECHO", "a");
        co_await echo;
    } catch (const Error&) {
    } catch (const std::bad_alloc&) {
    }
    failure.disarm();
    PendingReply last = client.command(Command("ECHO", "last").safe_to_repeat(), world.in(1h));
    const Reply answer = co_await last;
    reply = answer.text;
}

}  // namespace

TEST_CASE("a client without memory fails commands, and serves those that come later") {
    fail_each_allocation([](AllocationFailure& failure) {
        RedisWorld world;
        Client client(world.scheduler, world.server.options());
        std::string reply;
        world.container.start(use_client(world, client, failure, reply), {.name = "test"});
        run_without_memory(world.scheduler);
        const AllocationPause pause;
        INFO(failure.where());
        CHECK(reply == "last");
        CHECK(client.requests().size() == 0);
    });
}

}  // namespace weir::redis
