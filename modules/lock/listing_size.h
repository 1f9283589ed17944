#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace weir {

// How large a listing of locks is that a client asks for. It is made and written in one go, while
// no other client is served, and is in memory at once: its size is limited, in keys and in bytes.
class ListingSize {
public:
    static constexpr std::size_t most_keys = 10'000;
    // Of the names of keys, contexts and owners, as JSON has them.
    static constexpr std::size_t most_bytes = std::size_t{1} << 20;

    void add(std::string_view name) noexcept {
        // "\u0001": clients may choose names that are six times as long in JSON.
        const auto escaped = std::ranges::count_if(
            name, [](char character) { return static_cast<unsigned char>(character) < ' '; });
        bytes_ += name.size() + 5 * static_cast<std::size_t>(escaped);
    }
    bool too_large() const noexcept { return bytes_ > most_bytes; }
    static constexpr const char* refusal =
        "the names of keys and owners that match have more than 1 MiB, which are not listed: give "
        "a narrower pattern";

private:
    std::size_t bytes_ = 0;
};

}  // namespace weir
