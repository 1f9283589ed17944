#include "modules/store/entries.h"

#include <algorithm>
#include <utility>

#include "modules/system/call/json_writer.h"

namespace weir::store {

void Entries::load(const Row& row) {
    const std::uint64_t last = std::exchange(last_version_, row.version - 1);
    Change change = set(row.key, Json::parse(*row.value), row.expires);
    last_version_ = last;
    apply(std::move(change));
}

std::vector<Row> Entries::all() const {
    std::vector<Row> rows;
    rows.reserve(entries_.size());
    for (const auto& [key, entry] : entries_) {
        rows.push_back({key, json_text(entry.value), entry.version, entry.expires});
    }
    return rows;
}

const Entry* Entries::find(const std::string& key, std::int64_t now) const {
    const auto found = entries_.find(key);
    return found == entries_.end() || is_over(found->second, now) ? nullptr : &found->second;
}

Entries::Change Entries::set(const std::string& key, Json value, std::int64_t expires) {
    Change change;
    change.row_ = {key, json_text(value), last_version_ + 1, expires};
    const std::size_t size = key.size() + change.row_.value->size();
    change.entry_.emplace(key, Entry{std::move(value), change.row_.version, expires, size});
    if (expires != 0) {
        change.expiry_.emplace(expires, key);
    }
    return change;
}

Entries::Change Entries::remove(const std::string& key) {
    Change change;
    change.row_ = {key, std::nullopt, last_version_ + 1, 0};
    return change;
}

Entries::Change Entries::apply(Change change) noexcept {
    Change undo;
    if (const auto old = entries_.find(change.row_.key); old != entries_.end()) {
        const auto [begin, end] = expiries_.equal_range(old->second.expires);
        const auto expiry = std::find_if(
            begin, end, [&old](const auto& other) { return other.second == old->first; });
        if (expiry != end) {
            undo.expiry_.insert(expiries_.extract(expiry));
        }
        bytes_ -= old->second.size;
        undo.entry_.insert(entries_.extract(old));
    }
    last_version_ = std::max(last_version_, change.row_.version);
    if (!change.entry_.empty()) {
        bytes_ += change.entry_.begin()->second.size;
    }
    entries_.merge(change.entry_);
    expiries_.merge(change.expiry_);
    undo.row_.key = std::move(change.row_.key);
    return undo;
}

std::vector<std::string> Entries::over(std::int64_t now) const {
    std::vector<std::string> keys;
    for (const auto& [expires, key] : expiries_) {
        if (expires > now) {
            break;
        }
        keys.push_back(key);
    }
    return keys;
}

std::optional<std::int64_t> Entries::next_expiry() const {
    return expiries_.empty() ? std::nullopt : std::optional(expiries_.begin()->first);
}

}  // namespace weir::store
