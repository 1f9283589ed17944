#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "modules/system/call/json.h"

namespace weir::rules {

// The events that wait until their rule may run again. Those of different keys take turns; those of
// one key leave in the order in which they came.
class Waiting {
public:
    std::size_t size() const noexcept { return by_age_.size(); }
    bool empty() const noexcept { return by_age_.empty(); }

    void add(const std::string& key, Json event);
    // Removes the next event. Requires that there is one.
    Json take();
    // Removes the event that has waited longest. Requires that there is one.
    Json take_oldest();

private:
    struct Item {
        std::uint64_t age;
        Json event;
    };
    using Keys = std::map<std::string, std::deque<Item>>;

    Json take_first(Keys::iterator key);

    Keys keys_;
    std::deque<Keys::iterator> turns_;  // the keys, each once; the next first
    std::map<std::uint64_t, Keys::iterator> by_age_;
    std::uint64_t added_ = 0;
};

}  // namespace weir::rules
