#include "modules/zookeeper/zookeeper_backend_maker.h"

#include <utility>

#include "modules/lock/program_tokens.h"
#include "modules/zookeeper/zookeeper_backend.h"

namespace weir::zookeeper {
namespace {

Task<std::unique_ptr<LockBackend>> make_zookeeper_backend(LockBackendHost host,
                                                          ZooKeeperLocksSettings settings) {
    SessionOptions session = settings.options();
    session.root.clear();  // that of the settings is for the locks
    ZooKeeperBackendOptions options;
    options.root = settings.root;
    options.locks.writers = settings.writers;
    options.state_folder = state_folder(host.scheduler, host.state_dir);
    co_return std::make_unique<ZooKeeperBackend>(host.scheduler, std::move(session),
                                                 std::move(options));
}

}  // namespace
}  // namespace weir::zookeeper

const weir::LockBackendMaker<weir::zookeeper::ZooKeeperLocksSettings> weir_zookeeper_backend_maker =
    {&weir::zookeeper::make_zookeeper_backend};
