#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/ref.h"
#include "modules/lock/key_pattern.h"
#include "modules/system/event/describe_event.h"

namespace weir {

class LockTable;
struct LockListing;

// A key that the setting `watched` names is held or waited for by others than before.
struct LockChanged : Event {
    // Of holders and waiters together, so many are told one by one.
    static constexpr std::size_t most_told = 100;

    struct Holder {
        std::string owner;
        std::uint64_t token = 0;
        bool reads = false;

        static config::Settings<Holder> describe();
        bool operator==(const Holder&) const = default;
    };
    struct Waiter {
        std::string owner;
        bool reads = false;

        static config::Settings<Waiter> describe();
        bool operator==(const Waiter&) const = default;
    };

    Index<std::string> context;
    Index<std::string> key;
    std::uint64_t holding = 0;
    std::uint64_t waiting = 0;
    std::vector<Holder> holders;
    std::vector<Waiter> waiters;

    static auto declare() {
        return portable_event<LockChanged>(
            "weir.LockChanged", "A watched key is held or waited for by others than before",
            member("context", &LockChanged::context,
                   "Context of the key; empty if contexts share it"),
            member("key", &LockChanged::key, "Key of the lock"),
            member("holding", &LockChanged::holding, "How many hold it"),
            member("waiting", &LockChanged::waiting, "How many wait for it"),
            member("holders", &LockChanged::holders, "Who holds it, in the order of the grants"),
            member("waiters", &LockChanged::waiters,
                   "Who waits for it, the next one first; of both 100 at most are told"));
    }
};

// Notices how the keys that match one of the patterns are held and waited for, by comparing. A
// look costs as much as there are keys, and the way of a lock nothing.
class LockChanges {
public:
    static constexpr Duration between_looks = std::chrono::milliseconds(100);

    explicit LockChanges(const std::vector<std::string>& patterns);

    // Returns an event for each key that has changed since the look before; for the first one, all
    // keys were free.
    std::vector<Ref<LockChanged>> look(const LockTable& table);

private:
    using Name = std::pair<std::string, std::string>;  // context and key
    struct Use {
        std::uint64_t holding = 0;
        std::uint64_t waiting = 0;
        std::vector<LockChanged::Holder> holders = {};
        std::vector<LockChanged::Waiter> waiters = {};

        bool operator==(const Use&) const = default;
    };

    static Use use_of(const LockListing& listing);

    std::vector<KeyPattern> patterns_;
    std::map<Name, Use> seen_;  // that are held or waited for
};

}  // namespace weir
