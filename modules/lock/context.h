#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/histogram.h"
#include "core/base/ref.h"
#include "core/event/index_value.h"
#include "core/event/node_map.h"
#include "modules/lock/settings.h"

namespace weir {

class LockContexts;
class LockKey;

// The context of a lock for which none is named.
inline constexpr std::string_view default_context = "default";

// Counts what happened to the locks of a context, or of all contexts.
struct LockStatistics {
    std::uint64_t acquired = 0;   // grants
    std::uint64_t contended = 0;  // of these, after waiting
    std::uint64_t refused = 0;    // waits that a limit did not allow
    std::uint64_t timed_out = 0;
    std::uint64_t failed = 0;  // waits that ended with an error: deadlock, queue removed
    std::uint64_t lost = 0;    // locks that were taken away from their holders
    Histogram wait_time;       // of all grants; 0 for those without waiting
    Histogram hold_time;

    void add(const LockStatistics& other) noexcept {
        acquired += other.acquired;
        contended += other.contended;
        refused += other.refused;
        timed_out += other.timed_out;
        failed += other.failed;
        lost += other.lost;
        wait_time.add(other.wait_time);
        hold_time.add(other.hold_time);
    }
};

// A context: a name that separates the keys of one group of clients from those of other clients. A
// context that the settings do not name is destroyed with the last lock in it.
class LockContext final : public RefCounted<LockContext> {
public:
    LockContext(LockContexts& contexts, std::string name, const LockContextSettings* settings,
                bool own_keys);
    ~LockContext();

    const std::string& name() const noexcept { return name_; }
    // Returns the name as the events of its locks have it.
    const Index<std::string>& value() const noexcept { return value_; }
    // Null if the settings do not name it.
    const LockContextSettings* settings() const noexcept { return settings_; }
    // Whether its keys are its own, or shared with other contexts.
    bool has_own_keys() const noexcept { return own_keys_; }
    // Its own keys.
    NodeMap<LockKey>& keys() noexcept { return keys_; }
    const NodeMap<LockKey>& keys() const noexcept { return keys_; }
    // Where it is counted.
    LockStatistics& statistics() noexcept { return *statistics_; }

private:
    friend class LockContexts;

    LockContexts* contexts_;  // null once they are destroyed
    const std::string name_;
    const Index<std::string> value_;
    const LockContextSettings* settings_;
    const bool own_keys_;
    std::unique_ptr<LockStatistics> own_statistics_;
    LockStatistics* statistics_;
    NodeMap<LockKey> keys_;
};

// All contexts of a lock table, and their statistics.
//
// Clients choose names of contexts, and a LockStatistics takes 4 KB: only contexts that the
// settings name, and "default", have their own. All others count in one.
class LockContexts {
public:
    // With `separate`, contexts that the settings do not name have keys of their own too. The
    // settings of the contexts have to stay where they are.
    explicit LockContexts(bool separate) : separate_(separate) {}
    ~LockContexts();
    LockContexts(const LockContexts&) = delete;
    LockContexts& operator=(const LockContexts&) = delete;

    // Returns the context of that name, which is made if there is none.
    Ref<LockContext> get(std::string_view name);
    // Returns the default context in the same way, without a comparison of names.
    Ref<LockContext> get_default() {
        return default_ != nullptr ? Ref<LockContext>(default_) : get(default_context);
    }
    // Returns the context of that name, or null.
    LockContext* find(std::string_view name) const noexcept;
    // Keeps the context of that name although no lock of it exists. Gives it settings, if any, and
    // keys of its own. Returns false, and has changed nothing, if it exists and shares its keys.
    bool keep(std::string_view name, const LockContextSettings* settings);

    // Calls visit(context) for each, in the order of their names.
    template <class F>
    void for_each(F visit) const {
        for (const auto& [name, context] : contexts_) {
            visit(*context);
        }
    }

    // Of all contexts, also those that do not exist any more.
    LockStatistics statistics() const;
    // Of the contexts without own ones, and of those that do not exist any more.
    const LockStatistics& statistics_of_others() const noexcept { return others_; }
    // By the name of the context: those that the settings name, and "default".
    std::map<std::string, LockStatistics> statistics_by_context() const;

private:
    friend class LockContext;

    const bool separate_;
    LockStatistics others_;  // of contexts without own ones, and of those that are destroyed
    std::map<std::string, LockContext*, std::less<>> contexts_;
    LockContext* default_ = nullptr;
    LockContext* last_ = nullptr;  // that was asked for; most often it is the same
    std::vector<Ref<LockContext>> kept_;
};

}  // namespace weir
