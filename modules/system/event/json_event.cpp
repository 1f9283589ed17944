#include "modules/system/event/json_event.h"

#include <memory>

namespace weir {

static_assert(sizeof(JsonEvent) % alignof(IndexValue) == 0);
static_assert(alignof(config::Value) <= alignof(IndexValue));

std::ptrdiff_t JsonEvent::offset_of_index(std::size_t index) noexcept {
    return static_cast<std::ptrdiff_t>(sizeof(JsonEvent) + index * sizeof(IndexValue));
}

std::ptrdiff_t JsonEvent::offset_of_member(std::size_t indices, std::size_t member) noexcept {
    return offset_of_index(indices) + static_cast<std::ptrdiff_t>(member * sizeof(config::Value));
}

Ref<Event> JsonEvent::make(const EventType& type, std::span<const IndexValue> indices,
                           std::span<const config::Value> members) {
    const auto size = static_cast<std::size_t>(offset_of_member(indices.size(), members.size()));
    void* const memory = pool::allocate(size);
    auto* const event = ::new (memory) JsonEvent(static_cast<std::uint32_t>(indices.size()),
                                                 static_cast<std::uint32_t>(members.size()));
    std::uninitialized_copy(indices.begin(), indices.end(),
                            event->at<IndexValue>(offset_of_index(0)));
    try {
        // Destroys what it has copied when a copy fails.
        std::uninitialized_copy(members.begin(), members.end(),
                                event->at<config::Value>(offset_of_member(indices.size(), 0)));
    } catch (...) {
        std::destroy_n(event->at<IndexValue>(offset_of_index(0)), indices.size());
        event->~JsonEvent();
        pool::deallocate(memory, size);
        throw;
    }
    event->set_type(type);
    return Ref<Event>(event);
}

void JsonEvent::destroy(Event* event) noexcept {
    auto* const made = static_cast<JsonEvent*>(event);
    const std::uint32_t indices = made->indices_;
    const std::uint32_t members = made->members_;
    std::destroy_n(made->at<config::Value>(offset_of_member(indices, 0)), members);
    std::destroy_n(made->at<IndexValue>(offset_of_index(0)), indices);
    made->~JsonEvent();
    pool::deallocate(made, static_cast<std::size_t>(offset_of_member(indices, members)));
}

}  // namespace weir
