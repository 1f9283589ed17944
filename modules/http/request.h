#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::http {

struct Header {
    std::string_view name;
    std::string_view value;  // without white space around it
};

// The head of a request. Its views refer to its text.
struct Request {
    Request() = default;
    Request(const Request&) = delete;
    Request& operator=(const Request&) = delete;

    // Forgets all, and keeps the memory.
    void clear() noexcept;

    const std::vector<Header>& headers() const noexcept { return headers_; }
    void reserve_headers(std::size_t count) { headers_.reserve(count); }
    void add_header(const Header& header) {
        headers_.push_back(header);
        name_sizes_ |= std::uint64_t{1} << (header.name.size() % 64);
    }
    // Changes the value of the header that was added last. Requires that there is one.
    void set_last_value(std::string_view value) noexcept { headers_.back().value = value; }
    // Drops white space behind the values.
    void trim_values() noexcept;
    // Returns the value of a header, whatever the case of its name. Throws HttpError (400) if there
    // are several of that name: programs on the way may have looked at another one.
    std::optional<std::string_view> header(std::string_view name) const;
    // Returns whether a header that is a list contains the word: `Connection: close, upgrade`.
    bool lists(std::string_view name, std::string_view word) const;
    // Whether the client takes a response that is compressed with gzip.
    bool accepts_gzip() const;
    // Whether it only asks, as the method says.
    bool is_safe() const noexcept {
        return method == "GET" || method == "HEAD" || method == "OPTIONS";
    }
    // Whether it asks to go on as a WebSocket. Such a request is not safe, whatever its method is:
    // a page of any site may send it, and read what comes back.
    bool asks_for_web_socket() const;
    bool has_body() const noexcept { return chunked || length != 0; }

    std::string_view method;
    std::string_view target;  // as sent
    std::string_view host;    // with its port; "" if the client of HTTP/1.0 has sent none
    std::string_view path;    // as sent, without the query; "*" for the server itself
    std::string_view query;   // as sent, without '?'
    int minor_version = 1;    // of HTTP/1
    bool keep_alive = false;
    bool expects_continue = false;
    bool chunked = false;
    std::uint64_t length = 0;  // of the body; 0 if it is chunked

    std::string text;  // the bytes of the head

private:
    std::vector<Header> headers_;
    // Of each name's size a bit, modulo 64: most headers that are asked for are not there.
    std::uint64_t name_sizes_ = 0;
};

}  // namespace weir::http
