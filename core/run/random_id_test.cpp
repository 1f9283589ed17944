#include "core/run/random_id.h"

#include <cstdint>
#include <functional>
#include <random>
#include <sstream>

#include <catch2/catch.hpp>

#include "core/run/uv_poller.h"
#include "core/simulation/simulation.h"

using namespace weir;

namespace {

// Returns the word of the state of a std::mt19937_64 that makes this number.
std::uint64_t untempered(std::uint64_t number) {
    number ^= number >> 43U;
    number ^= (number << 37U) & 0xfff7'eee0'0000'0000;
    std::uint64_t state = number;
    for (int i = 0; i != 4; ++i) {
        state = number ^ ((state << 17U) & 0x71d6'7fff'eda6'0000);
    }
    number = state;
    for (int i = 0; i != 3; ++i) {
        state = number ^ ((state >> 29U) & 0x5555'5555'5555'5555);
    }
    return state;
}

// Returns whether an observer of numbers can compute the one that follows.
bool can_be_computed(const std::function<std::uint64_t()>& next) {
    std::stringstream state;
    for (std::size_t i = 0; i != std::mt19937_64::state_size; ++i) {
        state << untempered(next()) << ' ';
    }
    state << std::mt19937_64::state_size;
    std::mt19937_64 computed;
    state >> computed;
    return computed() == next();
}

}  // namespace

TEST_CASE("an id cannot be computed from others") {
    UvPoller poller;
    CHECK_FALSE(can_be_computed([&] { return std::stoull(random_id(poller), nullptr, 16); }));
    // As those numbers can that are no secret.
    CHECK(can_be_computed([&] { return poller.random(); }));
}

TEST_CASE("in a simulation ids depend on the seed alone") {
    Simulation one(1);
    Simulation same(1);
    Simulation other(2);
    const std::string id = random_id(one);
    CHECK(random_id(same) == id);
    CHECK(random_id(other) != id);
    CHECK(id.size() == 16);
    CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
}
