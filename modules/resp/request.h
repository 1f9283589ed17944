#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace weir::resp {

// The arguments of one request; the first is the name of the command. All are in one buffer, so
// that many arguments take no more allocations than a few.
class Request {
public:
    Request() = default;
    Request(std::initializer_list<std::string_view> arguments) {
        for (const std::string_view argument : arguments) {
            append(argument);
            end_argument();
        }
    }

    std::size_t size() const noexcept { return ends_.size(); }
    bool empty() const noexcept { return ends_.empty(); }
    // Requires index < size(). Valid as long as the request is neither changed nor moved.
    std::string_view operator[](std::size_t index) const noexcept {
        assert(index < ends_.size());
        const std::size_t begin = index == 0 ? 0 : ends_[index - 1];
        return {bytes_.data() + begin, ends_[index] - begin};
    }
    // Size of all arguments together, with the one that is not ended yet.
    std::size_t bytes() const noexcept { return bytes_.size(); }

    // --- for parsers: an argument is appended piece by piece, and then ended

    void append(std::string_view piece) { bytes_.append(piece); }
    void append(char c) { bytes_.push_back(c); }
    void end_argument() { ends_.push_back(static_cast<std::uint32_t>(bytes_.size())); }
    // Keeps the memory, unless it is more than most requests need.
    void clear() noexcept {
        if (bytes_.capacity() > most_kept || ends_.capacity() > most_kept) {
            *this = {};
        }
        bytes_.clear();
        ends_.clear();
    }

    friend bool operator==(const Request&, const Request&) = default;

private:
    static constexpr std::size_t most_kept = 128;

    std::string bytes_;
    std::vector<std::uint32_t> ends_;
};

}  // namespace weir::resp
