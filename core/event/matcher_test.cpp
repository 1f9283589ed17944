#include "core/event/matcher.h"

#include <stdexcept>

#include <catch2/catch.hpp>

namespace weir {

namespace {

using Place = std::tuple<std::string, int>;

enum class Direction { read, write };

// What a connection does, as its waiters see it.
struct Io : Event {
    Index<Direction> direction;
    Index<Place> address;
    Index<int> number;
    Index<const void*> owner;

    static auto declare() {
        return declare_event<Io>("matcher_test.Io")
            .index("direction", &Io::direction)
            .index("address", &Io::address)
            .index("number", &Io::number)
            .index("owner", &Io::owner);
    }
};

struct SizedIo : Io {
    Index<int> length;

    static auto declare() {
        return declare_event<SizedIo, Io>("matcher_test.SizedIo").index("length", &SizedIo::length);
    }
};

struct NamedSizedIo : SizedIo {
    Index<std::string> name;

    static auto declare() {
        return declare_event<NamedSizedIo, SizedIo>("matcher_test.NamedSizedIo")
            .index("name", &NamedSizedIo::name);
    }
};

// Has the same indices, but is not related to Io.
struct OtherIo : Event {
    Index<Direction> direction;
    Index<Place> address;
    Index<int> number;
    Index<int> length;
    Index<int> undeclared;

    static auto declare() {
        return declare_event<OtherIo>("matcher_test.OtherIo")
            .index("direction", &OtherIo::direction)
            .index("address", &OtherIo::address)
            .index("number", &OtherIo::number)
            .index("length", &OtherIo::length);
    }
};

bool matches(const Matcher& matcher, const Event& event) {
    return matcher.matches_path(event) && matcher.judge(event);
}

// Some events, and which of them a matcher matches.
struct Found {
    const int owners[2] = {};
    const std::vector<Ref<Event>> all{
        make_event<Io>(Direction::read, Place("10.0.0.14", 100), 17, &owners[0]),
        make_event<Io>(Direction::write, Place("10.0.0.4", 1), 17, &owners[1]),
        make_event<Io>(Direction::write, Place("10.0.0.4", 12), 19, &owners[0]),
        make_event<Io>(Direction::write, Place("10.0.0.6", 12), 17, &owners[1]),
        make_event<SizedIo>(Direction::write, Place("10.0.0.6", 12), 17, &owners[1], 27),
        make_event<NamedSizedIo>(Direction::read, Place("10.0.0.6", 12), 17, &owners[1], 27, "n"),
        make_event<OtherIo>(Direction::read, Place("10.0.0.14", 100), 17, 27)};

    std::vector<int> matched_by(const Matcher& matcher) const {
        std::vector<int> result;
        for (std::size_t i = 0; i != all.size(); ++i) {
            if (matches(matcher, *all[i])) {
                result.push_back(static_cast<int>(i) + 1);
            }
        }
        return result;
    }
};

}  // namespace

TEST_CASE("a matcher matches events with the given values, for any subset of the indices",
          "[matcher]") {
    const Found events;
    const auto matched = [&](Matcher matcher) { return events.matched_by(matcher); };
    const Place address("10.0.0.4", 1);
    CHECK(matched(match<Io>().with(&Io::address, address).make()) == std::vector{2});
    CHECK(matched(match<Io>(Direction::write, any, 17).make()) == std::vector{2, 4, 5});
    CHECK(matched(match<Io>(any, any, 17).make()) == std::vector{1, 2, 4, 5, 6});
    CHECK(matched(match<Io>(any, any, any, &events.owners[0]).make()) == std::vector{1, 3});
    CHECK(matched(match<Io>(Direction::read)
                      .with(&Io::owner, static_cast<const void*>(&events.owners[0]))
                      .make()) == std::vector{1});
    CHECK(matched(match<Io>(any, any, 5).make()).empty());
}

TEST_CASE("a matcher of a base matches derived events, over all levels, and not the reverse",
          "[matcher]") {
    const Found events;
    const auto matched = [&](Matcher matcher) { return events.matched_by(matcher); };
    CHECK(matched(match<Io>().make()) == std::vector{1, 2, 3, 4, 5, 6});
    CHECK(matched(match<SizedIo>().make()) == std::vector{5, 6});
    CHECK(matched(match<NamedSizedIo>().make()) == std::vector{6});
    CHECK(matched(match<OtherIo>().make()) == std::vector{7});
}

TEST_CASE("a matcher of a derived type may require indices of all levels", "[matcher]") {
    const Found events;
    CHECK(events.matched_by(match<SizedIo>(any, any, 17, any, 27).make()) == std::vector{5, 6});
    CHECK(events.matched_by(match<SizedIo>()
                                .with(&Io::direction, Direction::write)
                                .with(&SizedIo::length, 27)
                                .make()) == std::vector{5});
    CHECK(events.matched_by(match<NamedSizedIo>().with(&NamedSizedIo::name, "n").make()) ==
          std::vector{6});
    CHECK(events.matched_by(match<NamedSizedIo>().with(&SizedIo::length, 28).make()).empty());
}

TEST_CASE("a predicate narrows a matcher further", "[matcher]") {
    const Found events;
    const Matcher matcher =
        match<Io>(Direction::write)
            .where([](const Io& io) { return std::get<0>(io.address.get()) == "10.0.0.4"; })
            .make();
    CHECK(matcher.has_predicate());
    CHECK(events.matched_by(matcher) == std::vector{2, 3});
    CHECK_FALSE(match<Io>().make().has_predicate());
}

TEST_CASE("judging an event throws what the predicate throws", "[matcher]") {
    const Found events;
    const Matcher matcher =
        match<Io>().where([](const Io&) -> bool { throw std::runtime_error("no"); }).make();
    CHECK(matcher.matches_path(*events.all[0]));
    CHECK_THROWS_WITH(matcher.judge(*events.all[0]), "no");
}

TEST_CASE("copies of a matcher are the same matcher, matchers of equal values are not",
          "[matcher]") {
    const auto matcher = match<Io>(Direction::read).make();
    const Matcher copy = matcher;
    CHECK(copy == matcher);
    CHECK_FALSE(copy == match<Io>(Direction::read).make());
}

TEST_CASE("an empty handle matches nothing", "[matcher]") {
    const Found events;
    const Matcher nothing;
    CHECK_FALSE(nothing);
    CHECK(events.matched_by(nothing).empty());
    CHECK(nothing.path().empty());
    CHECK_FALSE(nothing.has_predicate());
    CHECK(nothing.describe() == "nothing");
}

TEST_CASE("a matcher of no type matches every event", "[matcher]") {
    const Found events;
    const Matcher anything(std::vector<IndexValue>{});
    CHECK(anything);
    CHECK(events.matched_by(anything).size() == events.all.size());
    CHECK(anything.describe() == "anything");
    const std::vector<IndexValue> path{IndexValue(), static_cast<int>(Direction::read)};
    const Matcher reads(path);
    CHECK(events.matched_by(reads) == std::vector{1, 6, 7});
    CHECK(reads.describe() == "any(0)");
}

TEST_CASE("a path ends with its last value", "[matcher]") {
    const std::vector<IndexValue> path{"matcher_test.Io", IndexValue(), 3, IndexValue(),
                                       IndexValue()};
    CHECK(Matcher(path).path().size() == 3);
    CHECK(match<Io>().make().path().size() == 1);
    CHECK(match<SizedIo>().make().path().size() == 6);
}

TEST_CASE("matches_path() takes the levels before the given one as matching", "[matcher]") {
    const Found events;
    const Matcher matcher = match<Io>(Direction::write, any, 17).make();
    CHECK_FALSE(matcher.matches_path(*events.all[0]));
    CHECK(matcher.matches_path(*events.all[0], 2));
    CHECK_FALSE(matcher.matches_path(*events.all[2], 3));
    CHECK(matcher.matches_path(*events.all[2], 4));
}

TEST_CASE("matchers describe themselves for logs", "[matcher]") {
    CHECK(match<Io>().make().describe() == "matcher_test.Io()");
    CHECK(match<OtherIo>(any, Place("h", 1), 7).make().describe() ==
          "matcher_test.OtherIo(any, (\"h\", 1), 7)");
    CHECK(match<OtherIo>().where([](const OtherIo&) { return true; }).make().describe() ==
          "matcher_test.OtherIo() where ...");
}

TEST_CASE("a matcher of an index that its type lacks throws an error that names it", "[matcher]") {
    CHECK_THROWS_WITH(match<OtherIo>().with(&OtherIo::undeclared, 1),
                      "event type 'matcher_test.OtherIo' has an Index that its declare() does not "
                      "name");
    CHECK_THROWS_WITH(match<OtherIo>(any, any, any, any, 1),
                      "event type 'matcher_test.OtherIo' has no more than 4 indices");
}

TEST_CASE("a matcher with a value of another kind than its index throws an error that names both",
          "[matcher]") {
    CHECK_THROWS_WITH(match<NamedSizedIo>(any, any, any, any, any, 5),
                      "event type 'matcher_test.NamedSizedIo': index 'name' is a text, and 5 is an "
                      "integer");
    CHECK_THROWS_WITH(match<Io>(Direction::read, "here"),
                      "event type 'matcher_test.Io': index 'address' is a tuple, and \"here\" is a "
                      "text");
    CHECK_THROWS_AS(match<Io>(any, any, 2.5), std::logic_error);
    CHECK_THROWS_AS(match<Io>(any, any, any, 7), std::logic_error);
    CHECK_NOTHROW(match<Io>(Direction::read, Place("here", 1), 2.0, &event_type<Io>()));
    CHECK_NOTHROW(match<Io>(IndexValue(), any, 7));
}

}  // namespace weir
