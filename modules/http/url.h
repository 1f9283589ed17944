#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace weir::http {

// Thrown for a text that is no address of HTTP; what() says what is wrong with it.
class UrlError : public std::invalid_argument {
public:
    using std::invalid_argument::invalid_argument;
};

// Where a request goes: http://host:port/path?query, or https.
struct Url {
    bool tls = false;
    std::string host;  // in lower case; without brackets if it is an IPv6 address
    std::uint16_t port = 80;
    std::string target = "/";  // path and query

    // Throws UrlError, also for a user name, which belongs into a header, and for bytes that have
    // to be written as %XX: nothing in an address can add a line to a request. Drops a fragment.
    static Url parse(std::string_view text);
    // Returns where a link leads that stands at this address: "/b", "b?c", "//host/", a whole one.
    Url resolve(std::string_view link) const;

    // Returns scheme, host and port, as "https://host:443": what shares connections and trust.
    std::string origin() const;
    // Returns host and port as the header Host has them: without the port if it is the usual one.
    std::string authority() const;
    std::string text() const;
};

}  // namespace weir::http
