#pragma once

#include <cstdint>
#include <string>

#include "core/base/ref.h"
#include "core/event/index_value.h"
#include "core/event/node_map.h"
#include "modules/lock/histogram.h"
#include "modules/lock/settings.h"

namespace weir {

class LockKey;
class LockTable;

// What happened to the locks of a context, or of all.
struct LockStatistics {
    std::uint64_t acquired = 0;   // grants
    std::uint64_t contended = 0;  // of these, after waiting
    std::uint64_t refused = 0;    // waits that were over a limit
    std::uint64_t timed_out = 0;
    std::uint64_t failed = 0;  // waits that ended with an error: deadlock, queue removed
    Histogram wait_time;       // of all grants; without waiting it is 0
    Histogram hold_time;

    void add(const LockStatistics& other) noexcept {
        acquired += other.acquired;
        contended += other.contended;
        refused += other.refused;
        timed_out += other.timed_out;
        failed += other.failed;
        wait_time.add(other.wait_time);
        hold_time.add(other.hold_time);
    }
};

// The locks of one context. One that the settings do not name exists while it is used.
class LockContext final : public RefCounted<LockContext> {
public:
    LockContext(LockTable& table, std::string name, const LockContextSettings* settings,
                bool own_keys);
    ~LockContext();

    const std::string& name() const noexcept { return name_; }
    // The same, as the events of its locks have it.
    const Index<std::string>& value() const noexcept { return value_; }
    // Null if the settings do not name it.
    const LockContextSettings* settings() const noexcept { return settings_; }
    // Whether its keys are its own, or shared with other contexts.
    bool has_own_keys() const noexcept { return own_keys_; }
    const LockStatistics& statistics() const noexcept { return statistics_; }

private:
    friend class LockTable;
    friend class LockWait;
    friend struct LockState;

    LockTable* table_;  // null once that is gone
    const std::string name_;
    const Index<std::string> value_;
    const LockContextSettings* const settings_;
    const bool own_keys_;
    LockStatistics statistics_;
    NodeMap<LockKey> keys_;  // those that it does not share
};

}  // namespace weir
