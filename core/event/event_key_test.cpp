#include "core/event/event_key.h"

#include <catch2/catch.hpp>

namespace weir {

namespace {

struct Task : Event {
    Index<std::string> owner;
    int priority = 0;

    static auto declare() {
        return declare_event<Task>("event_key_test.Task")
            .index("owner", &Task::owner)
            .member<&Task::priority>("priority");
    }
};

struct UrgentTask : Task {
    double urgency = 0;

    static auto declare() {
        return declare_event<UrgentTask, Task>("event_key_test.UrgentTask")
            .member<&UrgentTask::urgency>("priority");
    }
};

struct Unowned : Event {
    static auto declare() { return declare_event<Unowned>("event_key_test.Unowned"); }
};

}  // namespace

TEST_CASE("an event key reads an index or a declared member by its name", "[event_key]") {
    const auto task = make_event<Task>("ann", 3);
    CHECK(EventKey::named("owner")(*task) == IndexValue("ann"));
    CHECK(EventKey::named("priority")(*task) == IndexValue(3));
    CHECK(EventKey::named("owner").name() == "owner");
    CHECK_FALSE(EventKey::named("owner").is_type());
}

TEST_CASE("an event without the index or member has no key", "[event_key]") {
    CHECK(EventKey::named("owner")(*make_event<Unowned>()).is_any());
    CHECK(EventKey::named("colour")(*make_event<Task>("ann", 3)).is_any());
}

TEST_CASE("a key by type is the name of the base-most type", "[event_key]") {
    const EventKey key = EventKey::by_type();
    CHECK(key.is_type());
    CHECK(key(*make_event<Task>("ann", 3)) == IndexValue("event_key_test.Task"));
    CHECK(key(*make_event<UrgentTask>("ann", 3, 0.5)) == IndexValue("event_key_test.Task"));
}

TEST_CASE("an event key reads events of alternating types", "[event_key]") {
    const EventKey key = EventKey::named("priority");
    for (int i = 0; i != 3; ++i) {
        CHECK(key(*make_event<Task>("ann", i)) == IndexValue(i));
        CHECK(key(*make_event<Unowned>()).is_any());
        CHECK(key(*make_event<UrgentTask>("ann", 7, 0.5)) == IndexValue(0.5));
    }
}

TEST_CASE("a derived type's member hides its base's member of the same name", "[event_key]") {
    CHECK(EventKey::named("priority")(*make_event<UrgentTask>("ann", 7, 2.5)) == IndexValue(2.5));
}

}  // namespace weir
