#include "core/event/blocked_events.h"

#include <algorithm>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

namespace weir {

namespace {

struct Blocked : Event {
    Index<std::string> kind;
    Index<int> number;
    int id = 0;

    static auto declare() {
        return declare_event<Blocked>("event_tree_test.Blocked")
            .index("kind", &Blocked::kind)
            .index("number", &Blocked::number);
    }
};

struct MoreBlocked : Blocked {
    Index<int> more;

    static auto declare() {
        return declare_event<MoreBlocked, Blocked>("event_tree_test.MoreBlocked")
            .index("more", &MoreBlocked::more);
    }
};

struct Bare : Event {
    static auto declare() { return declare_event<Bare>("event_tree_test.Bare"); }
};

std::vector<int> take(BlockedEvents& tree, const Matcher& matcher) {
    std::vector<Ref<Event>> taken;
    tree.take(matcher, taken);
    std::vector<int> ids;
    for (const auto& event : taken) {
        ids.push_back(event->as<Blocked>().id);
    }
    return ids;
}

const std::vector<int> none;

}  // namespace

TEST_CASE("a matcher takes matching events out of the tree in order of their arrival",
          "[blocked_events]") {
    BlockedEvents tree;
    tree.insert(*make_event<Blocked>("read", 17, 1));
    tree.insert(*make_event<Blocked>("write", 17, 2));
    tree.insert(*make_event<Blocked>("write", 19, 3));
    tree.insert(*make_event<Blocked>("write", 17, 4));
    tree.insert(*make_event<MoreBlocked>("write", 17, 5, 27));
    tree.insert(*make_event<Bare>());
    CHECK(tree.size() == 6);
    CHECK(take(tree, match<Blocked>("write", 17).make()) == std::vector{2, 4, 5});
    CHECK(take(tree, match<Blocked>("write", 17).make()) == none);
    CHECK(take(tree, match<Blocked>("read").make()) == std::vector{1});
    CHECK(take(tree, match<Blocked>().make()) == std::vector{3});
    CHECK(tree.size() == 1);
}

TEST_CASE("events that a matcher takes come in order of arrival, not of the tree's shape",
          "[blocked_events]") {
    BlockedEvents tree;
    for (int i = 0; i != 100; ++i) {
        tree.insert(*make_event<Blocked>(i % 3 == 0 ? "a" : "b", (i * 7) % 10, i));
    }
    std::vector<int> ids = take(tree, match<Blocked>().make());
    CHECK(ids.size() == 100);
    CHECK(std::is_sorted(ids.begin(), ids.end()));
}

TEST_CASE("a wildcard before a value takes any number of events", "[blocked_events]") {
    BlockedEvents tree;
    for (int i = 0; i != 100; ++i) {
        tree.insert(*make_event<Blocked>("kind " + std::to_string(i % 7), i % 10, i));
    }
    CHECK(take(tree, match<Blocked>(any, 3).make()) ==
          std::vector{3, 13, 23, 33, 43, 53, 63, 73, 83, 93});
}

TEST_CASE("a matcher's predicate is called for each blocked event", "[blocked_events]") {
    BlockedEvents tree;
    for (int i = 0; i != 20; ++i) {
        tree.insert(*make_event<Blocked>("a", 1, i));
    }
    CHECK(take(tree, match<Blocked>().where([](const Blocked& e) { return e.id > 17; }).make()) ==
          std::vector{18, 19});
    CHECK(tree.size() == 18);
}

TEST_CASE("an event whose predicate throws stays, and the failure is reported",
          "[blocked_events]") {
    int failures = 0;
    BlockedEvents tree([&](const Matcher&, const Event& event) {
        CHECK(event.as<Blocked>().id == 1);
        CHECK_THROWS_WITH(std::rethrow_exception(std::current_exception()), "oh");
        ++failures;
    });
    tree.insert(*make_event<Blocked>("a", 1, 1));
    tree.insert(*make_event<Blocked>("a", 1, 2));
    CHECK(take(tree, match<Blocked>()
                         .where([](const Blocked& e) -> bool {
                             return e.id == 2 || (throw std::runtime_error("oh"), true);
                         })
                         .make()) == std::vector{2});
    CHECK(failures == 1);
    CHECK(tree.size() == 1);
}

TEST_CASE("an event that was removed is not taken", "[blocked_events]") {
    BlockedEvents tree;
    std::vector<Ref<Blocked>> events;
    for (int i = 0; i != 30; ++i) {
        tree.insert(*events.emplace_back(make_event<Blocked>("a", i % 4, i)));
    }
    for (int i = 0; i != 30; ++i) {
        if (i != 9 && i != 21) {
            tree.remove(*events[static_cast<std::size_t>(i)]);
        }
    }
    tree.remove(*events[0]);  // already removed: does nothing
    CHECK(tree.size() == 2);
    CHECK(take(tree, match<Blocked>().make()) == std::vector{9, 21});
    tree.insert(*events[3]);
    CHECK(take(tree, match<Blocked>("a", 3).make()) == std::vector{3});
}

TEST_CASE("an event that is inserted again keeps its arrival", "[blocked_events]") {
    BlockedEvents tree;
    const Ref<Blocked> first = make_event<Blocked>("a", 1, 1);
    tree.insert(*first);
    tree.insert(*make_event<Blocked>("a", 1, 2));
    tree.insert(*first);
    CHECK(tree.size() == 2);
    CHECK(take(tree, match<Blocked>().make()) == std::vector{1, 2});
}

TEST_CASE("a tree keeps its events alive and releases them when it is destroyed",
          "[blocked_events]") {
    struct Alive : Event {
        explicit Alive(int& live) : live_(live) { ++live_; }
        ~Alive() { --live_; }
        int& live_;
        static auto declare() { return declare_event<Alive>("event_tree_test.Alive"); }
    };
    int live = 0;
    const Ref<Blocked> outside = make_event<Blocked>("a", 1, 1);
    {
        BlockedEvents tree;
        for (int i = 0; i != 10; ++i) {
            tree.insert(*make_event<Alive>(live));
            tree.insert(*make_event<Blocked>("a", i, i));
        }
        tree.insert(*outside);
        CHECK(live == 10);
    }
    CHECK(live == 0);
    BlockedEvents other;
    other.insert(*outside);
    CHECK(other.size() == 1);
}

TEST_CASE("a tree holds any number of events without indices or with equal indices",
          "[blocked_events]") {
    BlockedEvents tree;
    for (int i = 0; i != 20'000; ++i) {
        tree.insert(*make_event<Bare>());
        tree.insert(*make_event<Blocked>("a", 1, i));
    }
    int visited = 0;
    tree.for_each([&](const Event&) { ++visited; });
    CHECK(visited == 40'000);
    std::vector<Ref<Event>> taken;
    tree.take(match<Bare>().make(), taken);
    CHECK(taken.size() == 20'000);
    tree.take(match<Blocked>("a", 1).make(), taken);
    CHECK(taken.size() == 40'000);
    CHECK(tree.size() == 0);
}

TEST_CASE("an event tree takes what a list of events takes, under random changes",
          "[blocked_events]") {
    std::mt19937 random(1);
    const auto number = [&](int n) {
        return static_cast<int>(random() % static_cast<unsigned>(n));
    };
    const std::string kinds[] = {"a", "b", "a kind with a long name"};
    BlockedEvents tree;
    std::vector<Ref<Event>> model;
    for (int step = 0; step != 100'000; ++step) {
        const std::string& kind = kinds[number(3)];
        switch (number(model.size() > 100 ? 12 : 10)) {
            case 0: {
                auto matcher = match<Blocked>();
                if (number(2) == 0) matcher = match<Blocked>(kind);
                if (number(2) == 0) matcher = std::move(matcher).with(&Blocked::number, number(4));
                const Matcher made = std::move(matcher).make();
                std::vector<Ref<Event>> taken;
                tree.take(made, taken);
                std::vector<Ref<Event>> expected;
                std::erase_if(model, [&](const Ref<Event>& event) {
                    const bool matched = made.matches_path(*event);
                    if (matched) expected.push_back(event);
                    return matched;
                });
                REQUIRE(taken == expected);
                break;
            }
            case 1:
                if (!model.empty()) {
                    const auto at = model.begin() + number(static_cast<int>(model.size()));
                    tree.remove(**at);
                    model.erase(at);
                }
                break;
            default:
                model.push_back(number(2) == 0
                                    ? Ref<Event>(make_event<Blocked>(kind, number(4), step))
                                    : make_event<MoreBlocked>(kind, number(4), step, number(9)));
                tree.insert(*model.back());
        }
        REQUIRE(tree.size() == model.size());
    }
}

}  // namespace weir
