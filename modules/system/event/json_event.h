#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <span>

#include "config/document/value.h"
#include "core/base/pool.h"
#include "core/base/ref.h"
#include "core/event/event.h"

namespace weir {

// An event of a type that was made at run time: the object is followed in memory by its indices,
// and these by the values of its other members.
class JsonEvent final : public Event {
public:
    // Makes an event with these contents. The type must have as many indices.
    static Ref<Event> make(const EventType& type, std::span<const IndexValue> indices,
                           std::span<const config::Value> members);
    // Destroys an event that make() has made: an EventType::Destroy.
    static void destroy(Event* event) noexcept;

    // Returns the distance of an index, or of a member of an event with so many indices, from the
    // Event.
    static std::ptrdiff_t offset_of_index(std::size_t index) noexcept;
    static std::ptrdiff_t offset_of_member(std::size_t indices, std::size_t member) noexcept;

private:
    JsonEvent(std::uint32_t indices, std::uint32_t members) noexcept
        : indices_(indices), members_(members) {}
    ~JsonEvent() = default;

    template <class T>
    T* at(std::ptrdiff_t offset) noexcept {
        return std::launder(reinterpret_cast<T*>(reinterpret_cast<char*>(this) + offset));
    }
    const std::uint32_t indices_;
    const std::uint32_t members_;
};

}  // namespace weir
