#include "modules/testing/live_server.h"

#include <filesystem>

#include <catch2/catch.hpp>

#include "core/net/connect.h"
#include "core/wait/timeout.h"
#include "modules/system/call/call.h"
#include "modules/system/call/json.h"
#include "modules/system/net/stream_listener.h"
#include "modules/testing/caught_failures.h"

namespace weir {

namespace {

using namespace std::chrono_literals;

struct EchoSettings {
    std::string listen = "tcp://127.0.0.1:0";

    static config::Settings<EchoSettings> describe() {
        using namespace config;
        return settings<EchoSettings>("Echoes",
                                      setting("listen", &EchoSettings::listen, "Where to listen"));
    }
};

// What the module leaves behind.
std::unique_ptr<Container> left_behind;

// Answers each line with the same line.
class Echo final : public ModuleOf<EchoSettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return declare_module<Echo>("echo", "Echoes lines")
            .function("address", "Where it listens", &Echo::address)
            .function("forget", "Leaves a routine behind", &Echo::forget);
    }
    Task<> load() override {
        const auto serve = [](StreamClient& client) -> Task<> {
            while (co_await client.next()) {
                const std::string line((co_await client->read_line(100)).value());
                co_await client->write(line + "\n");
            }
        };
        co_await listener_.listen(settings().listen, serve);
    }

private:
    std::string address() { return listener_.server()->local().text(); }
    void forget() {
        left_behind = std::make_unique<Container>(scheduler());
        left_behind->start(sleep_long(), {.name = "lingering", .daemon = true});
    }
    static Task<> sleep_long() { co_await sleep(1h); }

    StreamListener listener_{*this};
};

Task<> talk(std::string& answer) {
    const ApiResult<Json> address = co_await call("echo", "address");
    const ByteStream::Owner stream = co_await connect(address.value().get<std::string>());
    co_await stream->write("hello\n");
    answer = std::string((co_await stream->read_line(100)).value());
    co_await stream->finish();
}

}  // namespace

TEST_CASE("a live server serves real clients at a port of its own") {
    LiveServer first(R"({"server": {"startup": ["echo"]}})", Registry().add<Echo>());
    LiveServer second(R"({"server": {"startup": ["echo"]}})", Registry().add<Echo>());
    for (LiveServer* world : {&first, &second}) {
        std::string answer;
        world->run(talk(answer));
        CHECK(answer == "hello");
        CHECK(world->log() == "");
    }
}

TEST_CASE("a live server has a folder of its own, which is removed at the end") {
    std::string folder;
    {
        LiveServer world(R"({
            "server": {"startup": ["echo"]},
            "module": {"echo": {"listen": "unix:${WEIR_TEST_FOLDER}/socket"}}
        })",
                         Registry().add<Echo>());
        folder = world.folder();
        std::string answer;
        const auto test = [&]() -> Task<> {
            CHECK(std::filesystem::is_socket(folder + "/socket"));
            co_await talk(answer);
        };
        world.run(test());
        CHECK(answer == "hello");
    }
    CHECK_FALSE(std::filesystem::exists(folder));
}

TEST_CASE("what a module leaves behind in a live server fails the test") {
    std::string caught;
    {
        const CaughtFailures catching(caught);
        LiveServer world(R"({"server": {"startup": ["echo"]}})", Registry().add<Echo>());
        const auto test = []() -> Task<> {
            const ApiResult<Json> forgotten = co_await call("echo", "forget");
            CHECK(forgotten);
        };
        world.run(test());
        left_behind.reset();
    }
    CHECK_THAT(caught, Catch::StartsWith("the server has ended, and there still is:") &&
                           Catch::Contains("lingering"));
}

TEST_CASE("a test in a live server that does not end fails within its limit") {
    std::string caught;
    {
        const CaughtFailures catching(caught);
        LiveServer world(R"({"server": {"startup": ["echo"]}})", Registry().add<Echo>());
        const auto test = []() -> Task<> { co_await sleep(1h); };
        world.run(test(), 20ms);
    }
    CHECK(caught == "the test does not end within its limit");
}

}  // namespace weir
