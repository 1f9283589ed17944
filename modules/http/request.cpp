#include "modules/http/request.h"

#include <algorithm>

#include "modules/http/http_error.h"

namespace weir::http {

std::optional<std::string_view> Request::header(std::string_view name) const {
    std::optional<std::string_view> found;
    for (const Header& header : headers) {
        if (header.name.size() == name.size() && same_name(header.name, name)) {
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
    for (const Header& header : headers) {
        if (!same_name(header.name, name)) {
            continue;
        }
        for (std::string_view rest = header.value; !rest.empty();) {
            const std::size_t comma = rest.find(',');
            std::string_view element = rest.substr(0, comma);
            while (element.starts_with(' ') || element.starts_with('\t')) element.remove_prefix(1);
            while (element.ends_with(' ') || element.ends_with('\t')) element.remove_suffix(1);
            if (same_name(element, word)) {
                return true;
            }
            rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
        }
    }
    return false;
}

bool Request::accepts_gzip() const {
    for (const Header& header : headers) {
        if (!same_name(header.name, "Accept-Encoding")) {
            continue;
        }
        for (std::string_view rest = header.value; !rest.empty();) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            std::string element(rest.substr(0, comma));
            std::erase_if(element, [](char character) { return character == ' '; });
            const std::string_view name = std::string_view(element).substr(0, element.find(';'));
            const std::string_view weight = std::string_view(element).substr(name.size());
            if (same_name(name, "gzip")) {
                // q=0, q=0.000: not this one
                return weight.find_first_not_of(";qQ=0.") != std::string_view::npos ||
                       weight.empty();
            }
            rest.remove_prefix(std::min(comma + 1, rest.size()));
        }
    }
    return false;
}

bool Request::asks_for_web_socket() const {
    return method == "GET" && minor_version == 1 && lists("Connection", "upgrade") &&
           lists("Upgrade", "websocket");
}

}  // namespace weir::http
