#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.h"
#include "modules/lock/settings.h"
#include "modules/redis/lockd_settings.h"
#include "modules/zookeeper/settings.h"

namespace weir {

// The settings at module.lock, as an app file has them; see LockSettings.
struct LockModuleSettings {
    struct Semaphore {
        std::string keys;
        std::uint32_t size = 1;

        static config::Settings<Semaphore> describe();
    };
    struct LongestHold {
        std::string keys;
        std::chrono::milliseconds time{};

        static config::Settings<LongestHold> describe();
    };
    struct Context {
        std::vector<Semaphore> semaphores;
        std::vector<LongestHold> longest_holds;
        std::optional<std::uint32_t> max_waiters_per_key;

        static config::Settings<Context> describe();
    };

    // What decides about locks beside this process; at most one.
    struct Backend {
        std::optional<zookeeper::ZooKeeperLocksSettings> zookeeper;
        std::optional<redis::LockdLocksSettings> lockd;

        static config::Settings<Backend> describe();
    };

    std::optional<Backend> backend;
    int priority = 990;
    std::optional<std::uint32_t> max_waiters_per_key;
    std::optional<std::uint32_t> max_waiters;
    OnDeadlock on_deadlock = OnDeadlock::report;
    bool separate_contexts = true;
    std::map<std::string, Context> contexts;
    std::vector<std::string> watched;
    std::uint32_t max_sessions = 20'000;
    std::optional<std::uint32_t> max_sessions_of_one;
    std::uint32_t max_semaphores = 1000;
    std::optional<std::uint32_t> max_semaphores_of_one;
    std::chrono::milliseconds semaphore_idle_timeout = std::chrono::hours(1);
    std::chrono::milliseconds max_time_to_live = std::chrono::hours(24);
    config::ByteSize max_key = config::kibibytes(4);
    config::ByteSize max_held = config::mebibytes(1024);
    std::optional<config::ByteSize> max_held_of_one;
    std::optional<std::string> state_dir;

    static config::Settings<LockModuleSettings> describe();
    LockSettings to_lock_settings() const;
    // Returns how many sessions one client may have open.
    std::uint32_t sessions_of_one() const noexcept {
        return max_sessions_of_one.value_or(max_sessions < 10 ? 1 : max_sessions / 10);
    }
};

inline config::EnumNames<OnDeadlock> names_of(OnDeadlock) {
    return {{"ignore", OnDeadlock::ignore},
            {"report", OnDeadlock::report},
            {"fail_youngest", OnDeadlock::fail_youngest}};
}

}  // namespace weir
