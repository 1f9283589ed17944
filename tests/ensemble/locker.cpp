// A process of the campaign with real servers (ensemble.py): takes remote locks all the time, and
// writes a history of them to standard output, a line for each step:
//
//     <nanoseconds> grant|check|release <key> <token> <share>
//
// `share` is 1 for a lock, 2 for one of two slots, and 0 for a lock to read.
// The time is that of CLOCK_BOOTTIME, which all processes of the machine share. `check` says that
// the holder has looked and found the lock to be held; the time is from before it looked.
//
// usage: locker SERVERS SECONDS TIMEOUT_MILLISECONDS [--careless]
//
// A careless locker believes in its locks until it releases them: the campaign has to catch it.

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/run/uv_poller.h"
#include "core/simulation/boot_clock.h"
#include "core/wait/execute_all.h"
#include "core/wait/timeout.h"
#include "modules/zookeeper/remote_locks.h"
#include "tests/support/world_on.h"

namespace {

using namespace weir;
using namespace weir::zookeeper;
using namespace std::chrono_literals;

struct Options {
    std::vector<std::string> servers;
    std::chrono::seconds time{};
    std::chrono::milliseconds timeout{};
    bool careless = false;
};

// What a routine takes again and again.
struct Wanted {
    const char* key;
    std::size_t share;
};

void note(BootTime at, const char* what, Wanted wanted, const RemoteLock& lock) {
    std::printf("%lld %s %s %lld %zu\n", static_cast<long long>(at.time_since_epoch().count()),
                what, wanted.key, static_cast<long long>(lock.token()), wanted.share);
}

Task<> take_locks(RemoteLocks& locks, Wanted wanted, Time end, bool careless) {
    Scheduler& scheduler = locks.session().scheduler();
    const auto random_time = [&](std::chrono::milliseconds most) {
        return std::chrono::milliseconds(scheduler.poller().random() %
                                         static_cast<std::uint64_t>(most.count()));
    };
    while (scheduler.now() < end) {
        RemoteLock lock =
            co_await locks.slot(std::string("/campaign/") + wanted.key,
                                wanted.share == 0 ? readers : wanted.share, scheduler.now() + 5s);
        BootTime at = boot_time(scheduler.poller());
        if (!lock) {
            continue;
        }
        note(at, "grant", wanted, lock);
        const Time until = scheduler.now() + random_time(100ms);
        for (;;) {
            at = boot_time(scheduler.poller());
            if (!careless && !lock) {
                break;
            }
            note(at, "check", wanted, lock);
            if (scheduler.now() >= until) {
                break;
            }
            co_await sleep(2ms);
        }
        note(boot_time(scheduler.poller()), "release", wanted, lock);
        lock.release();
        co_await sleep(random_time(20ms));
    }
}

Task<> run(test::WorldOn<UvPoller>& world, const Options& options) {
    SessionOptions session_options;
    session_options.servers = options.servers;
    session_options.timeout = options.timeout;
    Session session(world.scheduler, session_options);
    RemoteLocks locks(session);
    const Time end = world.scheduler.now() + options.time;
    std::vector<Task<>> routines;
    for (const Wanted wanted : {Wanted{"a", 1}, Wanted{"a", 1}, Wanted{"b", 1}, Wanted{"s", 2},
                                Wanted{"s", 2}, Wanted{"r", 1}, Wanted{"r", 0}}) {
        routines.push_back(take_locks(locks, wanted, end, options.careless));
    }
    co_await execute_all(world.container, std::move(routines));
    co_await execute_with_timeout(10s, locks.all_left());
    co_await session.close();
}

Options read_options(int count, char** arguments) {
    Options options;
    std::string_view left = arguments[1];
    while (!left.empty()) {
        const std::size_t comma = std::min(left.find(','), left.size());
        options.servers.emplace_back(left.substr(0, comma));
        left.remove_prefix(std::min(comma + 1, left.size()));
    }
    options.time = std::chrono::seconds(std::atoi(arguments[2]));
    options.timeout = std::chrono::milliseconds(std::atoi(arguments[3]));
    options.careless = count > 4 && std::string_view(arguments[4]) == "--careless";
    return options;
}

}  // namespace

int main(int count, char** arguments) {
    if (count < 4) {
        std::cerr << "usage: locker SERVERS SECONDS TIMEOUT_MILLISECONDS [--careless]\n";
        return 2;
    }
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const Options options = read_options(count, arguments);
    test::WorldOn<UvPoller> world;
    const Ref<Routine> routine = world.container.start(run(world, options));
    world.scheduler.run();
    for (const std::string& line : world.log) {
        std::cerr << line << '\n';
    }
    return routine->ended() ? 0 : 1;
}
