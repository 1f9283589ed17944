#include "modules/testing/allocations.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <new>
#include <string_view>

#include <cxxabi.h>
#include <dlfcn.h>
#include <execinfo.h>

#include "core/run/scheduler.h"
#include "modules/testing/framework.h"
#include "modules/testing/living.h"

namespace weir {

namespace {

constinit thread_local AllocationFailure* armed = nullptr;
constinit thread_local std::uint64_t pauses = 0;
constinit thread_local std::int64_t live = 0;

// The previous handler. It may be the default one, which does the same.
std::terminate_handler terminate_before = nullptr;

// std::terminate ends the process, so that this is the last chance to report the allocation.
[[noreturn]] void terminate_and_say_why() {
    if (armed != nullptr && armed->happened()) {
        const AllocationPause no_failure;
        std::fprintf(stderr, "std::terminate after allocation %llu failed, asked for by\n%s\n",
                     static_cast<unsigned long long>(armed->nth()), armed->where().c_str());
    }
    terminate_before();
    std::abort();
}

}  // namespace

// Counts an allocation. Returns null if it shall fail.
void* AllocationFailure::allocate(std::size_t size, std::size_t alignment) noexcept {
    if (armed != nullptr && pauses == 0 && armed->fails()) {
        return nullptr;
    }
    void* const memory =
        alignment <= alignof(std::max_align_t)
            ? std::malloc(size != 0 ? size : 1)
            : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    live += memory != nullptr ? 1 : 0;
    return memory;
}

void AllocationFailure::free(void* memory) noexcept {
    live -= memory != nullptr ? 1 : 0;
    std::free(memory);
}

// Returns whether nlohmann::json allocates, directly or through the standard library. Its
// destructors terminate when an allocation fails, and some of its constructors leak.
bool AllocationFailure::in_json() const noexcept {
    for (int i = 0; i != depth_; ++i) {
        Dl_info info{};
        if (dladdr(stack_[i], &info) == 0 || info.dli_sname == nullptr) {
            continue;
        }
        const std::string_view name(info.dli_sname);
        if (name.starts_with("_ZN8nlohmann") || name.starts_with("_ZNK8nlohmann")) {
            return true;
        }
        // The first may be a sanitizer's own backtrace().
        if (!name.ends_with("backtrace") && !name.starts_with("_ZNSt") &&
            !name.starts_with("_ZNKSt") && !name.starts_with("_Znw") &&
            name.find("AllocationFailure") == name.npos) {
            return false;
        }
    }
    return false;
}

bool AllocationFailure::fails() noexcept {
    if (happened_ || ++seen_ != nth_) {
        return false;
    }
    happened_ = true;
    depth_ = backtrace(stack_, deepest);
    return !in_json();
}

void AllocationFailure::arm() noexcept {
    // The first backtrace() loads a library, which allocates.
    backtrace(stack_, deepest);
    armed = this;
}

void AllocationFailure::disarm() noexcept {
    armed = nullptr;
}

std::string AllocationFailure::where() const {
    std::string text;
    for (int i = 0; i != depth_; ++i) {
        Dl_info info{};
        if (dladdr(stack_[i], &info) == 0) {
            continue;
        }
        int status = 0;
        const std::unique_ptr<char, void (*)(void*)> name(
            info.dli_sname == nullptr
                ? nullptr
                : abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status),
            std::free);
        const auto offset =
            static_cast<const char*>(stack_[i]) - static_cast<const char*>(info.dli_fbase);
        char address[32];
        std::snprintf(address, sizeof address, "+%#zx", static_cast<std::size_t>(offset));
        text += std::string(text.empty() ? "" : "\n") + info.dli_fname + address +
                (name == nullptr ? "" : std::string(" ") + name.get());
    }
    return text;
}

std::uint64_t fail_each_allocation(const std::function<void(AllocationFailure&)>& attempt,
                                   std::uint64_t step) {
    // Returns how many allocations the attempt leaves behind. Where a plugin stays in memory, as
    // under a sanitizer, its own allocations stay too; there the sanitizer finds leaks.
    const auto leaks = [&](AllocationFailure& failure) -> std::int64_t {
        const std::size_t plugins = mapped_plugins().size();
        const std::int64_t before = live_allocations();
        attempt(failure);
        failure.disarm();
        const std::int64_t after = live_allocations();
        return mapped_plugins().size() > plugins ? 0 : after - before;
    };
    [[maybe_unused]] static const bool says_why = [] {
        terminate_before = std::set_terminate(terminate_and_say_why);
        return terminate_before != nullptr;
    }();
    AllocationFailure none(AllocationFailure::never);
    leaks(none);  // allocations that are made once per process exist from here on
    for (std::uint64_t nth = 1;; nth += step) {
        AllocationFailure failure(nth);
        std::int64_t leaked = leaks(failure);
        if (leaked > 0) {  // may be an allocation made once, on a failure path
            AllocationFailure again(nth);
            leaked = leaks(again);
        }
        if (leaked > 0) {
            fail_test("when allocation " + std::to_string(nth) + " fails, " +
                      std::to_string(leaked) + " other allocations leak; it is asked for by\n" +
                      failure.where());
        }
        if (!failure.happened()) {
            return failure.seen();
        }
    }
}

void run_without_memory(Scheduler& scheduler) {
    for (;;) {
        try {
            scheduler.run();
            return;
        } catch (const std::bad_alloc&) {
        }
    }
}

AllocationPause::AllocationPause() noexcept {
    ++pauses;
}

AllocationPause::~AllocationPause() {
    --pauses;
}

std::int64_t live_allocations() noexcept {
    return live;
}

}  // namespace weir

// A program's definition of operator new replaces that of all its libraries, including those loaded
// at run time. Not inlined, because the compiler would report a mismatch between malloc and delete.
#define WEIR_NEW [[gnu::noinline, gnu::visibility("default")]]

namespace {

void* allocate_or_throw(std::size_t size, std::size_t alignment) {
    if (void* memory = weir::AllocationFailure::allocate(size, alignment)) {
        return memory;
    }
    throw std::bad_alloc();
}

}  // namespace

WEIR_NEW void* operator new(std::size_t size) {
    return allocate_or_throw(size, 0);
}
WEIR_NEW void* operator new(std::size_t size, std::align_val_t alignment) {
    return allocate_or_throw(size, static_cast<std::size_t>(alignment));
}
WEIR_NEW void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return weir::AllocationFailure::allocate(size, 0);
}
WEIR_NEW void operator delete(void* memory) noexcept {
    weir::AllocationFailure::free(memory);
}
WEIR_NEW void operator delete(void* memory, std::size_t) noexcept {
    weir::AllocationFailure::free(memory);
}
WEIR_NEW void operator delete(void* memory, std::align_val_t) noexcept {
    weir::AllocationFailure::free(memory);
}
WEIR_NEW void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
    weir::AllocationFailure::free(memory);
}
