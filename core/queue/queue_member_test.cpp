#include "core/queue/queue_member.h"

#include <catch2/catch.hpp>

#include "tests/support/queue_events.h"

namespace weir {

namespace {

using namespace queue_test;

// Queues of the same priority, one for each kind of job.
struct Equals {
    explicit Equals(const std::vector<std::string>& kinds) {
        for (const auto& kind : kinds) {
            root->add(kind, 1, match<Job>(kind).make());
        }
    }
    void append(const std::string& kind, int count, int id) const {
        for (int i = 0; i != count; ++i) {
            queue_test::append(*root, job(kind, 1, id));
        }
    }
    Ref<Queue> root = make_root();
};

}  // namespace

TEST_CASE("queues of one priority are served in turn, whatever their lengths", "[queue_member]") {
    const Equals queues({"a", "b", "c"});
    queues.append("a", 5, 1);
    queues.append("b", 2, 2);
    queues.append("c", 3, 3);
    CHECK(pop_all(*queues.root) == Ids{1, 2, 3, 1, 2, 3, 1, 3, 1, 1});
}

TEST_CASE("a queue that was idle and had less than its share comes back as the next",
          "[queue_member]") {
    const Equals queues({"a", "b", "c"});
    queues.append("a", 20, 1);
    queues.append("b", 20, 2);
    for (int i = 0; i != 10; ++i) pop(*queues.root);
    queues.append("c", 2, 3);
    // c has had nothing yet: it is served before whose turn it is, and then takes its turns.
    CHECK(pop(*queues.root) == 3);
    CHECK(pop(*queues.root) == 1);
    CHECK(pop(*queues.root) == 2);
    CHECK(pop(*queues.root) == 3);
}

TEST_CASE("a queue that was idle after having had its share comes back as the last",
          "[queue_member]") {
    const Equals queues({"a", "b", "c"});
    queues.append("c", 10, 3);
    for (int i = 0; i != 10; ++i) pop(*queues.root);
    queues.append("a", 2, 1);
    queues.append("b", 2, 2);
    queues.append("c", 1, 3);
    CHECK(pop_all(*queues.root) == Ids{2, 1, 3, 2, 1});
}

TEST_CASE("what was served long ago does not count", "[queue_member]") {
    const Equals queues({"a", "b"});
    queues.append("a", 50, 1);
    for (int i = 0; i != 50; ++i) pop(*queues.root);
    // The last 30 of a priority of two queues are remembered, then nothing of a is left.
    queues.append("b", 100, 2);
    for (int i = 0; i != 30; ++i) pop(*queues.root);
    queues.append("a", 1, 1);
    CHECK(pop(*queues.root) == 1);
}

TEST_CASE("the default queue takes turns with subqueues of its priority", "[queue_member]") {
    const Equals queues({"a"});
    const auto even = make_root({.default_priority = 1});
    even->add("a", 1, match<Job>("a").make());
    for (int i = 0; i != 2; ++i) {
        append(*even, job("x", 1, i));
        append(*even, job("a", 1, 10 + i));
    }
    CHECK(pop_all(*even) == Ids{0, 10, 1, 11});
}

TEST_CASE("a queue whose events are all blocked loses no turn to it", "[queue_member]") {
    const Equals queues({"a", "b"});
    queues.append("a", 2, 1);
    queues.append("b", 3, 2);
    QueueSignals signals;
    const Ref<Event> blocked = queues.root->pop(signals);
    queues.root->block(*blocked);
    CHECK(pop(*queues.root) == 2);
    CHECK(pop(*queues.root) == 2);
    Queue::unblock(*blocked);
    CHECK(pop_all(*queues.root).size() == 3);
}

}  // namespace weir
