#include "core/event/match_tree.h"

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <stdexcept>

#include <catch2/catch.hpp>

namespace weir {

namespace {

struct Message : Event {
    Index<std::string> topic;
    Index<int> number;
    int size = 0;

    static auto declare() {
        return declare_event<Message>("match_tree_test.Message")
            .index("topic", &Message::topic)
            .index("number", &Message::number);
    }
};

struct Reply : Message {
    Index<int> to;

    static auto declare() {
        return declare_event<Reply, Message>("match_tree_test.Reply").index("to", &Reply::to);
    }
};

struct Object : Matchable {
    explicit Object(std::string n) : name(std::move(n)) {}
    std::string name;
};

// A tree and entries of named objects.
struct Tree {
    explicit Tree(MatchTree::PredicateFailed failed = {}) : tree(std::move(failed)) {}

    MatchTree::Entry& insert(Object& object, Matcher matcher) {
        auto& entry = entries.emplace_back(object, std::move(matcher));
        tree.insert(entry);
        return entry;
    }
    MatchTree::Entry& insert(const std::string& name, Matcher matcher) {
        return insert(objects.emplace_back(name), std::move(matcher));
    }
    std::vector<std::string> all(const Event& event) {
        std::vector<MatchTree::Entry*> found;
        tree.match_all(event, found);
        std::vector<std::string> names;
        for (const MatchTree::Entry* entry : found) {
            names.push_back(static_cast<Object*>(entry->object())->name);
        }
        return names;
    }
    std::string first(const Event& event) const {
        const MatchTree::Entry* entry = tree.match_first(event);
        return entry == nullptr ? "" : static_cast<Object*>(entry->object())->name;
    }

    MatchTree tree;
    std::deque<Object> objects;
    std::deque<MatchTree::Entry> entries;
};

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("matches come most specific first: exact, then any, then what ends there",
          "[match_tree]") {
    Tree tree;
    tree.insert("all", match<Message>().make());
    tree.insert("any 7", match<Message>(any, 7).make());
    tree.insert("a", match<Message>("a").make());
    tree.insert("a 7", match<Message>("a", 7).make());
    tree.insert("reply", match<Reply>().make());
    tree.insert("a reply to 1", match<Reply>("a", any, 1).make());
    tree.insert("b", match<Message>("b").make());

    CHECK(tree.all(*make_event<Message>("a", 7)) == Names{"a 7", "a", "any 7", "all"});
    CHECK(tree.all(*make_event<Message>("a", 8)) == Names{"a", "all"});
    CHECK(tree.all(*make_event<Message>("c", 7)) == Names{"any 7", "all"});
    CHECK(tree.all(*make_event<Reply>("a", 7, 0, 1)) ==
          Names{"a 7", "a reply to 1", "a", "any 7", "reply", "all"});
    CHECK(tree.first(*make_event<Message>("a", 7)) == "a 7");
    CHECK(tree.first(*make_event<Message>("x", 0)) == "all");
}

TEST_CASE("matches of one node come in order of insertion", "[match_tree]") {
    Tree tree;
    tree.insert("first", match<Message>("a").make());
    MatchTree::Entry& second = tree.insert("second", match<Message>("a").make());
    tree.insert("third", match<Message>("a").make());
    CHECK(tree.all(*make_event<Message>("a", 1)) == Names{"first", "second", "third"});
    MatchTree::remove(second);
    tree.tree.insert(second);
    CHECK(tree.all(*make_event<Message>("a", 1)) == Names{"first", "third", "second"});
}

TEST_CASE("an object with several matchers is found once for each event, by the most specific",
          "[match_tree]") {
    Tree tree;
    Object one("one"), two("two");
    tree.insert(one, match<Message>().make());
    MatchTree::Entry& exact = tree.insert(one, match<Message>("a").make());
    tree.insert(two, match<Message>().make());
    tree.insert(two, match<Message>().make());
    for (int i = 0; i != 3; ++i) {
        std::vector<MatchTree::Entry*> found;
        tree.tree.match_all(*make_event<Message>("a", i), found);
        REQUIRE(found.size() == 2);
        CHECK(found[0] == &exact);
        CHECK(found[1]->object() == &two);
    }
}

TEST_CASE("a search returns a single match, and appends several", "[match_tree]") {
    Tree tree;
    Object one("one");
    MatchTree::Entry& exact = tree.insert(one, match<Message>("a").make());
    tree.insert("b", match<Message>("b").make());
    tree.insert("b 7", match<Message>("b", 7).make());
    tree.insert(
        "odd",
        match<Message>("c").where([](const Message& m) { return m.number % 2 == 1; }).make());
    tree.insert(one, match<Message>("a", 7).make());
    const auto search = [&](const char* topic, int number) {
        const Ref<Message> event = make_event<Message>(topic, number);
        std::vector<MatchTree::Entry*> found{&exact};
        const MatchTree::Entry* const only = tree.tree.match_only(*event, found);
        Names names{only == nullptr ? "" : static_cast<Object*>(only->object())->name};
        for (std::size_t i = 1; i != found.size(); ++i) {
            names.push_back(static_cast<Object*>(found[i]->object())->name);
        }
        return names;
    };
    CHECK(search("a", 1) == Names{"one"});
    CHECK(search("a", 7) == Names{"one"});  // by two matchers of one object
    CHECK(search("b", 7) == Names{"", "b 7", "b"});
    CHECK(search("b", 8) == Names{"b"});
    CHECK(search("c", 1) == Names{"odd"});
    CHECK(search("c", 2) == Names{""});
    CHECK(search("d", 1) == Names{""});
}

TEST_CASE("a search appends its matches to those of earlier searches", "[match_tree]") {
    Tree tree;
    MatchTree::Entry& entry = tree.insert("a", match<Message>().make());
    std::vector<MatchTree::Entry*> found{nullptr};
    tree.tree.match_all(*make_event<Message>("a", 1), found);
    CHECK(found == std::vector<MatchTree::Entry*>{nullptr, &entry});
}

TEST_CASE("a matcher matches only if its predicate holds", "[match_tree]") {
    Tree tree;
    Object one("one");
    tree.insert("large",
                match<Message>("a").where([](const Message& m) { return m.size > 9; }).make());
    tree.insert(one, match<Message>("a").where([](const Message&) { return false; }).make());
    tree.insert(one, match<Message>().make());
    CHECK(tree.all(*make_event<Message>("a", 1, 10)) == Names{"large", "one"});
    CHECK(tree.all(*make_event<Message>("a", 1, 5)) == Names{"one"});
    CHECK(tree.first(*make_event<Message>("a", 1, 10)) == "large");
    CHECK(tree.first(*make_event<Message>("a", 1, 5)) == "one");
}

TEST_CASE("a predicate that throws does not match, and the failure is reported", "[match_tree]") {
    std::vector<std::string> failures;
    Tree tree([&](const Matcher& matcher, const Event& event) {
        try {
            throw;
        } catch (const std::exception& exception) {
            failures.push_back(matcher.describe() + ", " + event.describe() + ": " +
                               exception.what());
        }
    });
    tree.insert("bad", match<Message>("a")
                           .where([](const Message&) -> bool { throw std::runtime_error("oh"); })
                           .make());
    tree.insert("good", match<Message>().make());
    CHECK(tree.all(*make_event<Message>("a", 1)) == Names{"good"});
    CHECK(failures == Names{"match_tree_test.Message(\"a\") where ..., "
                            "match_tree_test.Message(topic=\"a\", number=1): oh"});
    CHECK(tree.first(*make_event<Message>("a", 1)) == "good");
    CHECK(failures.size() == 2);
}

TEST_CASE("a predicate that throws does not match without a failure handler either",
          "[match_tree]") {
    Tree tree;
    tree.insert("bad", match<Message>().where([](const Message&) -> bool { throw 1; }).make());
    CHECK(tree.all(*make_event<Message>("a", 1)).empty());
}

TEST_CASE("a search does not find an entry that was removed or destroyed", "[match_tree]") {
    MatchTree tree;
    Object object("object");
    const auto event = make_event<Message>("a", 1);
    {
        MatchTree::Entry entry(object, match<Message>("a", 1));
        CHECK_FALSE(entry.inserted());
        tree.insert(entry);
        CHECK(entry.inserted());
        CHECK(tree.match_first(*event) == &entry);
        MatchTree::remove(entry);
        CHECK_FALSE(entry.inserted());
        CHECK(tree.match_first(*event) == nullptr);
        MatchTree::remove(entry);  // already removed: does nothing
        tree.insert(entry);
    }
    CHECK(tree.match_first(*event) == nullptr);
    CHECK(tree.empty());
}

TEST_CASE("entries may outlive their tree", "[match_tree]") {
    Object object("object");
    MatchTree::Entry exact(object, match<Message>("a", 1));
    MatchTree::Entry wild(object, match<Message>(any, 1));
    {
        MatchTree tree;
        tree.insert(exact);
        tree.insert(wild);
    }
    CHECK_FALSE(exact.inserted());
    CHECK_FALSE(wild.inserted());
}

TEST_CASE("a caller can search and fill a tree from a node on", "[match_tree]") {
    Tree tree;
    MatchTree::Entry wild(tree.objects.emplace_back("wild"), Matcher());
    MatchTree::Entry deep(tree.objects.emplace_back("deep"), Matcher());
    tree.insert("all", match<Message>().make());
    MatchTree::Node& node = MatchTree::descend(tree.tree.root(), match<Message>("a").make());
    MatchTree::insert_at(node, wild);
    MatchTree::insert_at(MatchTree::descend(node, match<Message>("a", 7).make()), deep);
    const auto below = [&](const Event& event) { return tree.tree.match_first_below(node, event); };
    CHECK(below(*make_event<Message>("a", 7)) == &deep);
    CHECK(below(*make_event<Message>("a", 8)) == &wild);
    // A search from a node does not check the path to it.
    CHECK(below(*make_event<Message>("b", 8)) == &wild);
    CHECK(tree.first(*make_event<Message>("b", 8)) == "all");
}

TEST_CASE("a type that matches nothing now matches after any kind of insertion", "[match_tree]") {
    const Matcher matchers[] = {match<Message>().make(), match<Message>("a", 1).make(),
                                match<Reply>("a", 1, 2).make(), Matcher(std::span<IndexValue>()),
                                Matcher(std::array{IndexValue(), IndexValue("a")})};
    const auto event = make_event<Reply>("a", 1, 0, 2);
    for (const Matcher& matcher : matchers) {
        Tree tree;
        for (int i = 0; i != 2; ++i) {
            CHECK(tree.all(*event).empty());
            CHECK_FALSE(tree.tree.may_match(event->type()));
            MatchTree::Entry& entry = tree.insert("object", matcher);
            CHECK(tree.all(*event) == Names{"object"});
            CHECK(tree.tree.may_match(event->type()));
            MatchTree::remove(entry);
        }
    }
}

TEST_CASE("an entry that was moved to the end is found last among those of its node",
          "[match_tree]") {
    Tree tree;
    MatchTree::Entry& first = tree.insert("first", match<Message>("a").make());
    tree.insert("second", match<Message>("a").make());
    MatchTree::move_to_end(first);
    CHECK(tree.all(*make_event<Message>("a", 1)) == Names{"second", "first"});
}

TEST_CASE("looking ahead returns the entry that a search will find in a large table",
          "[match_tree]") {
    Tree tree;
    const auto look = [&](const Event& event) {
        const MatchTree::Entry* const found = tree.tree.likely_entry(event);
        CHECK((found == nullptr || tree.tree.likely_node(event).size != 0));
        CHECK((found == nullptr || tree.tree.likely_slot(event).address != nullptr));
        return found;
    };
    const auto event = make_event<Message>("a", 1);
    tree.insert("one", match<Message>("a", 1));
    CHECK(look(*event) == nullptr);  // a small table is in the cache anyway
    for (int i = 2; i != 2000; ++i) {
        tree.insert("one of many", match<Message>("a", i).make());
    }
    CHECK(look(*event) == &tree.entries.front());
    CHECK(look(*make_event<Message>("a", 5000)) == nullptr);
    CHECK(look(*make_event<Message>("b", 1)) == nullptr);
}

TEST_CASE("a million matchers: each is found, and no node is left after their removal",
          "[match_tree]") {
    constexpr int count = 1'000'000;
    MatchTree tree;
    Object object("object");
    std::deque<MatchTree::Entry> entries;
    for (int i = 0; i != count; ++i) {
        tree.insert(entries.emplace_back(object, match<Message>("topic", i).make()));
    }
    for (int i = 0; i < count; i += 99'991) {
        REQUIRE(tree.match_first(*make_event<Message>("topic", i)) ==
                &entries[static_cast<std::size_t>(i)]);
    }
    CHECK(tree.match_first(*make_event<Message>("topic", count)) == nullptr);
    CHECK_FALSE(tree.empty());
    entries.clear();
    CHECK(tree.empty());
}

TEST_CASE("a match tree finds what a list of matchers finds, under random changes",
          "[match_tree]") {
    std::mt19937 random(1);
    const auto number = [&](int n) {
        return static_cast<int>(random() % static_cast<unsigned>(n));
    };
    const auto maybe = [&](int n) { return number(2) == 0 ? IndexValue() : IndexValue(number(n)); };
    MatchTree tree;
    std::deque<Object> objects;
    for (int i = 0; i != 5; ++i) objects.emplace_back(std::to_string(i));
    std::vector<std::unique_ptr<MatchTree::Entry>> entries;
    for (int step = 0; step != 20'000; ++step) {
        if (number(2) == 0) {
            const std::vector<IndexValue> path{
                "match_tree_test.Message", number(2) == 0 ? IndexValue() : IndexValue("a"),
                maybe(3), number(2) == 0 ? IndexValue() : IndexValue("match_tree_test.Reply"),
                maybe(3)};
            entries.push_back(std::make_unique<MatchTree::Entry>(
                objects[static_cast<std::size_t>(number(5))], Matcher(path)));
            tree.insert(*entries.back());
        } else if (!entries.empty() && (entries.size() > 40 || number(3) == 0)) {
            entries.erase(entries.begin() + number(static_cast<int>(entries.size())));
        }
        const Ref<Event> event =
            number(2) == 0 ? Ref<Event>(make_event<Message>(number(2) == 0 ? "a" : "b", number(3)))
                           : make_event<Reply>("a", number(3), 0, number(3));
        std::map<Matchable*, int> expected;
        for (const auto& entry : entries) {
            if (entry->matcher.matches_path(*event)) {
                expected[entry->object()] = 1;
            }
        }
        std::vector<MatchTree::Entry*> found;
        tree.match_all(*event, found);
        REQUIRE(found.size() == expected.size());
        for (const MatchTree::Entry* entry : found) {
            REQUIRE(expected[entry->object()]-- == 1);
            REQUIRE(entry->matcher.matches_path(*event));
        }
        REQUIRE(tree.match_first(*event) == (found.empty() ? nullptr : found.front()));
    }
}

}  // namespace weir
