#include "modules/system/world/world_events.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/calendar/utc_text.h"
#include "core/event/matcher.h"
#include "core/run/container.h"
#include "core/run/uv_poller.h"
#include "core/simulation/simulation.h"
#include "core/system/file_watch.h"
#include "core/wait/do_events.h"
#include "modules/system/event/event_exchange.h"
#include "modules/system/event/event_json.h"
#include "modules/system/module/plugin.h"
#include "modules/testing/simulated_server.h"
#include "tests/support/world_on.h"

namespace weir {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using RealWorld = test::WorldOn<UvPoller>;

const SocketAddress some_port = SocketAddress::of_number("127.0.0.1", 0).value();

struct WatchedFolder {
    WatchedFolder() { REQUIRE(::mkdtemp(name.data()) != nullptr); }
    ~WatchedFolder() { fs::remove_all(name); }

    std::string name = fs::temp_directory_path().string() + "/weir_world_events.XXXXXX";
};

// At once, so that no watch sees a part of it.
void write_file(const std::string& path, const std::string& content) {
    std::ofstream(path + ".new", std::ios::binary) << content;
    fs::rename(path + ".new", path);
}

// Makes, writes and removes a file, each when the event of the change before has come.
Task<> change_file(Container& watching, std::string path, std::vector<Ref<FileChanged>>& seen) {
    watching.start(send_file_changes(path), {.daemon = true, .foreground = true});
    for (int step = 0; step != 3; ++step) {
        if (step == 2) {
            fs::remove(path);
        } else {
            write_file(path, std::string(static_cast<std::size_t>(step + 1), 'x'));
        }
        seen.push_back(co_await match<FileChanged>(path));
    }
    watching.close();
}

Task<> receive_datagrams(DatagramSocket& sender, int count,
                         std::vector<Ref<DatagramReceived>>& seen) {
    for (int i = 0; i != count; ++i) {
        co_await sender.send(i == 0 ? "hello" : "\xff\x01z");
        seen.push_back(co_await match<DatagramReceived>("log"));
    }
}

Task<> receive_times(int count, std::string& seen) {
    for (int i = 0; i != count; ++i) {
        seen += event_json(*co_await match<TimeReached>("tea"));
    }
}

class Striker final : public Module {
public:
    using Module::Module;
    ~Striker() override { close(); }

    static auto declare() {
        return declare_module<Striker>("clock", "Strikes").event<TimeReached>();
    }
    void begin() override { start(send_times("hour", Schedule::every(1h)), {.daemon = true}); }
};

}  // namespace

TEST_CASE("the changes of a file come as events with their words") {
    const WatchedFolder folder;
    RealWorld world;
    Container watching(world.scheduler);
    std::vector<Ref<FileChanged>> seen;
    world.container.start(change_file(watching, folder.name + "/file", seen));
    world.scheduler.run();
    REQUIRE(seen.size() == 3);
    CHECK(seen[0]->change == FileChange::made);
    CHECK(seen[0]->size == 1);
    CHECK(seen[1]->change == FileChange::written);
    CHECK(seen[1]->size == 2);
    CHECK(seen[2]->change == FileChange::removed);
    CHECK(event_json(*seen[2]) ==
          R"({"path":")" + folder.name + R"(/file","change":"removed","size":0,"modified":""})");
    CHECK(world.log.empty());
}

TEST_CASE("datagrams come as events, with bytes that are no text in hexadecimal") {
    RealWorld world;
    DatagramSocket receiver(world.scheduler, some_port);
    DatagramSocket sender = DatagramSocket::connected(world.scheduler, receiver.address());
    const std::string from = datagram_address_text(sender.address());
    std::vector<Ref<DatagramReceived>> seen;
    world.container.start(send_datagrams("log", std::move(receiver)), {.daemon = true});
    world.container.start(receive_datagrams(sender, 2, seen));
    world.scheduler.run();
    REQUIRE(seen.size() == 2);
    CHECK(event_json(*seen[0]) ==
          R"({"socket":"log","sender":")" + from +
              R"(","data":"hello","coding":"text","cut":false,"dropped":0})");
    CHECK(seen[1]->coding == DatagramCoding::hex);
    CHECK(seen[1]->data == "ff017a");
    CHECK(seen[1]->bytes() == "\xff\x01z");
    CHECK(from.starts_with("udp://127.0.0.1:"));
}

TEST_CASE("datagrams wait in the system while the queue of their events is full") {
    RealWorld world;
    world.scheduler.queue().add("datagrams", 500, match<DatagramReceived>().make(),
                                {.max_default = 1});
    DatagramSocket receiver(world.scheduler, some_port);
    DatagramSocket sender = DatagramSocket::connected(world.scheduler, receiver.address());
    std::string seen;
    world.container.start(send_datagrams("log", std::move(receiver)), {.daemon = true});
    world.container.start([](DatagramSocket& socket, std::string& noted) -> Task<> {
        for (int i = 0; i != 20; ++i) {
            co_await socket.send(std::to_string(i % 10));
        }
        for (int i = 0; i != 20; ++i) {
            noted += (co_await match<DatagramReceived>())->data;
        }
    }(sender, seen));
    world.scheduler.run();
    CHECK(seen == "01234567890123456789");
}

TEST_CASE("the times of a schedule come as events") {
    test::WorldOn<Simulation> world;
    world.poller.set_wall_clock(time_from_utc_text("2026-11-28T12:59:30Z").value());
    std::string seen;
    world.container.start(send_times("tea", Schedule::every(1h)), {.daemon = true});
    world.container.start(receive_times(2, seen));
    world.scheduler.run();
    CHECK(seen == R"({"timer":"tea","due":"2026-11-28T13:00:00Z"})"
                  R"({"timer":"tea","due":"2026-11-28T14:00:00Z"})");
}

TEST_CASE("clients watch the events of the world that a module sends") {
    SimulatedServer world(R"({"server": {"startup": ["clock"], "queues": [
                              {"event": "weir.TimeReached", "name": "times", "limit": 1}]}})",
                          Registry().add<Striker>());
    world.run([](Server& server) -> Task<> {
        while (server.loader().state("clock") != ModuleState::succeeded) {
            co_await do_events();
        }
        const auto watch = server.events().watch("weir.TimeReached", {{"timer", "hour"}});
        const EventWatch::Item item = co_await watch->next();
        REQUIRE(item.event != nullptr);
        CHECK(item.event->json.starts_with(R"({"timer":"hour","due":")"));
        CHECK(item.event->json.ends_with(R"(:00:00Z"})"));
    }(world.server()));
}

}  // namespace weir
