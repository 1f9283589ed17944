#include "modules/rules/waiting.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace weir::rules {

void Waiting::add(const std::string& key, Json event) {
    const auto [found, is_new] = keys_.try_emplace(key);
    try {
        found->second.push_back({added_, std::move(event)});
        by_age_.emplace(added_, found);
        if (is_new) {
            turns_.push_back(found);
        }
    } catch (...) {
        by_age_.erase(added_);
        if (!found->second.empty() && found->second.back().age == added_) {
            found->second.pop_back();
        }
        if (is_new) {
            keys_.erase(found);
        }
        throw;
    }
    ++added_;
}

Json Waiting::take() {
    assert(!empty());
    const Keys::iterator key = turns_.front();
    if (key->second.size() > 1) {
        turns_.push_back(key);  // before anything changes: it may find no memory
        turns_.pop_front();
        return take_first(key);
    }
    return take_first(key);
}

Json Waiting::take_oldest() {
    assert(!empty());
    return take_first(by_age_.begin()->second);
}

// A key without events is forgotten.
Json Waiting::take_first(Keys::iterator key) {
    Item item = std::move(key->second.front());
    key->second.pop_front();
    by_age_.erase(item.age);
    if (key->second.empty()) {
        turns_.erase(std::ranges::find(turns_, key));
        keys_.erase(key);
    }
    return std::move(item.event);
}

}  // namespace weir::rules
