#pragma once

#include <array>
#include <cstddef>

#include "core/base/list.h"
#include "core/event/event.h"
#include "core/event/match_tree.h"
#include "core/run/subscriber.h"

namespace weir {

/// All prefetching of weir: brings into the cache what the next events will touch, while the
/// scheduler is busy with the one before them.
///
/// Where very many routines wait, most of the time of a delivery is cache misses: in the match tree
/// the slot and the node, then the subscription, then the frame of the coroutine. Each can be found
/// only when the one before is there. So the farther away an event is, the less of its way is gone.
///
/// What is read here is a guess, and nothing is changed: a wrong guess costs time only.
class Prefetch {
public:
    /// With fewer subscriptions all that events touch is in the cache anyway.
    static constexpr std::size_t many_subscriptions = 4096;

    /// Looks at the events that are likely to leave their queue next, in order.
    static void upcoming(const List<Event>& events, const MatchTree& tree) noexcept {
        auto event = events.begin();
        for (const auto step : {to_frame, to_entry, to_node, to_slot}) {
            if (event == events.end()) {
                return;
            }
            step(*event, tree);
            ++event;
        }
    }

private:
    static constexpr std::size_t line = 64;

    // Fetches a small object: one whose first and last bytes are in all of its lines.
    static void place(MatchTree::Range place) noexcept {
        if (place.address != nullptr) {
            const char* const first = static_cast<const char*>(place.address);
            __builtin_prefetch(first);
            __builtin_prefetch(first + place.size - 1);
        }
    }
    // Fetches the lines [from, to), counted from the line of the address.
    static void lines(const void* address, std::ptrdiff_t from, std::ptrdiff_t to) noexcept {
        for (std::ptrdiff_t at = from; at != to; ++at) {
            __builtin_prefetch(static_cast<const char*>(address) +
                               at * static_cast<std::ptrdiff_t>(line));
        }
    }

    static void to_slot(const Event& event, const MatchTree& tree) noexcept {
        place(tree.likely_slot(event));
    }
    static void to_node(const Event& event, const MatchTree& tree) noexcept {
        place(tree.likely_node(event));
    }
    // The entry lies inside its subscriber, whose lines around it are touched too.
    static void to_entry(const Event& event, const MatchTree& tree) noexcept {
        if (const MatchTree::Entry* const entry = tree.likely_entry(event)) {
            lines(entry, -1, 3);
        }
    }
    static void to_frame(const Event& event, const MatchTree& tree) noexcept {
        const MatchTree::Entry* const entry = tree.likely_entry(event);
        if (entry == nullptr) {
            return;
        }
        __builtin_prefetch(entry->matcher.shared_state());
        const Subscriber& subscriber = static_cast<const Subscription*>(entry)->subscriber();
        if (const void* const frame = subscriber.frame()) {
            lines(frame, 0, 3);
        }
    }
};

}  // namespace weir
