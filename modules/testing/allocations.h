#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

namespace weir {

class Scheduler;

/// Makes one allocation of this thread fail: the n-th after arm(). Counts every call of `operator
/// new` in the test program, the libraries and the plugins; in a SimulatedServer that includes the
/// pool's blocks. Does not count malloc, which C libraries and the dynamic linker use, and never
/// fails an allocation by nlohmann::json, which cannot survive that.
///
///     weir::fail_each_allocation([](weir::AllocationFailure& failure) {
///         weir::SimulatedServer world(...);
///         world.run(greet(failure));  // failure.arm(), the operation, failure.disarm()
///     });
///
/// At most one at a time on a thread.
class AllocationFailure {
public:
    static constexpr std::uint64_t never = UINT64_MAX;

    explicit AllocationFailure(std::uint64_t nth) noexcept : nth_(nth) {}
    AllocationFailure(const AllocationFailure&) = delete;
    AllocationFailure& operator=(const AllocationFailure&) = delete;
    ~AllocationFailure() { disarm(); }

    /// Counts from here on. Once the failure has happened, allocations succeed again.
    void arm() noexcept;
    void disarm() noexcept;

    std::uint64_t nth() const noexcept { return nth_; }
    /// Returns whether the allocation has failed.
    bool happened() const noexcept { return happened_; }
    /// Returns the number of allocations counted.
    std::uint64_t seen() const noexcept { return seen_; }
    /// Returns the stack of the failed allocation, innermost function first, one per line as
    /// library+offset, with names where they are known.
    std::string where() const;

    /// For operator new and operator delete. allocate() returns null if memory runs out or the
    /// failure happens.
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

/// Calls the function with a failure of the first allocation, then of the second, and so on until
/// none happens. Each attempt makes its world, arms the failure, and checks the result. With a
/// `step` above 1, fails every step-th allocation only. Returns the number of allocations of an
/// attempt without failure. The test fails if an attempt leaves allocations behind. The very first
/// attempt has no failure.
std::uint64_t fail_each_allocation(const std::function<void(AllocationFailure&)>& attempt,
                                   std::uint64_t step = 1);

/// Runs the scheduler to its end, as a program may whose rounds run out of memory: it goes on after
/// each std::bad_alloc.
void run_without_memory(Scheduler& scheduler);

/// While one lives, no allocation of this thread fails: for the test's own work in between.
class AllocationPause {
public:
    AllocationPause() noexcept;
    AllocationPause(const AllocationPause&) = delete;
    AllocationPause& operator=(const AllocationPause&) = delete;
    ~AllocationPause();
};

/// Returns the number of blocks that this thread has allocated, less those that it has freed.
std::int64_t live_allocations() noexcept;

}  // namespace weir
