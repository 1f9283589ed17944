#include "modules/testing/allocations.h"

#include <memory>
#include <vector>

#include <catch2/catch.hpp>

#include "core/base/pool.h"
#include "core/event/index_value.h"
#include "modules/testing/caught_failures.h"

namespace weir {

namespace {

// Three allocations, the last from the pool.
void allocate_three() {
    const auto first = std::make_unique<int>(1);
    const auto second = std::make_unique<std::vector<int>>();
    pool::deallocate(pool::allocate(40), 40);
}

}  // namespace

TEST_CASE("each allocation fails once, until none is left", "[testing]") {
    const pool::Bypass no_pool;
    std::vector<std::uint64_t> failed;
    failed.reserve(10);
    const std::uint64_t count = fail_each_allocation([&](AllocationFailure& failure) {
        failure.arm();
        try {
            allocate_three();
        } catch (const std::bad_alloc&) {
            failure.disarm();
            failed.push_back(failure.nth());
            CHECK(failure.where().find("testing_tests") != std::string::npos);
        }
    });
    CHECK(count == 3);
    CHECK(failed == std::vector<std::uint64_t>{1, 2, 3});
}

TEST_CASE("an allocation in a library fails too", "[testing]") {
    const std::string text(100, 'x');  // too long to be stored without an allocation
    AllocationFailure failure(1);
    failure.arm();
    bool failed = false;
    try {
        const IndexValue value(text);  // allocates in weir-core
    } catch (const std::bad_alloc&) {
        failed = true;
    }
    failure.disarm();
    CHECK(failed);
    CHECK(failure.where().find("libweir-core") != std::string::npos);
}

TEST_CASE("the kit reports allocations that leak when one fails", "[testing]") {
    std::string said;
    const CaughtFailures caught(said);
    std::vector<std::unique_ptr<int>> leaked;
    leaked.reserve(100);
    fail_each_allocation([&](AllocationFailure& failure) {
        failure.arm();
        try {
            allocate_three();
        } catch (const std::bad_alloc&) {
            failure.disarm();
            leaked.push_back(std::make_unique<int>());
        }
    });
    CHECK(said.starts_with(
        "when allocation 1 fails, 1 other allocations leak; it is asked for by\n"));
}

TEST_CASE("no allocation fails during a pause", "[testing]") {
    AllocationFailure failure(1);
    failure.arm();
    {
        const AllocationPause pause;
        CHECK(*std::make_unique<int>(7) == 7);
    }
    CHECK_FALSE(failure.happened());
}

TEST_CASE("a bypassed pool counts its living blocks", "[testing]") {
    void* const before = pool::allocate(100);
    const pool::Bypass bypass;
    CHECK(bypass.living() == 0);
    void* const block = pool::allocate(100);
    CHECK(bypass.living() == 1);
    pool::deallocate(block, 100);
    CHECK(bypass.living() == 0);
    pool::deallocate(before, 100);
    CHECK(bypass.living() == -1);
}

}  // namespace weir
