#pragma once

#include <array>
#include <cstring>
#include <functional>

namespace weir {

// The words that a std::function consists of. Among them are the addresses of its code and, if it
// holds a plain pointer to a function, that pointer; the other words are arbitrary. They show
// whether a function needs a library: its type alone does not, because all libraries share that of
// a pointer.
template <class Signature>
std::array<const void*, sizeof(std::function<Signature>) / sizeof(void*)> function_words(
    const std::function<Signature>& function) noexcept {
    std::array<const void*, sizeof(std::function<Signature>) / sizeof(void*)> words{};
    if (function) {
        const void* object = &function;
        std::memcpy(words.data(), object, sizeof function);
    }
    return words;
}

}  // namespace weir
