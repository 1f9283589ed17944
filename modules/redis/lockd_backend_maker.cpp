#include "modules/redis/lockd_backend_maker.h"

#include <array>
#include <string>
#include <utility>

#include <unistd.h>

#include "core/simulation/wall_clock.h"
#include "modules/redis/lockd_backend.h"

namespace weir::redis {
namespace {

// What lockd calls this process: "HOST:PID".
std::string process_name(Scheduler& scheduler) {
    std::array<char, 256> host{};
    if (is_simulated(scheduler.poller()) || ::gethostname(host.data(), host.size() - 1) != 0) {
        return "weir";
    }
    return std::string(host.data()) + ':' + std::to_string(::getpid());
}

Task<std::unique_ptr<LockBackend>> make_lockd_backend(LockBackendHost host,
                                                      LockdLocksSettings settings) {
    ClientOptions how = settings.connection_options();
    how.name = host.module + ".lockd";
    Task<Login> reading = read_login(settings);
    how.login = co_await reading;
    LockdBackendOptions options;
    options.lease = settings.lease;
    options.owner = process_name(host.scheduler);
    co_return std::make_unique<LockdBackend>(host.scheduler, std::move(how), std::move(options));
}

}  // namespace
}  // namespace weir::redis

const weir::LockBackendMaker<weir::redis::LockdLocksSettings> weir_lockd_backend_maker = {
    &weir::redis::make_lockd_backend};
