#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace weir {

// Lets one allocation of this thread fail: the n-th from when it is armed. All that `operator new`
// is asked for in the test program, the libraries and the plugins counts, the pool's blocks too in
// a SimulatedServer; malloc, as of C libraries and of the dynamic linker, does not, nor does
// what nlohmann::json asks for, which could not bear it.
//
//     weir::fail_each_allocation([](weir::AllocationFailure& failure) {
//         weir::SimulatedServer world(...);
//         world.run(greet(failure));  // calls failure.arm(), does it, calls failure.disarm()
//     });
//
// One at a time on a thread.
class AllocationFailure {
public:
    static constexpr std::uint64_t never = UINT64_MAX;

    explicit AllocationFailure(std::uint64_t nth) noexcept : nth_(nth) {}
    AllocationFailure(const AllocationFailure&) = delete;
    AllocationFailure& operator=(const AllocationFailure&) = delete;
    ~AllocationFailure() { disarm(); }

    // From here on it counts; once it has happened, allocations succeed again.
    void arm() noexcept;
    void disarm() noexcept;

    std::uint64_t nth() const noexcept { return nth_; }
    // Whether the allocation has failed.
    bool happened() const noexcept { return happened_; }
    // How many allocations it has seen.
    std::uint64_t seen() const noexcept { return seen_; }
    // Who asked for it: the functions on the stack, the innermost first, one a line, as
    // library+offset, and their names as far as these are known.
    std::string where() const;

    // For operator new and operator delete. Null if there is no memory, or if it is to seem so.
    static void* allocate(std::size_t size, std::size_t alignment) noexcept;
    static void free(void* memory) noexcept;

private:
    static constexpr int deepest = 24;

    bool fails() noexcept;
    bool in_json() const noexcept;

    const std::uint64_t nth_;
    std::uint64_t seen_ = 0;
    bool happened_ = false;
    void* stack_[deepest] = {};
    int depth_ = 0;
};

// Calls the function with the first allocation to fail, then with the second, and so on until one
// happens no more: each attempt makes its world, arms the failure, and looks at what comes of it.
// With a `step` greater than 1, only each step-th fails. Returns how many there are when none
// fails. The test fails if an attempt leaves more allocations behind than it found. The first
// attempt of all is without a failure.
std::uint64_t fail_each_allocation(const std::function<void(AllocationFailure&)>& attempt,
                                   std::uint64_t step = 1);

// As long as one lives, no allocation of this thread fails: for what the test does between.
class AllocationPause {
public:
    AllocationPause() noexcept;
    AllocationPause(const AllocationPause&) = delete;
    AllocationPause& operator=(const AllocationPause&) = delete;
    ~AllocationPause();
};

// The blocks that this thread was given so far, less those that it gave back.
std::int64_t live_allocations() noexcept;

}  // namespace weir
