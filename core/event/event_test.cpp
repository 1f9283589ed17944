#include "core/event/event.h"

#include <stdexcept>

#include <catch2/catch.hpp>

namespace weir {

namespace {

struct Order : Event {
    Index<std::string> customer;
    Index<int> number;
    double amount = 0;

    static auto declare() {
        return declare_event<Order>("event_test.Order")
            .index("customer", &Order::customer)
            .index("number", &Order::number)
            .member<&Order::amount>("amount");
    }
};

struct RushOrder : Order {
    Index<bool> today;

    static auto declare() {
        return declare_event<RushOrder, Order>("event_test.RushOrder")
            .index("today", &RushOrder::today);
    }
};

struct Invoice : Event {
    static auto declare() { return declare_event<Invoice>("event_test.Invoice").blocking(); }
};

// Blocks only while it is fresh.
struct Milk : Event {
    bool fresh = true;
    bool can_ignore_now() const { return !fresh; }
    static auto declare() { return declare_event<Milk>("event_test.Milk").blocking(); }
};

struct Kefir : Milk {
    static auto declare() { return declare_event<Kefir, Milk>("event_test.Kefir"); }
};

struct Unsure : Event {
    bool can_ignore_now() const { throw std::runtime_error("unsure"); }
    static auto declare() { return declare_event<Unsure>("event_test.Unsure").blocking(); }
};

struct Failing : Event {
    explicit Failing(bool fail) {
        if (fail) throw std::runtime_error("no");
    }
    static auto declare() { return declare_event<Failing>("event_test.Failing"); }
};

struct Counting : Event {
    explicit Counting(int& live) : live_(live) { ++live_; }
    ~Counting() { --live_; }
    int& live_;
    static auto declare() { return declare_event<Counting>("event_test.Counting"); }
};

}  // namespace

TEST_CASE("code reads the members of an event with their types and without strings", "[event]") {
    const Ref<Order> order = make_event<Order>("bob", 7, 12.5);
    CHECK(order->customer == "bob");
    CHECK(order->number + 1 == 8);
    CHECK(order->amount == 12.5);
    CHECK(order->type().name() == "event_test.Order");
    CHECK(order->describe() == "event_test.Order(customer=\"bob\", number=7)");
    CHECK(make_event<Invoice>()->describe() == "event_test.Invoice()");
}

TEST_CASE("members without an argument have the default value of their type", "[event]") {
    const auto order = make_event<Order>("bob");
    CHECK(order->number == 0);
    CHECK(order->at(2) == IndexValue(0));
    CHECK(make_event<Order>()->customer == "");
}

TEST_CASE("a derived event is an event of its base", "[event]") {
    const Ref<Event> rush = make_event<RushOrder>("bob", 7, 1.5, true);
    CHECK(rush->is<RushOrder>());
    CHECK(rush->is<Order>());
    CHECK_FALSE(rush->is<Invoice>());
    CHECK(rush->as<Order>().customer == "bob");
    CHECK(rush->as<RushOrder>().today);
    const Ref<Event> plain = make_event<Order>("bob", 7);
    CHECK(plain->is<Order>());
    CHECK_FALSE(plain->is<RushOrder>());
}

TEST_CASE("the path of an event has the names of its types and the values of its indices",
          "[event]") {
    const Ref<Event> rush = make_event<RushOrder>("bob", 7, 1.5, true);
    REQUIRE(rush->levels() == 5);
    CHECK(rush->at(0) == IndexValue("event_test.Order"));
    CHECK(rush->at(1) == IndexValue("bob"));
    CHECK(rush->at(2) == IndexValue(7));
    CHECK(rush->at(3) == IndexValue("event_test.RushOrder"));
    CHECK(rush->at(4) == IndexValue(true));
}

TEST_CASE("an event may be dropped or not, as its type decides or as a routine sets it",
          "[event]") {
    const auto order = make_event<Order>("bob", 7);
    const auto invoice = make_event<Invoice>();
    CHECK(order->ignorable());
    CHECK(order->droppable());
    CHECK_FALSE(invoice->ignorable());
    CHECK_FALSE(invoice->droppable());
    order->set_ignorable(false);
    invoice->set_ignorable();
    CHECK_FALSE(order->droppable());
    CHECK(invoice->droppable());
    CHECK_FALSE(make_event<Invoice>()->ignorable());
}

TEST_CASE("can_ignore_now() decides while an event would block", "[event]") {
    const auto milk = make_event<Milk>();
    CHECK_FALSE(milk->ignorable());
    CHECK_FALSE(milk->droppable());
    milk->fresh = false;
    CHECK_FALSE(milk->ignorable());
    CHECK(milk->droppable());
    const auto kefir = make_event<Kefir>();
    CHECK_FALSE(kefir->droppable());
    kefir->fresh = false;
    CHECK(kefir->droppable());
    const auto unsure = make_event<Unsure>();
    CHECK_THROWS_WITH(unsure->droppable(), "unsure");
    unsure->set_ignorable();
    CHECK(unsure->droppable());
}

TEST_CASE("an event lives as long as the last reference to it", "[event]") {
    int live = 0;
    Ref<Counting> event = make_event<Counting>(live);
    Ref<Event> other = event;
    event.reset();
    CHECK(live == 1);
    other.reset();
    CHECK(live == 0);
}

TEST_CASE("make_event throws what the event's constructor throws", "[event]") {
    CHECK_THROWS_WITH(make_event<Failing>(true), "no");
    CHECK(make_event<Failing>(false)->is<Failing>());
}

TEST_CASE("an event made from another is a new event of the same content", "[event]") {
    const auto order = make_event<Order>("bob", 7, 1.5);
    order->set_ignorable(false);
    const auto copy = make_event<Order>(*order);
    CHECK(copy->customer == "bob");
    CHECK(copy->amount == 1.5);
    CHECK(copy->is<Order>());
    CHECK(copy->ignorable());
    CHECK_FALSE(copy->queued());
}

}  // namespace weir
