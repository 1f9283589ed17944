#pragma once

#include "modules/lock/backend_maker.h"
#include "modules/redis/lockd_settings.h"

// Makes the backend that lets a lockd decide, as settings of the module `lock` say. Fails with
// std::runtime_error if the file with the password cannot be read, and with TlsError.
extern "C" const weir::LockBackendMaker<weir::redis::LockdLocksSettings> weir_lockd_backend_maker;
