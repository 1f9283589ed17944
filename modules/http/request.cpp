#include "modules/http/request.h"

#include <algorithm>

#include "modules/http/http_error.h"
#include "modules/http/list_elements.h"

namespace weir::http {

void Request::clear() noexcept {
    method = target = host = path = query = {};
    headers_.clear();
    name_sizes_ = 0;
    minor_version = 1;
    keep_alive = expects_continue = chunked = false;
    length = 0;
    text.clear();
}

void Request::trim_values() noexcept {
    for (Header& header : headers_) {
        while (header.value.ends_with(' ') || header.value.ends_with('\t')) {
            header.value.remove_suffix(1);
        }
    }
}

std::optional<std::string_view> Request::header(std::string_view name) const {
    std::optional<std::string_view> found;
    if ((name_sizes_ >> (name.size() % 64) & 1U) == 0) {
        return found;
    }
    for (const Header& header : headers_) {
        if (same_name(header.name, name)) {
            if (found) {
                throw HttpError(400, "bad_request",
                                "the header " + std::string(name) + " is there several times");
            }
            found = header.value;
        }
    }
    return found;
}

bool Request::lists(std::string_view name, std::string_view word) const {
    return std::ranges::any_of(headers_, [name, word](const Header& header) {
        return same_name(header.name, name) && has_element(header.value, word);
    });
}

bool Request::accepts_gzip() const {
    std::optional<bool> accepts;  // by the first element that is about gzip
    for (const Header& header : headers_) {
        if (!same_name(header.name, "Accept-Encoding")) {
            continue;
        }
        for_each_element(header.value, [&accepts](std::string_view element) {
            const std::size_t end = std::min(element.find_first_of("; \t"), element.size());
            if (!accepts && same_name(element.substr(0, end), "gzip")) {
                // q=0, q=0.000: not this one
                const std::string_view weight = element.substr(end);
                accepts = weight.empty() ||
                          weight.find_first_not_of("; \tqQ=0.") != std::string_view::npos;
            }
        });
    }
    return accepts.value_or(false);
}

bool Request::asks_for_web_socket() const {
    return method == "GET" && minor_version == 1 && lists("Connection", "upgrade") &&
           lists("Upgrade", "websocket");
}

}  // namespace weir::http
