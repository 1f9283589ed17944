#include "core/event/event_type.h"

#include <stdexcept>

#include <catch2/catch.hpp>

#include "core/event/event.h"
#include "core/event/matcher.h"

namespace weir {

namespace {

struct Shape : Event {
    Index<std::string> name;
    Index<int> corners;
    double area = 0;

    static auto declare() {
        return declare_event<Shape>("event_type_test.Shape")
            .index("name", &Shape::name)
            .index("corners", &Shape::corners)
            .member<&Shape::area>("area");
    }
};

struct Square : Shape {
    Index<int> size;
    std::string colour;

    static auto declare() {
        return declare_event<Square, Shape>("event_type_test.Square")
            .index("size", &Square::size)
            .member<&Square::colour>("colour")
            .blocking();
    }
};

struct Tile : Square {
    Index<bool> glazed;

    static auto declare() {
        return declare_event<Tile, Square>("event_type_test.Tile").index("glazed", &Tile::glazed);
    }
};

struct Bare : Event {
    static auto declare() { return declare_event<Bare>("event_type_test.Bare"); }
};

struct TwiceTheSame : Event {
    Index<int> a;
    Index<int> b;
    static auto declare() {
        return declare_event<TwiceTheSame>("event_type_test.TwiceTheSame")
            .index("a", &TwiceTheSame::a)
            .index("a", &TwiceTheSame::b);
    }
};

struct SameAsBase : Shape {
    Index<int> other;
    static auto declare() {
        return declare_event<SameAsBase, Shape>("event_type_test.SameAsBase")
            .index("name", &SameAsBase::other);
    }
};

struct Nameless : Event {
    Index<int> a;
    static auto declare() {
        return declare_event<Nameless>("event_type_test.Nameless").index("", &Nameless::a);
    }
};

struct Before {
    Index<int> a;
};
struct EventLast : Before, Event {
    static auto declare() {
        return declare_event<EventLast>("event_type_test.EventLast").index("a", &EventLast::a);
    }
};

// The Event in it is not at its start.
struct Virtual : Event {
    explicit Virtual(int n) : number(n) {}
    virtual ~Virtual() = default;
    virtual int twice() const { return number.get() * 2; }
    Index<int> number;

    static auto declare() {
        return declare_event<Virtual>("event_type_test.Virtual").index("number", &Virtual::number);
    }
};

void keep(Event*) noexcept {}

// A description of a type as another library might have it.
EventType described_elsewhere(std::size_t size, std::ptrdiff_t offset) {
    EventType type("event_type_test.Elsewhere", nullptr, nullptr, size);
    type.add_index("a", offset);
    return type;
}

}  // namespace

TEST_CASE("descriptions of one name mean the same type if the events have the same layout",
          "[event_type]") {
    const DeclaredEventType first(described_elsewhere(96, 64));
    const DeclaredEventType same(described_elsewhere(96, 64));
    const DeclaredEventType larger(described_elsewhere(112, 64));
    const DeclaredEventType moved(described_elsewhere(96, 80));
    const DeclaredEventType moved_too(described_elsewhere(96, 80));
    const auto are_one = [](const DeclaredEventType& left, const DeclaredEventType& right) {
        const bool are = left.type().is_a(right.type());
        CHECK(Matcher(left.type()).same_events(Matcher(right.type())) == are);
        return are;
    };
    CHECK(are_one(first, same));
    CHECK_FALSE(are_one(first, larger));
    CHECK_FALSE(are_one(first, moved));
    CHECK_FALSE(are_one(larger, moved));
    CHECK(are_one(moved, moved_too));
    CHECK(larger.type().name() == first.type().name());
    CHECK(Matcher(first.type()).describe() == "event_type_test.Elsewhere(any)");
    CHECK(Matcher(larger.type()).describe() ==
          "event_type_test.Elsewhere with 112 bytes, a of kind 0 at 64(any)");
}

TEST_CASE("an event type knows its name and its indices, its base's first", "[event_type]") {
    const EventType& tile = event_type<Tile>();
    CHECK(tile.name() == "event_type_test.Tile");
    CHECK(tile.index_names() == std::vector<std::string_view>{"name", "corners", "size", "glazed"});
    CHECK(tile.base() == &event_type<Square>());
    CHECK(event_type<Shape>().base() == nullptr);
    CHECK(event_type<Bare>().index_names().empty());
}

TEST_CASE("the path of a derived type begins with that of its base", "[event_type]") {
    const auto& base = event_type<Shape>().levels();
    const auto& derived = event_type<Square>().levels();
    REQUIRE(base.size() == 3);
    REQUIRE(derived.size() == 5);
    for (std::size_t level = 0; level != base.size(); ++level) {
        CHECK(derived[level].name == base[level].name);
        CHECK(derived[level].fixed == base[level].fixed);
        CHECK(derived[level].offset == base[level].offset);
    }
    CHECK(derived[3].fixed == IndexValue("event_type_test.Square"));
    CHECK(event_type<Square>().level_of("corners") == 2);
    CHECK(event_type<Square>().level_of("size") == 4);
    CHECK(event_type<Square>().level_of("colour") == std::nullopt);
    CHECK(event_type<Square>().level_of("") == std::nullopt);
    CHECK(event_type<Square>().next_index(0) == 1);
    CHECK(event_type<Square>().next_index(3) == 4);
}

TEST_CASE("a type is what it derives from over all levels, and not the reverse", "[event_type]") {
    const EventType& shape = event_type<Shape>();
    const EventType& tile = event_type<Tile>();
    CHECK(tile.is_a(shape));
    CHECK(tile.is_a(event_type<Square>()));
    CHECK(tile.is_a(tile));
    CHECK_FALSE(shape.is_a(tile));
    CHECK_FALSE(event_type<Bare>().is_a(shape));
}

TEST_CASE("two libraries' descriptions of the same name mean the same type", "[event_type]") {
    const EventType other_shape("event_type_test.Shape", nullptr, &keep);
    CHECK(event_type<Tile>().is_a(other_shape));
    CHECK(other_shape.is_a(event_type<Shape>()));
    CHECK(other_shape.id() != event_type<Shape>().id());
    const EventType other_square("event_type_test.Square", &other_shape, &keep);
    CHECK(other_square.is_a(event_type<Shape>()));
}

TEST_CASE("a type is ignorable or not like its base, unless it declares otherwise",
          "[event_type]") {
    CHECK(event_type<Shape>().ignorable());
    CHECK_FALSE(event_type<Square>().ignorable());
    CHECK_FALSE(event_type<Tile>().ignorable());
}

TEST_CASE("members other than indices can be read by name", "[event_type]") {
    const auto square = make_event<Square>("tile", 4, 2.5, 3, "blue");
    const auto& members = event_type<Square>().members();
    REQUIRE(members.size() == 2);
    CHECK(members[0].name == "area");
    CHECK(members[0].read(*square, "area") == IndexValue(2.5));
    CHECK(members[1].name == "colour");
    CHECK(members[1].read(*square, "colour") == IndexValue("blue"));
}

TEST_CASE("an invalid declaration throws an error that names the mistake", "[event_type]") {
    CHECK_THROWS_WITH(event_type<TwiceTheSame>(),
                      "event type 'event_type_test.TwiceTheSame' has two indices named 'a'");
    CHECK_THROWS_WITH(event_type<SameAsBase>(),
                      "event type 'event_type_test.SameAsBase' has two indices named 'name'");
    CHECK_THROWS_WITH(event_type<Nameless>(),
                      "event type 'event_type_test.Nameless' has an index without a name");
    CHECK_THROWS_WITH(event_type<EventLast>(),
                      "event type 'event_type_test.EventLast': index 'a' lies before the Event; "
                      "make Event the first base");
    CHECK_THROWS_WITH(event_type<Bare>().next_index(0),
                      "event type 'event_type_test.Bare' has no more than 0 indices");
}

TEST_CASE("a class of events may have virtual functions", "[event_type]") {
    const Ref<Event> event = make_event<Virtual>(21);
    CHECK(event->at(1) == IndexValue(21));
    CHECK(event->as<Virtual>().twice() == 42);
    const Matcher matcher = match<Virtual>().with(&Virtual::number, 21).make();
    CHECK(matcher.matches_path(*event));
}

TEST_CASE("a type can be made at run time", "[event_type]") {
    struct Loose : Event {
        IndexValue value;
    };
    EventType type("event_type_test.Loose", nullptr, &keep);
    type.add_index("value", member_offset<Loose>(&Loose::value));
    type.add_member(
        {"name", [](const Event&, const std::string& name) { return IndexValue(name); }});
    type.set_ignorable(false);
    type.set_can_ignore_now([](const Event&) { return true; });
    Loose event;
    event.value = 7;
    event.set_type(type);
    CHECK(event.at(1) == IndexValue(7));
    CHECK_FALSE(event.ignorable());
    CHECK(event.droppable());
    CHECK(type.can_ignore_now_function() != nullptr);
    CHECK(type.destroy_function() == &keep);
}

}  // namespace weir
