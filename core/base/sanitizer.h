#pragma once

// Defines WEIR_SANITIZE_ADDRESS or WEIR_SANITIZE_THREAD if the compiler adds these checks: GCC says
// so by macros, Clang by features.

#if defined(__SANITIZE_ADDRESS__)
#define WEIR_SANITIZE_ADDRESS 1
#elif defined(__SANITIZE_THREAD__)
#define WEIR_SANITIZE_THREAD 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEIR_SANITIZE_ADDRESS 1
#elif __has_feature(thread_sanitizer)
#define WEIR_SANITIZE_THREAD 1
#endif
#endif
