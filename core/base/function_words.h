#pragma once

#include <array>
#include <cstring>
#include <functional>

namespace weir {

// The words that a std::function consists of. Among them are the addresses of its code and, if it
// holds a plain pointer to a function, that pointer; the others are any value. For asking whether a
// function needs a library: its type alone does not tell, for that of a pointer is everybody's.
template <class Signature>
std::array<const void*, sizeof(std::function<Signature>) / sizeof(void*)> function_words(
    const std::function<Signature>& function) noexcept {
    std::array<const void*, sizeof(std::function<Signature>) / sizeof(void*)> words{};
    if (function) {
        std::memcpy(words.data(), &function, sizeof function);
    }
    return words;
}

}  // namespace weir
