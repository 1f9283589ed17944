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

#include "modules/testing/framework.h"
#include "modules/testing/living.h"

namespace weir {

namespace {

constinit thread_local AllocationFailure* armed = nullptr;
constinit thread_local std::uint64_t pauses = 0;
constinit thread_local std::int64_t live = 0;

// What was there before; that it is std::terminate's own by default is as good.
std::terminate_handler terminate_before = nullptr;

// std::terminate ends the process: the last moment to say which allocation was not borne.
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

// Takes part in each allocation; returns null if it is to fail.
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

// Whether nlohmann::json asks for the memory, through whatever of the standard library. Its
// destructors cannot bear that there is none, and some constructors leak then.
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
        if (!name.starts_with("_ZNSt") && !name.starts_with("_ZNKSt") &&
            !name.starts_with("_Znw") && name.find("AllocationFailure") == name.npos) {
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
    // The first of all loads a library, by memory of its own.
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
        char place[32];
        std::snprintf(place, sizeof place, "+%#zx", static_cast<std::size_t>(offset));
        text += std::string(text.empty() ? "" : "\n") + info.dli_fname + place +
                (name == nullptr ? "" : std::string(" ") + name.get());
    }
    return text;
}

std::uint64_t fail_each_allocation(const std::function<void(AllocationFailure&)>& attempt,
                                   std::uint64_t step) {
    // How many others the attempt leaves behind. Where a plugin stays in memory, as under a
    // sanitizer, what is its own stays too: then it is for that to find what leaks.
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
    leaks(none);  // what the process makes once is there now
    for (std::uint64_t nth = 1;; nth += step) {
        AllocationFailure failure(nth);
        std::int64_t leaked = leaks(failure);
        if (leaked > 0) {  // or it is made once, where something fails
            AllocationFailure again(nth);
            leaked = leaks(again);
        }
        if (leaked > 0) {
            fail_test("when allocation " + std::to_string(nth) + " fails, " +
                      std::to_string(leaked) + " others leak; it is asked for by\n" +
                      failure.where());
        }
        if (!failure.happened()) {
            return failure.seen();
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

// A definition of operator new in a program is the one that all its libraries use, also those that
// it opens while it runs. Not inlined, or the compiler takes what it sees of one of them for a
// mismatch.
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
