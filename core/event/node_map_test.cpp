#include "core/event/node_map.h"

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>

#include <catch2/catch.hpp>

namespace weir {

namespace {

class Node {
public:
    explicit Node(IndexValue key) : key_(std::move(key)) {}
    const IndexValue& key() const { return key_; }

private:
    IndexValue key_;
};

}  // namespace

TEST_CASE("a node is found by its key until it is erased", "[node_map]") {
    Node one(1), text("text");
    NodeMap<Node> map;
    CHECK(map.empty());
    CHECK(map.find(1) == nullptr);
    map.insert(one);
    CHECK(map.find(1) == &one);
    CHECK(map.find("text") == nullptr);
    map.insert(text);
    CHECK(map.find(1) == &one);
    CHECK(map.find("text") == &text);
    CHECK(map.size() == 2);
    map.erase(one);
    CHECK(map.find(1) == nullptr);
    CHECK(map.find("text") == &text);
    map.erase(text);
    CHECK(map.empty());
}

TEST_CASE("a single node may be inserted and erased repeatedly", "[node_map]") {
    NodeMap<Node> map;
    for (int i = 0; i != 100; ++i) {
        Node node(i);
        map.insert(node);
        CHECK(map.find(i) == &node);
        map.erase(node);
        CHECK(map.find(i) == nullptr);
    }
}

TEST_CASE("a map of nodes behaves like std::map under random changes", "[node_map]") {
    NodeMap<Node> map;
    std::map<int, std::unique_ptr<Node>> model;
    std::mt19937 random(1);
    const auto key_of = [](int n) {
        return n % 3 == 0 ? IndexValue(n) : IndexValue("key " + std::to_string(n));
    };
    for (int step = 0; step != 300'000; ++step) {
        // The map grows to thousands of nodes and shrinks to few, several times.
        const bool grow = (step / 50'000) % 2 == 0;
        const int n = static_cast<int>(random() % 5000);
        const auto at = model.find(n);
        REQUIRE(map.find(key_of(n)) == (at == model.end() ? nullptr : at->second.get()));
        if (at == model.end() && (grow || random() % 50 == 0)) {
            map.insert(*(model[n] = std::make_unique<Node>(key_of(n))));
        } else if (at != model.end() && (!grow || random() % 50 == 0)) {
            map.erase(*at->second);
            model.erase(at);
        }
        REQUIRE(map.size() == model.size());
    }
    std::set<const Node*> seen;
    map.for_each([&](const Node& node) { seen.insert(&node); });
    CHECK(seen.size() == model.size());
    for (const auto& [n, node] : model) {
        CHECK(seen.contains(node.get()));
    }
}

TEST_CASE("for_each() visits every node once", "[node_map]") {
    NodeMap<Node> map;
    const auto count = [&] {
        int visited = 0;
        map.for_each([&](const Node&) { ++visited; });
        return visited;
    };
    CHECK(count() == 0);
    Node a(1), b(2);
    map.insert(a);
    CHECK(count() == 1);
    map.insert(b);
    CHECK(count() == 2);
}

}  // namespace weir
