#include "core/queue/fair_turns.h"

#include <string>

#include <catch2/catch.hpp>

namespace weir {

namespace {

struct Guest : FairLink<Guest> {
    char name = '?';
    explicit Guest(char letter) noexcept : name(letter) {}
};

// Turns of guests, of which the last ten are remembered.
struct Table {
    FairTurns<Guest> turns;

    // Serves so many turns; the names of those served.
    std::string serve(int count) {
        std::string names;
        for (int i = 0; i != count; ++i) {
            Guest& guest = turns.take_turn();
            names += guest.name;
            turns.served(
                guest, [] { return 10U; },
                [this](Guest* oldest) {
                    if (oldest != nullptr && FairTurns<Guest>::forget_turn(*oldest)) {
                        turns.drop_share(*oldest);
                    }
                });
        }
        return names;
    }
};

}  // namespace

TEST_CASE("objects that are always ready are served in turn", "[fair_turns]") {
    Guest a('a'), b('b'), c('c');
    Table table;
    for (Guest* guest : {&a, &b, &c}) {
        table.turns.add(*guest);
    }
    CHECK(table.serve(7) == "abcabca");
    CHECK(table.turns.shares() == 3);
    CHECK(a.served() == 3);
    CHECK(b.served() == 2);
}

TEST_CASE("an object that has had less than its share comes next, another one last",
          "[fair_turns]") {
    Guest a('a'), b('b'), c('c');
    Table table;
    table.turns.add(a);
    table.turns.add(b);
    table.serve(6);
    table.turns.add(c);  // has had nothing
    CHECK(table.serve(1) == "c");
    table.turns.remove(a);
    table.turns.add(a);  // has had three of seven
    CHECK(table.serve(3) == "bca");
}

TEST_CASE("turns that leave the history count no longer", "[fair_turns]") {
    Guest a('a'), b('b');
    Table table;
    table.turns.add(a);
    table.serve(4);
    CHECK(a.served() == 4);
    table.turns.remove(a);
    table.turns.add(b);
    table.serve(10);
    CHECK(a.served() == 0);
    CHECK_FALSE(a.has_share());
    CHECK(table.turns.shares() == 1);
    CHECK(table.turns.remembered() == 10);
    table.serve(100);
    CHECK(b.served() == 10);
}

TEST_CASE("the turns of a forgotten object have no owner", "[fair_turns]") {
    Table table;
    Guest b('b');
    {
        Guest a('a');
        table.turns.add(a);
        table.serve(3);
        table.turns.remove(a);
        table.turns.drop_share(a);
        table.turns.forget_object(a);
    }
    table.turns.add(b);
    CHECK(table.serve(12) == "bbbbbbbbbbbb");
    CHECK(table.turns.shares() == 1);
}

}  // namespace weir
