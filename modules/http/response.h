#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/simulation/wall_clock.h"

namespace weir {

class Scheduler;

}  // namespace weir

namespace weir::http {

// The headers of a response, in the order in which they are sent.
class Headers {
public:
    // Replaces the header, whatever the case of its name. Throws std::invalid_argument for a name
    // that is no token, and for a value with a line end or another control character: no text can
    // smuggle in a header of its own.
    void set(std::string name, std::string value);
    // The same, and keeps earlier ones of that name.
    void add(std::string name, std::string value);
    // Removes all of that name.
    void remove(std::string_view name) noexcept;
    const std::string* find(std::string_view name) const noexcept;

    bool empty() const noexcept { return all_.empty(); }
    auto begin() const noexcept { return all_.begin(); }
    auto end() const noexcept { return all_.end(); }

private:
    void push(std::string name, std::string value);

    std::vector<std::pair<std::string, std::string>> all_;
};

// Headers that many responses have, with the lines as which they are sent.
class HeaderLines {
public:
    HeaderLines() = default;
    explicit HeaderLines(Headers headers);

    const Headers& headers() const noexcept { return headers_; }
    std::string_view text() const noexcept { return text_; }
    // Whether a header is in both.
    bool shares_with(const Headers& others) const noexcept;

private:
    Headers headers_;
    std::string text_;
};

struct Response {
    int status = 200;
    Headers headers = {};
    std::string body = {};
};

// How the client learns where the body ends.
enum class Framing {
    none,     // the status has no body
    length,   // Content-Length
    chunked,  // HTTP/1.1
    close,    // HTTP/1.0: the connection ends
};

// The bytes of a response before its body, put together header by header.
class ResponseHead {
public:
    // `date`: as http_date() returns it. `body`: how many bytes will be appended.
    ResponseHead(int status, std::string_view date, std::size_t body = 0);

    void add(std::string_view name, std::string_view value);
    void add(const Headers& headers);
    void add(const HeaderLines& lines) { text_ += lines.text(); }
    // Adds the headers whose names are in none of the others.
    void add_missing(const Headers& headers, std::initializer_list<const Headers*> others);
    // Returns the bytes. `length`: of the body, if that is the framing.
    std::string end(Framing framing, std::uint64_t length, bool keep_alive) &&;

private:
    const int status_;
    std::string text_;
};

// Returns "Not Found"; "Unknown" for a status without a name.
std::string_view reason_phrase(int status) noexcept;

// Returns "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(WallTime time);
// The present time in that form, which is made once a second.
class HttpDate {
public:
    // Valid until the next call. Follows a clock that is set within a second.
    std::string_view now(Scheduler& scheduler);

private:
    Time until_ = Time::min();  // a new second begins then
    std::string text_;
};

// Reads such a date; nothing for any other text.
std::optional<WallTime> parse_http_date(std::string_view text);

bool is_token(std::string_view text) noexcept;
// Whether the texts are equal but for the case of ASCII letters.
bool same_name(std::string_view a, std::string_view b) noexcept;

}  // namespace weir::http
