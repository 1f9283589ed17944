// Lists and statistics of the locks of a table.

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

std::vector<const LockKey*> LockTable::find(const KeyPattern& pattern) const {
    return find(pattern, unlimited, [](const LockKey&) { return true; });
}

std::vector<const LockKey*> LockTable::find(
    const KeyPattern& pattern, std::size_t most,
    const std::function<bool(const LockKey&)>& chosen) const {
    struct Found {
        std::string_view context;
        std::string text;
        const LockKey* key;
    };
    std::vector<Found> found;
    for_each_key([&](const LockKey& key) {
        // A list that is too long is of no use: its rest is neither compared nor sorted.
        if (found.size() <= most && (key.in_use() || key.semaphore() != nullptr) &&
            pattern.matches(key.key()) && chosen(key)) {
            found.push_back({key.context() == nullptr ? std::string_view() : key.context()->name(),
                             key_text(key.key()), &key});
        }
    });
    std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
        return std::tie(a.context, a.text) < std::tie(b.context, b.text);
    });
    std::vector<const LockKey*> keys;
    keys.reserve(found.size());
    for (const Found& one : found) {
        keys.push_back(one.key);
    }
    return keys;
}

std::vector<const LockKey*> LockTable::find(const IndexValue& key,
                                            const std::string* context) const {
    std::vector<const LockKey*> keys;
    if (const LockKey* shared = shared_keys_.find(key)) {
        keys.push_back(shared);
    }
    const auto add_own = [&](const LockContext& of) {
        if (const LockKey* own = of.keys().find(key)) {
            keys.push_back(own);
        }
    };
    if (context == nullptr) {
        contexts_.for_each(add_own);
    } else if (const LockContext* const found = contexts_.find(*context)) {
        add_own(*found);
    }
    return keys;
}

LockListing LockTable::listing_of(const LockKey& key, std::size_t most) const {
    const Time now = scheduler_.now();
    LockListing listing{.key = key_text(key.key()),
                        .context = key.context() == nullptr ? "" : key.context()->name(),
                        .size = key.size(),
                        .holding = key.holding(),
                        .waiting = key.waiting(),
                        .holders = {},
                        .waiters = {}};
    if (const SemaphoreRecord* semaphore = key.semaphore()) {
        listing.semaphore = {semaphore->made_by, now - semaphore->made,
                             key.in_use() ? Duration() : now - semaphore->used};
    }
    for (const LockEvent& holder : key.holders()) {
        if (most == 0) {
            break;
        }
        --most;
        listing.holders.push_back({holder.owner.describe(), holder.group->name(),
                                   now - holder.since, holder.reads, holder.token, 0});
    }
    std::size_t position = key.waiting() == 0 ? 0 : key.waiters().front().ahead();
    for (const LockRequest& waiter : key.waiters()) {
        if (most == 0) {
            break;
        }
        --most;
        listing.waiters.push_back({waiter.owner().describe(), waiter.state().context->name(),
                                   now - waiter.since(), waiter.state().reads, 0, ++position});
    }
    return listing;
}

std::vector<LockListing> LockTable::list(const KeyPattern& pattern) const {
    std::vector<LockListing> listings;
    for (const LockKey* key : find(pattern)) {
        listings.push_back(listing_of(*key));
    }
    return listings;
}

std::vector<LockListing> LockTable::list_used() const {
    std::vector<LockListing> listings;
    for (const LockKey* key : find()) {
        if (key->in_use()) {
            listings.push_back(listing_of(*key));
        }
    }
    return listings;
}

std::vector<LockListing> LockTable::list_semaphores() const {
    std::vector<LockListing> listings;
    for (const Ref<LockKey>& key : semaphores_) {
        listings.push_back(listing_of(*key));
    }
    return listings;
}

std::string describe(const std::vector<LockListing>& listings) {
    const auto milliseconds = [](Duration duration) {
        return std::to_string(
                   std::chrono::duration_cast<std::chrono::milliseconds>(duration).count()) +
               " ms";
    };
    const auto to_read = [](const LockUse& use) { return use.reads ? " to read" : ""; };
    std::string text;
    for (const LockListing& listing : listings) {
        text += (text.empty() ? "lock '" : "\nlock '") + listing.key + '\'';
        const char* before = ": held by ";
        for (const LockUse& holder : listing.holders) {
            text += before + holder.owner + to_read(holder) + " in context '" + holder.context +
                    "' since " + milliseconds(holder.since);
            before = " and ";
        }
        before = listing.holders.empty() ? ": waited for by " : "; waited for by ";
        for (const LockUse& waiter : listing.waiters) {
            text += before + waiter.owner + to_read(waiter) + " in context '" + waiter.context +
                    "' since " + milliseconds(waiter.since);
            before = " and ";
        }
    }
    return text;
}

}  // namespace weir
