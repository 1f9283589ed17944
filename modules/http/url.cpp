#include "modules/http/url.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "config/text/quoted.h"
#include "core/base/ascii.h"
#include "modules/http/response.h"

namespace weir::http {

namespace {

constexpr std::uint16_t plain_port = 80;
constexpr std::uint16_t tls_port = 443;

[[noreturn]] void refuse(std::string_view text, const std::string& why) {
    throw UrlError("'" + config::printable(text) + "' " + why);
}

bool is_host_character(char character) noexcept {
    return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9') ||
           character == '-' || character == '.' || character == '_';
}

bool is_address_character(char character) noexcept {
    return (character >= 'a' && character <= 'f') || (character >= '0' && character <= '9') ||
           character == ':' || character == '.';
}

void read_authority(Url& url, std::string_view authority, std::string_view text) {
    if (authority.find('@') != std::string_view::npos) {
        refuse(text, "has a user: use the header Authorization instead");
    }
    const bool is_bracketed = authority.starts_with('[');
    const std::size_t end = is_bracketed ? authority.find(']') : authority.find(':');
    std::string_view rest = end == std::string_view::npos ? "" : authority.substr(end);
    url.host = in_lower_case(authority.substr(is_bracketed ? 1 : 0, end - (is_bracketed ? 1 : 0)));
    if (url.host.empty() || (is_bracketed && rest.empty()) ||
        !std::ranges::all_of(url.host, is_bracketed ? is_address_character : is_host_character)) {
        refuse(text, "has no valid host");
    }
    if (is_bracketed) {
        rest.remove_prefix(1);
    }
    if (rest.empty() || rest == ":") {
        return;
    }
    const char* const last = rest.data() + rest.size();
    const auto [stop, error] = std::from_chars(rest.data() + 1, last, url.port);
    if (rest[0] != ':' || error != std::errc() || stop != last || url.port == 0) {
        refuse(text, "has no valid port");
    }
}

void check_target(std::string_view target, std::string_view text) {
    if (std::ranges::any_of(target, [](char character) {
            return character <= ' ' || character == 0x7F;  // also what is no ASCII
        })) {
        refuse(text, "contains a space or another character that has to be written as %XX");
    }
}

// Takes out the parts "." and "..".
std::string without_dots(std::string_view path) {
    std::vector<std::string_view> parts;
    bool is_folder = false;
    while (path.starts_with('/')) {
        path.remove_prefix(1);
        const std::size_t size = std::min(path.find('/'), path.size());
        const std::string_view part = path.substr(0, size);
        path.remove_prefix(size);
        is_folder = part.empty() || part == "." || part == "..";
        if (part == "..") {
            if (!parts.empty()) {
                parts.pop_back();
            }
        } else if (part != "." && (!part.empty() || !path.empty())) {
            parts.push_back(part);
        }
    }
    std::string result;
    for (const std::string_view part : parts) {
        result.append("/").append(part);
    }
    return is_folder || result.empty() ? result + "/" : result;
}

}  // namespace

Url Url::parse(std::string_view text) {
    const std::size_t scheme = text.find("://");
    Url url;
    if (scheme != std::string_view::npos && same_name(text.substr(0, scheme), "https")) {
        url.tls = true;
        url.port = tls_port;
    } else if (scheme == std::string_view::npos || !same_name(text.substr(0, scheme), "http")) {
        refuse(text, "does not begin with http:// or https://");
    }
    const std::string_view rest = text.substr(scheme + 3, text.find('#') - (scheme + 3));
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    read_authority(url, rest.substr(0, end), text);
    const std::string_view target = rest.substr(end);
    check_target(target, text);
    url.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
    return url;
}

Url Url::resolve(std::string_view link) const {
    link = link.substr(0, link.find('#'));
    const std::size_t colon = link.find(':');
    if (colon < std::min(link.find_first_of("/?"), link.size())) {
        return parse(link);
    }
    if (link.starts_with("//")) {
        return parse((tls ? "https:" : "http:") + std::string(link));
    }
    check_target(link, link);
    Url url = *this;
    if (link.empty()) {
        return url;
    }
    const std::string_view own = std::string_view(target).substr(0, target.find('?'));
    if (link.starts_with('?')) {
        url.target = std::string(own).append(link);
        return url;
    }
    const std::string_view path = link.substr(0, link.find('?'));
    const std::string_view query = link.substr(path.size());
    url.target = without_dots(path.starts_with('/')
                                  ? std::string(path)
                                  : std::string(own.substr(0, own.rfind('/') + 1)).append(path))
                     .append(query);
    return url;
}

std::string Url::authority() const {
    const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return port == (tls ? tls_port : plain_port) ? name : name + ":" + std::to_string(port);
}

std::string Url::origin() const {
    const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return (tls ? "https://" : "http://") + name + ":" + std::to_string(port);
}

std::string Url::text() const {
    return (tls ? "https://" : "http://") + authority() + target;
}

}  // namespace weir::http
