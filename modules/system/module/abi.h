#pragma once

#include <cstdint>

#include "core/base/sanitizer.h"
#include "modules/system/module/headers_digest.h"  // generated; see cmake/headers_digest.cmake

// What of a build must be the same in a program and its plugins. The values are constants of each
// file that includes this: a plugin carries its own.

#define WEIR_ABI_TEXT_OF(x) #x
#define WEIR_ABI_TEXT(x) WEIR_ABI_TEXT_OF(x)

namespace weir {

// Plain C, and never changed but at its end: it is read before anything else is trusted.
struct AbiTag {
    const char* weir;       // the version of weir
    const char* compiler;   // what lays out classes and coroutine frames
    const char* library;    // the C++ library
    const char* sanitizer;  // "none", "address", "thread"
    const char* debug;      // whether the C++ library checks itself
    const char* headers;    // a digest of weir's headers
};

inline constexpr AbiTag own_abi {
#ifdef WEIR_VERSION
    .weir = WEIR_VERSION,
#else
    .weir = "unknown",
#endif
#if defined(__clang__)
    .compiler = "Clang " WEIR_ABI_TEXT(__clang_major__),
#elif defined(__GNUC__)
    .compiler = "GCC " WEIR_ABI_TEXT(__GNUC__),
#else
    .compiler = "unknown",
#endif
#if defined(_GLIBCXX_RELEASE)
    .library = "libstdc++ with ABI " WEIR_ABI_TEXT(_GLIBCXX_USE_CXX11_ABI),
#elif defined(_LIBCPP_VERSION)
    .library = "libc++ with ABI " WEIR_ABI_TEXT(_LIBCPP_ABI_VERSION),
#else
    .library = "unknown",
#endif
#if defined(WEIR_SANITIZE_ADDRESS)
    .sanitizer = "address",
#elif defined(WEIR_SANITIZE_THREAD)
    .sanitizer = "thread",
#else
    .sanitizer = "none",
#endif
#if defined(_GLIBCXX_DEBUG)
    .debug = "debug mode",
#elif defined(_GLIBCXX_ASSERTIONS)
    .debug = "assertions",
#else
    .debug = "none",
#endif
    .headers = WEIR_HEADERS,
};

}  // namespace weir
