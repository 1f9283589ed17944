#pragma once

#include "modules/lock/backend_maker.h"
#include "modules/zookeeper/settings.h"

// Makes the backend that lets ZooKeeper decide, as settings of the module `lock` say. Fails with
// AddressError, TlsError or std::invalid_argument.
extern "C" const weir::LockBackendMaker<weir::zookeeper::ZooKeeperLocksSettings>
    weir_zookeeper_backend_maker;
