#include "core/net/resolve.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <dlfcn.h>
#include <netdb.h>

#include "core/net/socket_error.h"
#include "core/wait/timeout.h"
#include "tests/support/net.h"

namespace {

// The name server of this test program. Names that end in ".silent" are not answered before
// `silence` is false; those in ".test" are this machine.
struct NameServer {
    std::mutex mutex;
    std::condition_variable over;
    bool silence = true;
    std::map<std::string, int> asked;

    static NameServer& get() {
        static auto& server = *new NameServer;  // threads may outlive main()
        return server;
    }

    void answer_all() {
        const std::lock_guard lock(mutex);
        silence = false;
        over.notify_all();
    }
    int times(const std::string& name) {
        const std::lock_guard lock(mutex);
        return asked[name];
    }
};

}  // namespace

// In the place of the system's, for all of this program.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints,
                           addrinfo** result) {
    using Function = int(const char*, const char*, const addrinfo*, addrinfo**);
    static auto* const real = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, "getaddrinfo"));
    const std::string host = name == nullptr ? "" : name;
    if (!host.ends_with(".test") && !host.ends_with(".silent")) {
        return real(name, service, hints, result);
    }
    NameServer& server = NameServer::get();
    std::unique_lock lock(server.mutex);
    ++server.asked[host];
    if (host.ends_with(".silent")) {
        server.over.wait(lock, [&] { return !server.silence; });
    }
    return real("127.0.0.1", service, hints, result);
}

namespace weir {

using namespace std::chrono_literals;

namespace {

Task<> look_up(Scheduler& scheduler, std::string address, std::vector<std::string>& results) {
    try {
        const auto found = co_await resolve(scheduler, Address::parse(address));
        results.push_back(found.front().text());
    } catch (const SocketError& error) {
        results.emplace_back(error.what());
    }
}

}  // namespace

TEST_CASE("a silent name server delays no other name, and each name is looked up once") {
    NameServer::get().silence = true;
    testing::World w;
    std::vector<std::string> late;
    std::vector<std::string> results;
    const auto test = [&]() -> Task<> {
        for (int n = 0; n != 20; ++n) {
            const std::string host = "a" + std::to_string(n % 10) + ".silent:";
            w.container.start(look_up(w.scheduler, "tcp://" + host + std::to_string(n), late));
        }
        co_await look_up(w.scheduler, "tcp://quick.test:80", results);
        CHECK(results == std::vector<std::string>{"tcp://127.0.0.1:80"});
        CHECK(late.empty());
        NameServer::get().answer_all();
        while (late.size() != 20) {
            co_await sleep(1ms);
        }
    };
    w.run(test());
    CHECK(NameServer::get().times("a0.silent") == 1);
    CHECK(std::ranges::count(late, "tcp://127.0.0.1:19") == 1);
}

TEST_CASE("a routine that leaves a search keeps nothing running, and one that comes joins it") {
    NameServer::get().silence = true;
    std::vector<std::string> results;
    const auto ask_for_a_moment = [](Scheduler& scheduler, auto& into) -> Task<> {
        const bool answered =
            co_await execute_with_timeout(10ms, look_up(scheduler, "tcp://left.silent:1", into));
        CHECK_FALSE(answered);
    };
    {
        testing::World w;
        w.run(ask_for_a_moment(w.scheduler, results));
    }
    testing::World w;
    const auto test = [&]() -> Task<> {
        co_await ask_for_a_moment(w.scheduler, results);
        w.container.start(look_up(w.scheduler, "tcp://left.silent:2", results));
        co_await sleep(1ms);
        NameServer::get().answer_all();
        while (results.empty()) {
            co_await sleep(1ms);
        }
    };
    w.run(test());
    CHECK(results == std::vector<std::string>{"tcp://127.0.0.1:2"});
    CHECK(NameServer::get().times("left.silent") == 1);
}

TEST_CASE("a name that does not exist is an error with its address") {
    testing::World w;
    std::vector<std::string> results;
    w.run(look_up(w.scheduler, "tcp://name.invalid:1", results));
    REQUIRE(results.size() == 1);
    CHECK_THAT(results.front(), Catch::StartsWith("looking up tcp://name.invalid:1: "));
}

}  // namespace weir
