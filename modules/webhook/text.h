#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "config/text/utf8.h"
#include "modules/http/http_client.h"

namespace weir::webhook {

// Returns the text with its ASCII letters in lower case.
inline std::string lower(std::string_view text) {
    std::string made(text);
    std::ranges::transform(made, made.begin(), [](char character) {
        return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a')
                                                    : character;
    });
    return made;
}

// Says what a server has answered that is no success, with the beginning of its reason.
inline std::string refusal_text(const http::ClientResponse& response) {
    constexpr std::size_t shown = 200;
    std::string text = "the answer is " + std::to_string(response.status);
    if (!response.body.empty()) {
        const std::string_view begin = std::string_view(response.body).substr(0, shown);
        text += ": " + std::string(begin.substr(0, config::utf8_prefix(begin)));
    }
    return text;
}

}  // namespace weir::webhook
