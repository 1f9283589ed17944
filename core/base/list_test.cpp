#include "core/base/list.h"

#include <memory>
#include <vector>

#include <catch2/catch.hpp>

namespace weir {

namespace {

struct Other;

// An object of two lists at the same time.
struct Item : Link<Item>, Link<Item, Other> {
    explicit Item(int n) : number(n) {}
    int number;
};

std::vector<int> numbers(const List<Item>& list) {
    std::vector<int> result;
    for (const Item& item : list) {
        result.push_back(item.number);
    }
    return result;
}

}  // namespace

TEST_CASE("a list keeps the order in which objects are inserted", "[list]") {
    Item a(1), b(2), c(3), d(4);
    List<Item> list;
    CHECK(list.empty());
    list.push_back(b);
    list.push_back(d);
    list.push_front(a);
    List<Item>::insert_before(d, c);
    CHECK(numbers(list) == std::vector{1, 2, 3, 4});
    CHECK(list.front().number == 1);
    CHECK(list.back().number == 4);
    CHECK(list.pop_front().number == 1);
    CHECK_FALSE(a.Link<Item>::linked());
    List<Item>::remove(c);
    CHECK(numbers(list) == std::vector{2, 4});
    CHECK_FALSE(list.has_one());
    CHECK(list.next(b) == &d);
    CHECK(list.next(d) == nullptr);
    list.pop_front();
    CHECK(list.has_one());
    list.pop_front();
    CHECK_FALSE(list.has_one());
}

TEST_CASE("a list takes over the objects of another one, behind its own", "[list]") {
    Item a(1), b(2), c(3);
    List<Item> list;
    List<Item> other;
    list.take_all(other);
    CHECK(list.empty());
    other.push_back(b);
    other.push_back(c);
    list.push_back(a);
    list.take_all(other);
    CHECK(other.empty());
    CHECK(numbers(list) == std::vector{1, 2, 3});
    other.take_all(list);
    CHECK(list.empty());
    List<Item>::remove(b);
    CHECK(numbers(other) == std::vector{1, 3});
}

TEST_CASE("an object that is destroyed leaves its list", "[list]") {
    Item a(1), c(3);
    List<Item> list;
    list.push_back(a);
    {
        Item b(2);
        list.push_back(b);
        list.push_back(c);
    }
    CHECK(numbers(list) == std::vector{1, 3});
}

TEST_CASE("a list that is cleared or destroyed unlinks its objects", "[list]") {
    Item a(1);
    {
        List<Item> list;
        list.push_back(a);
        CHECK(a.Link<Item>::linked());
    }
    CHECK_FALSE(a.Link<Item>::linked());
    List<Item> list;
    list.push_back(a);
    list.clear();
    CHECK(list.empty());
    CHECK_FALSE(a.Link<Item>::linked());
}

TEST_CASE("inserting an object into another list takes it out of the first", "[list]") {
    Item a(1);
    List<Item> from;
    List<Item> to;
    from.push_back(a);
    to.push_back(a);
    CHECK(from.empty());
    CHECK(numbers(to) == std::vector{1});
    to.push_back(a);
    CHECK(numbers(to) == std::vector{1});
}

TEST_CASE("lists of different tags are independent of each other", "[list]") {
    Item a(1);
    List<Item> one;
    List<Item, Other> other;
    one.push_back(a);
    other.push_back(a);
    List<Item>::remove(a);
    CHECK(one.empty());
    CHECK(other.front().number == 1);
}

TEST_CASE("other objects may leave and join while a list is iterated", "[list]") {
    Item a(1), b(2), c(3), d(4);
    List<Item> list;
    list.push_back(a);
    list.push_back(b);
    list.push_back(c);
    std::vector<int> seen;
    for (const Item& item : list) {
        seen.push_back(item.number);
        if (&item == &a) {
            List<Item>::remove(b);
            list.push_back(d);
        }
    }
    CHECK(seen == std::vector{1, 3, 4});
}

TEST_CASE("a copy of an object is in no list", "[list]") {
    Item a(1);
    List<Item> list;
    list.push_back(a);
    Item copy = a;
    CHECK_FALSE(copy.Link<Item>::linked());
    copy = a;
    CHECK_FALSE(copy.Link<Item>::linked());
    CHECK(numbers(list) == std::vector{1});
}

}  // namespace weir
