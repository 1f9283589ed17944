#pragma once

#include <cstdint>

#include "core/wait/timeout.h"
#include "modules/zookeeper/test_world.h"

namespace weir::zookeeper {

inline std::uint64_t random_below(Scheduler& scheduler, std::uint64_t end) {
    return scheduler.poller().random() % end;
}

inline Duration random_time(Scheduler& scheduler, Duration most) {
    return Duration(static_cast<Duration::rep>(
        random_below(scheduler, static_cast<std::uint64_t>(most.count()))));
}

// Causes one fault after the other until `over`, and then ends them all.
inline Task<> cause_faults(FakeWorld& world, const bool& over) {
    FakeEnsemble& ensemble = world.ensemble;
    Scheduler& scheduler = world.scheduler;
    while (!over) {
        co_await sleep(random_time(scheduler, 3s));
        const std::size_t server = random_below(scheduler, ensemble.size());
        const std::size_t other = random_below(scheduler, ensemble.size());
        switch (random_below(scheduler, 9)) {
            case 0:
                ensemble.stop(server);
                break;
            case 1:
                ensemble.cut(server);
                break;
            case 2:
                ensemble.cut_from_clients(server);
                break;
            case 3:
                ensemble.disconnect_clients();
                break;
            case 4:
                ensemble.move_leader();
                break;
            case 5:
                ensemble.set_lag(server, random_time(scheduler, 300ms));
                break;
            case 6:
                ensemble.lose_answers(1);
                break;
            case 7:
                // A pause of this process, or of the whole machine.
                if (random_below(scheduler, 2) == 0) {
                    world.poller.pause(random_time(scheduler, 4s));
                } else {
                    world.poller.suspend(random_time(scheduler, 4s));
                }
                break;
            default:
                break;
        }
        co_await sleep(random_time(scheduler, 5s));
        for (const std::size_t healed : {server, other}) {
            ensemble.start(healed);
            ensemble.heal(healed);
        }
    }
    for (std::size_t server = 0; server != ensemble.size(); ++server) {
        ensemble.start(server);
        ensemble.heal(server);
        ensemble.set_lag(server, 0s);
    }
}

}  // namespace weir::zookeeper
