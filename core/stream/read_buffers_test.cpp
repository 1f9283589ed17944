#include "core/stream/read_buffers.h"

#include <thread>
#include <vector>

#include <catch2/catch.hpp>

namespace weir {

namespace {

// In a thread of its own, where no buffer was given back before.
template <class F>
void in_new_thread(F function) {
    std::thread(function).join();
}

}  // namespace

TEST_CASE("the buffer that was given back last is taken first", "[threads]") {
    in_new_thread([] {
        std::unique_ptr<char[]> first = read_buffers::take(100);
        std::unique_ptr<char[]> second = read_buffers::take(100);
        const char* last = second.get();
        read_buffers::give(std::move(first), 100);
        read_buffers::give(std::move(second), 100);
        CHECK(read_buffers::take(100).get() == last);
    });
}

TEST_CASE("a free buffer of another size is not taken", "[threads]") {
    in_new_thread([] {
        std::unique_ptr<char[]> small = read_buffers::take(100);
        const char* given = small.get();
        read_buffers::give(std::move(small), 100);
        const std::unique_ptr<char[]> large = read_buffers::take(5000);
        CHECK(large.get() != given);
        CHECK(read_buffers::take(100).get() == given);
    });
}

TEST_CASE("no more free buffers are kept than it says", "[threads]") {
    in_new_thread([] {
        std::vector<std::unique_ptr<char[]>> buffers;
        for (std::size_t i = 0; i != read_buffers::most_kept + 10; ++i) {
            buffers.push_back(read_buffers::take(100));
        }
        const char* last_kept = buffers[read_buffers::most_kept - 1].get();
        for (std::unique_ptr<char[]>& buffer : buffers) {
            read_buffers::give(std::move(buffer), 100);
        }
        CHECK(read_buffers::take(100).get() == last_kept);
    });
}

}  // namespace weir
