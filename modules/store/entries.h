#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "modules/store/rows.h"
#include "modules/system/call/json.h"

namespace weir::store {

// The value of a key, with the version that it got when it was written: versions only grow, also
// over those of other keys, and of keys that were deleted.
struct Entry {
    Json value;
    std::uint64_t version = 0;
    std::int64_t expires = 0;  // microseconds since 1970; 0: never
    std::size_t size = 0;      // of key and value as text
};

// The content of a store, in memory. Times are given by the caller. Not thread-safe.
class Entries {
public:
    explicit Entries(std::uint64_t last_version = 0) noexcept : last_version_(last_version) {}

    // Takes over what a database has. Requires that the row has a value; throws Json::exception if
    // that is no JSON.
    void load(const Row& row);

    // Returns the entry; null if there is none, or it has expired.
    const Entry* find(const std::string& key, std::int64_t now) const;
    // What set() and remove() would change: first what is to be written, then what memory has.
    class Change;
    Change set(const std::string& key, Json value, std::int64_t expires);
    Change remove(const std::string& key);
    // Makes the change, and returns what undoes it.
    Change apply(Change change) noexcept;
    // Whether the key is there, also if it has expired.
    bool has(const std::string& key) const { return entries_.contains(key); }
    // Returns the keys that have expired.
    std::vector<std::string> over(std::int64_t now) const;
    // Returns when the next key expires; nothing: none ever does.
    std::optional<std::int64_t> next_expiry() const;

    // Calls the function for the entries whose keys begin with the prefix and come after `after`,
    // in the order of their keys, until it returns false.
    template <class F>
    void scan(const std::string& prefix, const std::string& after, std::int64_t now,
              F visit) const {
        auto entry = after < prefix ? entries_.lower_bound(prefix) : entries_.upper_bound(after);
        for (; entry != entries_.end() && entry->first.starts_with(prefix); ++entry) {
            if (!is_over(entry->second, now) && !visit(entry->first, entry->second)) {
                return;
            }
        }
    }

    // Returns all entries, also those that have expired and are not removed yet.
    std::vector<Row> all() const;
    std::uint64_t last_version() const noexcept { return last_version_; }
    std::size_t count() const noexcept { return entries_.size(); }
    std::size_t bytes() const noexcept { return bytes_; }

private:
    using Map = std::map<std::string, Entry>;

    static bool is_over(const Entry& entry, std::int64_t now) noexcept {
        return entry.expires != 0 && entry.expires <= now;
    }
    using Expiries = std::multimap<std::int64_t, std::string>;

    Map entries_;
    Expiries expiries_;
    std::uint64_t last_version_;
    std::size_t bytes_ = 0;
};

class Entries::Change {
public:
    const Row& row() const noexcept { return row_; }
    // The entry that the key will have; null: none.
    const Entry* entry() const noexcept {
        return entry_.empty() ? nullptr : &entry_.begin()->second;
    }

private:
    friend class Entries;
    Row row_;
    Map entry_;        // one, or none
    Expiries expiry_;  // of the entry
};

}  // namespace weir::store
