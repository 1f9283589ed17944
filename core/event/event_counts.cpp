#include "core/event/event_counts.h"

#include <new>

namespace weir {

std::uint64_t& EventCounts::of(const EventType& type) noexcept {
    const std::size_t level = type.base() == nullptr ? 0 : type.base()->depth();
    if (Count* const known = by_name_.find(type.levels()[level].fixed)) {
        return known->events;
    }
    try {
        return counts_.size() < most_types ? add(type) : others_;
    } catch (const std::bad_alloc&) {
        return others_;
    }
}

std::uint64_t& EventCounts::add(const EventType& type) {
    auto count = std::make_unique<Count>(Count{IndexValue(type.name())});
    counts_.reserve(counts_.size() + 1);
    by_name_.insert(*count);
    return counts_.emplace_back(std::move(count))->events;
}

}  // namespace weir
