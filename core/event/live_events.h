#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/address_range.h"
#include "core/base/list.h"
#include "core/event/event_type.h"

namespace weir {

// Counts the events that live, in queues or anywhere else, whose types are described by a library:
// the library must not leave before them. While there is a census of a library, each event of its
// types is counted when it is made and when it goes; of all other types it costs one branch.
//
// Events that a library makes before its census begins are not counted. Any thread may make,
// destroy and ask a census.
class LiveEvents : public Link<LiveEvents> {
public:
    // `places` are those of the library: code, constants, static objects.
    explicit LiveEvents(std::vector<AddressRange> places);
    ~LiveEvents();
    LiveEvents(const LiveEvents&) = delete;
    LiveEvents& operator=(const LiveEvents&) = delete;

    // Calls the function with each type that the library describes and how many events of it live,
    // where there are some. The function makes no use of types that were not used before.
    void for_each_living(
        const std::function<void(const EventType& type, std::uint64_t count)>& function) const;

private:
    friend class DeclaredEventType;
    bool covers(const EventType& type) const noexcept;

    std::vector<AddressRange> places_;
};

}  // namespace weir
