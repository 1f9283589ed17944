#include "modules/redis/lockd_settings.h"

namespace weir::redis {

config::Settings<LockdLocksSettings> LockdLocksSettings::describe() {
    using S = LockdLocksSettings;
    using std::chrono::milliseconds;
    return describe_connection<S>(
        "A lockd decides about the locks, which all processes with the same lockd share",
        config::setting("lease", &S::lease,
                        "How long lockd keeps the locks when it hears nothing of this process; "
                        "they are certain for three quarters of it")
            .range(milliseconds(100), std::chrono::hours(1))
            .fixed());
}

}  // namespace weir::redis
