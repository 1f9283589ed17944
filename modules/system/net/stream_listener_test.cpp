#include "modules/system/net/stream_listener.h"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "core/net/connect.h"
#include "core/run/uv_poller.h"
#include "core/wait/timeout.h"
#include "modules/system/module/module.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

std::string socket_name() {
    static int sockets = 0;
    return "unix:/tmp/weir_listener_test." + std::to_string(getpid()) + '.' +
           std::to_string(++sockets);
}

// Answers each line with the number of its version; "slow" after another version may have come.
class Numbers final : public Module {
public:
    using Module::Module;
    ~Numbers() override { --alive; }

    static auto declare() { return declare_module<Numbers>("numbers", "Tells its version"); }

    Task<> load() override {
        number_ = ++versions;
        ++alive;
        co_await listener_.listen(address, [this](StreamClient& client) { return serve(client); });
        if (fails) {
            throw std::runtime_error("this version does not work");
        }
    }

    static inline int versions = 0;
    static inline int alive = 0;
    static inline bool fails = false;
    static inline std::string address;

private:
    Task<> serve(StreamClient& client) {
        while (co_await client.next()) {
            const std::string line((co_await client->read_line(64)).value());
            co_await sleep(line == "slow" ? 100ms : 0ms);
            co_await client->write(std::to_string(number_) + "\n");
        }
    }

    int number_ = 0;
    StreamListener listener_{*this};
};

Task<std::string> ask(ByteStream& stream, std::string question) {
    co_await stream.write(question + "\n");
    co_return std::string((co_await stream.read_line(64)).value_or("(the end)"));
}

config::Configuration configuration() {
    config::Sources sources;
    sources.files.push_back({"app.json", R"({"server": {"startup": ["numbers"]}})"});
    config::Problems problems;
    return config::Configuration::load(sources, problems);
}

// A server on sockets with the module.
struct World {
    World() {
        Numbers::versions = 0;
        Numbers::fails = false;
        Numbers::address = socket_name();
    }

    void run(Task<> test) {
        Container container(server.scheduler());
        container.start(within_time(std::move(test)), {.name = "test"});
        server.run();
        CHECK(finished);
        CHECK(Numbers::alive == 0);
    }

    Task<> reload() {
        std::vector<std::string> names{"numbers"};
        co_await server.loader().reload(std::move(names));
    }

    std::string problems;
    bool finished = false;
    UvPoller poller;
    Server server{poller,
                  configuration(),
                  {.registry = Registry().add<Numbers>(), .log = [this](const LogRecord& record) {
                       if (record.level >= LogLevel::warning) {
                           problems += std::string(record.text) + '\n';
                       }
                   }}};

private:
    Task<> within_time(Task<> test) {
        while (server.loader().state("numbers") != ModuleState::succeeded) {
            co_await sleep(1ms);
        }
        finished = co_await execute_with_timeout(30s, std::move(test));
        server.scheduler().quit();
    }
};

}  // namespace

TEST_CASE("a module that listens is reloaded, and none of its clients notices") {
    World w;
    const auto test = [&]() -> Task<> {
        const ByteStream::Owner idle = co_await connect(Numbers::address);
        const ByteStream::Owner busy = co_await connect(Numbers::address);
        const std::string before = co_await ask(*idle, "quick");
        CHECK(before == "1");
        co_await busy->write("slow\nquick\n");
        co_await busy->drain();
        co_await sleep(20ms);
        co_await w.reload();
        CHECK(Numbers::alive == 2);  // the old version answers what it has begun
        const std::string after = co_await ask(*idle, "quick");
        CHECK(after == "2");
        const std::string begun = std::string((co_await busy->read_line(64)).value());
        CHECK(begun == "1");
        const std::string followed = std::string((co_await busy->read_line(64)).value());
        CHECK(followed == "2");
        while (Numbers::alive != 1) {
            co_await sleep(1ms);
        }
        const ByteStream::Owner late = co_await connect(Numbers::address);
        const std::string late_answer = co_await ask(*late, "quick");
        CHECK(late_answer == "2");
        co_await w.reload();
        const std::string third = co_await ask(*late, "quick");
        CHECK(third == "3");
    };
    w.run(test());
    CHECK(w.problems == "");
}

TEST_CASE("a version that fails to load leaves the listener and its clients to the old one") {
    World w;
    const auto test = [&]() -> Task<> {
        const ByteStream::Owner client = co_await connect(Numbers::address);
        Numbers::fails = true;
        std::string why;
        try {
            co_await w.reload();
        } catch (const std::exception& error) {
            why = error.what();
        }
        CHECK_THAT(why, Catch::Contains("this version does not work"));
        const std::string answer = co_await ask(*client, "quick");
        CHECK(answer == "1");
    };
    w.run(test());
}

TEST_CASE("a version that listens elsewhere serves there, and the old one ends its clients") {
    World w;
    const auto test = [&]() -> Task<> {
        const ByteStream::Owner client = co_await connect(Numbers::address);
        Numbers::address = socket_name();
        co_await w.reload();
        const auto end = co_await client->read_line(64);
        CHECK_FALSE(end);
        co_await client->finish();
        const ByteStream::Owner other = co_await connect(Numbers::address);
        const std::string answer = co_await ask(*other, "quick");
        CHECK(answer == "2");
    };
    w.run(test());
    CHECK(w.problems == "");
}

TEST_CASE("a module that is unloaded answers what was asked and ends its clients") {
    World w;
    const auto test = [&]() -> Task<> {
        const ByteStream::Owner client = co_await connect(Numbers::address);
        co_await client->write("slow\n");
        co_await client->drain();
        co_await sleep(20ms);
        w.server.loader().start(w.server.loader().unload("numbers"), {.name = "unloading"});
        const auto answer = co_await client->read_line(64);
        CHECK(answer == "1");
        const auto end = co_await client->read_line(64);
        CHECK_FALSE(end);
        co_await client->finish();
    };
    w.run(test());
    CHECK(w.problems == "");
}
