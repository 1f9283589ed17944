#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace weir::resp {

// Writes replies of the Redis protocol into a string, one after the other. In version 3 of the
// protocol nil and maps have types of their own; all else is the same.
class ReplyWriter {
public:
    static constexpr int oldest_version = 2;
    static constexpr int newest_version = 3;

    int version() const noexcept { return version_; }
    // Requires a version from the oldest to the newest.
    void set_version(int version) noexcept { version_ = version; }

    // Short texts of a program, as OK. A line break in it becomes a space.
    void simple(std::string_view text);
    // `code` is one word in capitals, that programs know: ERR, NOAUTH. Of the message at most 1,000
    // bytes, with line breaks as above.
    void error(std::string_view code, std::string_view message);
    void integer(std::int64_t value);
    void bulk(std::string_view bytes);
    void nil();
    // The replies that follow are its `size` elements, or its `size` pairs of name and value.
    void array(std::size_t size);
    void map(std::size_t size);

    std::size_t size() const noexcept { return bytes_.size(); }
    // What was written since the last time.
    std::string take() noexcept { return std::exchange(bytes_, {}); }

private:
    void head(char type, std::int64_t value);
    void line(std::string_view text);

    std::string bytes_;
    int version_ = oldest_version;
};

}  // namespace weir::resp
