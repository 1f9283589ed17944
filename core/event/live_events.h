#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/address_range.h"
#include "core/base/list.h"
#include "core/event/event_type.h"

namespace weir {

/// Counts the living events, queued or not, whose types a library describes. The loader must not
/// unload the library before they are destroyed. While a LiveEvents of a library exists, each event
/// of the library's types is counted when it is made and when it is destroyed; events of all other
/// types cost one branch.
///
/// Events that were made before are not counted. Thread-safe, as is making and destroying events
/// meanwhile.
class LiveEvents : public Link<LiveEvents> {
public:
    /// `ranges` are the addresses of the library: code, constants, static objects.
    explicit LiveEvents(std::vector<AddressRange> ranges);
    ~LiveEvents();
    LiveEvents(const LiveEvents&) = delete;
    LiveEvents& operator=(const LiveEvents&) = delete;

    /// Calls the function with each type that the library describes and has living events, and
    /// their number. Requires that the function uses no event type for the first time, because a
    /// lock is held.
    void for_each_living(
        const std::function<void(const EventType& type, std::uint64_t count)>& function) const;

private:
    friend class DeclaredEventType;
    bool covers(const EventType& type) const noexcept;

    std::vector<AddressRange> ranges_;
};

}  // namespace weir
