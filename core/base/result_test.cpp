#include "core/base/result.h"

#include <memory>
#include <stdexcept>

#include <catch2/catch.hpp>

using namespace weir;

TEST_CASE("a result is empty, then has a value", "[result]") {
    Result<std::unique_ptr<int>> result;
    CHECK_FALSE(result.done());
    result.set(std::make_unique<int>(7));
    CHECK(result.done());
    CHECK_FALSE(result.failed());
    CHECK(*result.get() == 7);
    CHECK(*result.take() == 7);
}

TEST_CASE("a result may be an exception", "[result]") {
    Result<int> result;
    result.fail(std::make_exception_ptr(std::runtime_error("broken")));
    CHECK(result.done());
    CHECK(result.failed());
    CHECK_THROWS_AS(result.get(), std::runtime_error);
    CHECK_THROWS_AS(result.take(), std::runtime_error);
    CHECK_THROWS_WITH(std::rethrow_exception(result.exception()), "broken");
}

TEST_CASE("a result of void is empty, then done", "[result]") {
    Result<void> result;
    CHECK_FALSE(result.done());
    result.set();
    CHECK(result.done());
    CHECK_NOTHROW(result.get());
    CHECK_NOTHROW(result.take());
}
