#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/event/event_type.h"
#include "core/event/node_map.h"

namespace weir {

/// Counts events by the name of their type. The count of a name goes on when the type's library is
/// reloaded, and stays when that is unloaded: nothing here refers to a library. Of a program that
/// makes types without end, the first types have counts of their own, and all others share one.
///
/// Belongs to one thread.
class EventCounts {
public:
    static constexpr std::size_t most_types = 1000;

    EventCounts() = default;
    EventCounts(const EventCounts&) = delete;
    EventCounts& operator=(const EventCounts&) = delete;

    /// Returns the count of the type, to be incremented. It lives as long as this. Without memory
    /// for a new one, returns that of the others.
    std::uint64_t& of(const EventType& type) noexcept;

    /// Calls the function with each name and its count, in the order of their first use.
    template <class F>
    void for_each(F visit) const {
        for (const auto& count : counts_) {
            visit(count->name.text(), count->events);
        }
    }
    /// Returns how many events were of types that have no count of their own.
    std::uint64_t others() const noexcept { return others_; }

private:
    struct Count {
        IndexValue name;
        std::uint64_t events = 0;

        const IndexValue& key() const noexcept { return name; }
    };

    std::uint64_t& add(const EventType& type);

    NodeMap<Count> by_name_;
    std::vector<std::unique_ptr<Count>> counts_;
    std::uint64_t others_ = 0;
};

}  // namespace weir
