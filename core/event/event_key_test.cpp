#include "core/event/event_key.h"

#include <catch2/catch.hpp>

namespace weir {

namespace {

struct Chore : Event {
    Index<std::string> owner;
    int priority = 0;

    static auto declare() {
        return declare_event<Chore>("event_key_test.Chore")
            .index("owner", &Chore::owner)
            .member<&Chore::priority>("priority");
    }
};

struct UrgentChore : Chore {
    double urgency = 0;

    static auto declare() {
        return declare_event<UrgentChore, Chore>("event_key_test.UrgentChore")
            .member<&UrgentChore::urgency>("priority");
    }
};

struct Unowned : Event {
    static auto declare() { return declare_event<Unowned>("event_key_test.Unowned"); }
};

}  // namespace

TEST_CASE("an event key reads an index or a declared member by its name", "[event_key]") {
    const auto task = make_event<Chore>("ann", 3);
    CHECK(EventKey::named("owner")(*task) == IndexValue("ann"));
    CHECK(EventKey::named("priority")(*task) == IndexValue(3));
    CHECK(EventKey::named("owner").name() == "owner");
}

TEST_CASE("an event without the index or member has no key", "[event_key]") {
    CHECK(EventKey::named("owner")(*make_event<Unowned>()).is_any());
    CHECK(EventKey::named("colour")(*make_event<Chore>("ann", 3)).is_any());
}

TEST_CASE("a key by type is the name of the base-most type", "[event_key]") {
    const EventKey key = EventKey::by_type();
    CHECK(key(*make_event<Chore>("ann", 3)) == IndexValue("event_key_test.Chore"));
    CHECK(key(*make_event<UrgentChore>("ann", 3, 0.5)) == IndexValue("event_key_test.Chore"));
}

TEST_CASE("an event key reads events of alternating types", "[event_key]") {
    const EventKey key = EventKey::named("priority");
    for (int i = 0; i != 3; ++i) {
        CHECK(key(*make_event<Chore>("ann", i)) == IndexValue(i));
        CHECK(key(*make_event<Unowned>()).is_any());
        CHECK(key(*make_event<UrgentChore>("ann", 7, 0.5)) == IndexValue(0.5));
    }
}

TEST_CASE("a derived type's member hides its base's member of the same name", "[event_key]") {
    CHECK(EventKey::named("priority")(*make_event<UrgentChore>("ann", 7, 2.5)) == IndexValue(2.5));
}

}  // namespace weir
