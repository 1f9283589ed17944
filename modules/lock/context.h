#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/ref.h"
#include "core/event/index_value.h"
#include "core/event/node_map.h"
#include "modules/lock/histogram.h"
#include "modules/lock/settings.h"

namespace weir {

class LockKey;
class LockTable;

// The context of a lock for which none is named.
inline constexpr std::string_view default_context = "default";

// Counts what happened to the locks of a context, or of all contexts.
struct LockStatistics {
    std::uint64_t acquired = 0;   // grants
    std::uint64_t contended = 0;  // of these, after waiting
    std::uint64_t refused = 0;    // waits that a limit did not allow
    std::uint64_t timed_out = 0;
    std::uint64_t failed = 0;  // waits that ended with an error: deadlock, queue removed
    Histogram wait_time;       // of all grants; 0 for those without waiting
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

// A context: a name that separates the keys of one group of clients from those of others. One that
// the settings do not name exists while a lock of it does.
//
// Clients choose names of contexts, and a LockStatistics takes 4 KB: only contexts that the
// settings name, and "default", have their own. All others count in one that the table has.
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
    bool has_own_statistics() const noexcept { return own_statistics_ != nullptr; }
    const LockStatistics& statistics() const noexcept { return statistics_; }

private:
    friend class LockTable;
    friend class LockWait;
    friend struct LockState;

    LockTable* table_;  // null once that is gone
    const std::string name_;
    const Index<std::string> value_;
    const LockContextSettings* settings_;
    const bool own_keys_;
    const std::unique_ptr<LockStatistics> own_statistics_;
    LockStatistics& statistics_;
    NodeMap<LockKey> keys_;  // those that it does not share
};

}  // namespace weir
