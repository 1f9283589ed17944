#include "core/base/pool.h"

#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

namespace weir {

namespace {

struct Small : pool::Pooled {
    std::uint64_t value = 7;
};

}  // namespace

TEST_CASE("a block of the pool is aligned for any object and writable in full", "[pool]") {
    std::vector<std::pair<void*, std::size_t>> blocks;
    for (std::size_t size = 0; size <= pool::largest + 100; size += 3) {
        void* block = pool::allocate(size);
        CHECK(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t) == 0);
        std::memset(block, 0xab, size);
        blocks.emplace_back(block, size);
    }
    for (const auto& [block, size] : blocks) {
        pool::deallocate(block, size);
    }
}

TEST_CASE("the size of a block is the requested size or little more", "[pool]") {
    for (std::size_t size = 1; size <= 4 * pool::largest; size += 7) {
        void* block = pool::allocate(size);
        CHECK(pool::size_of(block) >= size);
        CHECK(pool::size_of(block) < size + 64);
        pool::deallocate(block, size);
    }
}

TEST_CASE("blocks that are in use do not overlap", "[pool]") {
    std::vector<std::uint64_t*> blocks;
    for (std::uint64_t i = 0; i != 1000; ++i) {
        blocks.push_back(static_cast<std::uint64_t*>(pool::allocate(sizeof i)));
        *blocks.back() = i;
    }
    for (std::uint64_t i = 0; i != 1000; ++i) {
        REQUIRE(*blocks[i] == i);
        pool::deallocate(blocks[i], sizeof i);
    }
}

TEST_CASE("freeing null does nothing", "[pool]") {
    pool::deallocate(nullptr, 16);
}

TEST_CASE("a thread may free more blocks than it keeps", "[pool]") {
    std::vector<void*> blocks;
    constexpr std::size_t size = 1008;
    for (std::size_t i = 0; i != pool::most_kept / size + 100; ++i) {
        blocks.push_back(pool::allocate(size));
    }
    for (void* block : blocks) {
        pool::deallocate(block, size);
    }
}

TEST_CASE("a pooled class is made and deleted like any other class", "[pool]") {
    const auto object = std::make_unique<Small>();
    CHECK(object->value == 7);
}

TEST_CASE("a thread may free a block that another thread allocated", "[pool][threads]") {
    std::vector<void*> blocks;
    std::thread other([&] {
        for (int i = 0; i != 100; ++i) {
            blocks.push_back(pool::allocate(64));
        }
    });
    other.join();
    for (void* block : blocks) {
        pool::deallocate(block, 64);
    }
}

}  // namespace weir
