#include "modules/lock/plugin/lock_changes.h"

#include <utility>

#include "modules/lock/table.h"

namespace weir {

using config::setting;
using config::settings;

config::Settings<LockChanged::Holder> LockChanged::Holder::describe() {
    return settings<Holder>("A holder of a lock",
                            setting("owner", &Holder::owner, "Its name, as in listings"),
                            setting("token", &Holder::token, "Fencing token of the grant"),
                            setting("reads", &Holder::reads, "Whether others may hold it as well"));
}

config::Settings<LockChanged::Waiter> LockChanged::Waiter::describe() {
    return settings<Waiter>("A waiter for a lock",
                            setting("owner", &Waiter::owner, "Its name, as in listings"),
                            setting("reads", &Waiter::reads, "Whether others may hold it as well"));
}

LockChanges::LockChanges(const std::vector<std::string>& patterns) {
    for (const std::string& pattern : patterns) {
        patterns_.emplace_back(pattern);
    }
}

LockChanges::Use LockChanges::use_of(const LockListing& listing) {
    Use result{.holding = listing.holding, .waiting = listing.waiting};
    for (const LockUse& use : listing.holders) {
        result.holders.push_back({use.owner, use.token, use.reads});
    }
    for (const LockUse& use : listing.waiters) {
        result.waiters.push_back({use.owner, use.reads});
    }
    return result;
}

std::vector<Ref<LockChanged>> LockChanges::look(const LockTable& table) {
    std::map<Name, Use> used;
    for (const KeyPattern& pattern : patterns_) {
        for (const LockKey* key : table.find(pattern)) {
            if (key->in_use()) {
                const LockListing listing = table.listing_of(*key, LockChanged::most_told);
                used.try_emplace({listing.context, listing.key}, use_of(listing));
            }
        }
    }
    std::vector<Ref<LockChanged>> changes;
    for (const auto& [name, before] : seen_) {
        if (!used.contains(name)) {
            changes.push_back(make_event<LockChanged>(name.first, name.second));
        }
    }
    for (const auto& [name, now] : used) {
        const auto before = seen_.find(name);
        if (before == seen_.end() || before->second != now) {
            changes.push_back(make_event<LockChanged>(name.first, name.second, now.holding,
                                                      now.waiting, now.holders, now.waiters));
        }
    }
    seen_ = std::move(used);
    return changes;
}

}  // namespace weir
