#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace weir::resp {

// Writes replies of the Redis protocol into a string, one after the other. In version 3 of the
// protocol nil, maps and messages have types of their own; all else is the same.
class ReplyWriter {
public:
    static constexpr int oldest_version = 2;
    static constexpr int newest_version = 3;

    int version() const noexcept { return version_; }
    // Requires a version from the oldest to the newest.
    void set_version(int version) noexcept {
        assert(version >= oldest_version && version <= newest_version);
        version_ = version;
    }

    // While silent, it drops what is written: the client wants no reply (CLIENT REPLY).
    void set_silent(bool silent) noexcept { silent_ = silent; }

    // Writes a short text of a program, as OK. A line break in it becomes a space.
    void simple(std::string_view text);
    // `code` is one word in capitals that programs know: ERR, NOAUTH. Writes at most 1,000 bytes of
    // the message, with line breaks as above.
    void error(std::string_view code, std::string_view message);
    void integer(std::int64_t value);
    void bulk(std::string_view bytes);
    void nil();
    // Begins a reply whose `size` elements, or `size` pairs of name and value, are written next.
    void array(std::size_t size);
    void map(std::size_t size);
    // Begins a message of `size` elements that answers no request. In version 2 it looks like a
    // reply.
    void push(std::size_t size);

    std::size_t size() const noexcept { return bytes_.size(); }
    // Returns what was written since the last call.
    std::string take() noexcept { return std::exchange(bytes_, {}); }

private:
    void head(char type, std::int64_t value);
    void line(std::string_view text);

    std::string bytes_;
    int version_ = oldest_version;
    bool silent_ = false;
};

}  // namespace weir::resp
