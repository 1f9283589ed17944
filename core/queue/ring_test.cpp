#include "core/queue/ring.h"

#include <catch2/catch.hpp>

namespace weir {

namespace {

struct Seat : RingLink<Seat> {};

}  // namespace

TEST_CASE("the objects of a ring are served in turn", "[ring]") {
    Seat a, b, c;
    Ring<Seat> ring;
    CHECK(ring.empty());
    CHECK(ring.current() == nullptr);
    ring.insert_last(a);
    ring.insert_last(b);
    ring.insert_last(c);
    CHECK(a.in_ring());
    CHECK(&ring.take_turn() == &a);
    CHECK(&ring.take_turn() == &b);
    CHECK(&ring.take_turn() == &c);
    CHECK(&ring.take_turn() == &a);
    CHECK(ring.current() == &b);
}

TEST_CASE("an object comes in as the last to be served, or as the next", "[ring]") {
    Seat a, b, last, next;
    Ring<Seat> ring;
    ring.insert_last(a);
    ring.insert_last(b);
    ring.take_turn();
    ring.insert_last(last);
    ring.insert_next(next);
    CHECK(&ring.take_turn() == &next);
    CHECK(&ring.take_turn() == &b);
    CHECK(&ring.take_turn() == &a);
    CHECK(&ring.take_turn() == &last);
}

TEST_CASE("the turn of an object that leaves a ring goes to the one after it", "[ring]") {
    Seat a, b, c;
    Ring<Seat> ring;
    ring.insert_last(a);
    ring.insert_last(b);
    ring.remove(a);
    CHECK(ring.current() == &b);
    ring.insert_last(c);
    ring.remove(c);
    CHECK(ring.current() == &b);
    CHECK_FALSE(a.in_ring());
    ring.remove(a);  // not in it: nothing happens
    ring.remove(b);
    CHECK(ring.empty());
}

TEST_CASE("the last turn of a single object is its own again", "[ring]") {
    Seat a;
    Ring<Seat> ring;
    ring.insert_next(a);
    CHECK(&ring.take_turn() == &a);
    CHECK(ring.current() == &a);
}

TEST_CASE("a ring that is cleared lets all go", "[ring]") {
    Seat a, b;
    Ring<Seat> ring;
    ring.insert_last(a);
    ring.insert_last(b);
    ring.clear();
    CHECK(ring.empty());
    CHECK_FALSE(a.in_ring());
    CHECK_FALSE(b.in_ring());
}

}  // namespace weir
