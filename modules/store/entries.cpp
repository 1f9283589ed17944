#include "modules/store/entries.h"

#include <algorithm>
#include <utility>

namespace weir::store {

void Entries::load(const Row& row) {
    put(row.key,
        {Json::parse(*row.value), row.version, row.expires, row.key.size() + row.value->size()});
    last_version_ = std::max(last_version_, row.version);
}

const Entry* Entries::find(const std::string& key, std::int64_t now) const {
    const auto found = entries_.find(key);
    return found == entries_.end() || is_over(found->second, now) ? nullptr : &found->second;
}

Row Entries::set(const std::string& key, Json value, std::int64_t expires) {
    std::string text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
    const std::uint64_t version = ++last_version_;
    put(key, {std::move(value), version, expires, key.size() + text.size()});
    return {key, std::move(text), version, expires};
}

std::optional<Row> Entries::remove(const std::string& key) {
    const auto found = entries_.find(key);
    if (found == entries_.end()) {
        return std::nullopt;
    }
    erase(found);
    return Row{key, std::nullopt, ++last_version_, 0};
}

std::vector<Row> Entries::expire(std::int64_t now) {
    std::vector<Row> removed;
    while (!expiries_.empty() && expiries_.begin()->first <= now) {
        const std::string key = expiries_.begin()->second;
        removed.push_back({key, std::nullopt, ++last_version_, 0});
        erase(entries_.find(key));
    }
    return removed;
}

std::optional<std::int64_t> Entries::next_expiry() const {
    return expiries_.empty() ? std::nullopt : std::optional(expiries_.begin()->first);
}

void Entries::put(const std::string& key, Entry entry) {
    if (const auto old = entries_.find(key); old != entries_.end()) {
        erase(old);
    }
    if (entry.expires != 0) {
        expiries_.emplace(entry.expires, key);
    }
    bytes_ += entry.size;
    entries_.insert_or_assign(key, std::move(entry));
}

void Entries::erase(Map::iterator entry) {
    const auto [begin, end] = expiries_.equal_range(entry->second.expires);
    const auto found = std::find_if(
        begin, end, [&entry](const auto& expiry) { return expiry.second == entry->first; });
    if (found != end) {
        expiries_.erase(found);
    }
    bytes_ -= entry->second.size;
    entries_.erase(entry);
}

}  // namespace weir::store
