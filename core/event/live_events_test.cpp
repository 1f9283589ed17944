#include "core/event/live_events.h"

#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "core/event/event.h"

namespace weir {

namespace {

struct Known : Event {
    static auto declare() { return declare_event<Known>("census.Known"); }
};

// Not used before a census has begun.
struct Later : Event {
    static auto declare() { return declare_event<Later>("census.Later"); }
};

// Where the description of a type lies, as if that were a library.
template <EventClass E>
std::vector<AddressRange> place_of() {
    const auto at = reinterpret_cast<std::uintptr_t>(&event_type<E>());
    return {{at, at + sizeof(EventType)}};
}

// All of memory.
const std::vector<AddressRange> everywhere{{0, ~std::uintptr_t{0}}};

std::map<std::string, std::uint64_t> living(const LiveEvents& census) {
    std::map<std::string, std::uint64_t> found;
    census.for_each_living(
        [&found](const EventType& type, std::uint64_t count) { found[type.name()] = count; });
    return found;
}

}  // namespace

TEST_CASE("a census counts the events of a library's types until they go") {
    const LiveEvents census(place_of<Known>());
    CHECK(living(census).empty());
    Ref<Event> first = make_event<Known>();
    {
        const Ref<Event> second = first;
        const Ref<Event> third = make_event<Known>();
        CHECK(living(census) == std::map<std::string, std::uint64_t>{{"census.Known", 2}});
    }
    CHECK(living(census)["census.Known"] == 1);
    first = nullptr;
    CHECK(living(census).empty());
}

TEST_CASE("a census counts the events of types that are used for the first time") {
    const LiveEvents census(everywhere);
    const Ref<Event> event = make_event<Later>();
    CHECK(living(census)["census.Later"] == 1);
}

TEST_CASE("a census knows nothing of another library's types") {
    const LiveEvents census(place_of<Known>());
    const LiveEvents all(everywhere);
    const Ref<Event> event = make_event<Later>();
    CHECK(living(census).empty());
    CHECK(living(all)["census.Later"] == 1);
}

}  // namespace weir
