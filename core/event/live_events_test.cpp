#include "core/event/live_events.h"

#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "core/event/event.h"

namespace weir {

namespace {

struct Known : Event {
    static auto declare() { return declare_event<Known>("live_events_test.Known"); }
};

// Not used before the LiveEvents of its test exists.
struct Later : Event {
    static auto declare() { return declare_event<Later>("live_events_test.Later"); }
};

// Returns the addresses of a type's description, as if they were a library.
template <EventClass E>
std::vector<AddressRange> addresses_of() {
    const auto at = reinterpret_cast<std::uintptr_t>(&event_type<E>());
    return {{at, at + sizeof(EventType)}};
}

// All of memory.
const std::vector<AddressRange> everywhere{{0, ~std::uintptr_t{0}}};

std::map<std::string, std::uint64_t> living(const LiveEvents& live) {
    std::map<std::string, std::uint64_t> found;
    live.for_each_living(
        [&found](const EventType& type, std::uint64_t count) { found[type.name()] = count; });
    return found;
}

}  // namespace

TEST_CASE("live events of a library's types are counted until they are destroyed") {
    const LiveEvents live(addresses_of<Known>());
    CHECK(living(live).empty());
    Ref<Event> first = make_event<Known>();
    {
        const Ref<Event> second = first;
        const Ref<Event> third = make_event<Known>();
        CHECK(living(live) == std::map<std::string, std::uint64_t>{{"live_events_test.Known", 2}});
    }
    CHECK(living(live)["live_events_test.Known"] == 1);
    first = nullptr;
    CHECK(living(live).empty());
}

TEST_CASE("events of types that are used for the first time are counted") {
    const LiveEvents live(everywhere);
    const Ref<Event> event = make_event<Later>();
    CHECK(living(live)["live_events_test.Later"] == 1);
}

TEST_CASE("events of another library's types are not counted") {
    const LiveEvents live(addresses_of<Known>());
    const LiveEvents all(everywhere);
    const Ref<Event> event = make_event<Later>();
    CHECK(living(live).empty());
    CHECK(living(all)["live_events_test.Later"] == 1);
}

}  // namespace weir
