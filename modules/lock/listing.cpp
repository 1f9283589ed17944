// What is known of the locks of a table: lists and statistics.

#include <algorithm>
#include <chrono>
#include <tuple>

#include "modules/lock/table.h"

namespace weir {

std::size_t LockTable::keys() const noexcept {
    std::size_t count = 0;
    for_each_key([&](const LockKey&) { ++count; });
    return count;
}

std::vector<LockListing> LockTable::list(const KeyPattern& pattern) const {
    const Time now = scheduler_.now();
    std::vector<LockListing> listings;
    for_each_key([&](const LockKey& key) {
        if ((key.holding() == 0 && key.waiting() == 0) || !pattern.matches(key.key())) {
            return;
        }
        LockListing listing{.key = key_text(key.key()),
                            .context = key.context() == nullptr ? "" : key.context()->name(),
                            .size = key.size(),
                            .holders = {},
                            .waiters = {}};
        for (const LockState& holder : key.holders()) {
            listing.holders.push_back({holder.owner.describe(), holder.context->name(),
                                       now - holder.since, holder.token});
        }
        for (const LockWait& wait : key.waiters()) {
            listing.waiters.push_back(
                {wait.owner().describe(), wait.state().context->name(), now - wait.since(), 0});
        }
        listings.push_back(std::move(listing));
    });
    std::sort(listings.begin(), listings.end(), [](const LockListing& a, const LockListing& b) {
        return std::tie(a.context, a.key) < std::tie(b.context, b.key);
    });
    return listings;
}

LockStatistics LockTable::statistics() const {
    LockStatistics all = departed_;
    for (const auto& [name, context] : contexts_) {
        all.add(context->statistics());
    }
    return all;
}

std::map<std::string, LockStatistics> LockTable::statistics_by_context() const {
    std::map<std::string, LockStatistics> all;
    for (const auto& [name, context] : contexts_) {
        all.emplace(name, context->statistics());
    }
    return all;
}

std::string describe(const std::vector<LockListing>& listings) {
    const auto milliseconds = [](Duration duration) {
        return std::to_string(
                   std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) +
               " ms";
    };
    std::string text;
    for (const LockListing& listing : listings) {
        text += (text.empty() ? "lock '" : "\nlock '") + listing.key + '\'';
        const char* before = ": held by ";
        for (const LockUse& holder : listing.holders) {
            text += before + holder.owner + " in context '" + holder.context + "' since " +
                    milliseconds(holder.since);
            before = " and ";
        }
        before = listing.holders.empty() ? ": waited for by " : "; waited for by ";
        for (const LockUse& waiter : listing.waiters) {
            text += before + waiter.owner + " in context '" + waiter.context + "' since " +
                    milliseconds(waiter.since);
            before = " and ";
        }
    }
    return text;
}

}  // namespace weir
