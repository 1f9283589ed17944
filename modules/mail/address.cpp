#include "modules/mail/address.h"

#include <algorithm>
#include <string_view>

#include "modules/mail/headers.h"

namespace weir::mail {

namespace {

bool is_letter_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Words with dots between them, of letters, digits and `more`.
bool is_dotted(std::string_view text, std::string_view more, std::size_t longest) {
    return !text.empty() && text.size() <= longest && text.front() != '.' && text.back() != '.' &&
           text.find("..") == std::string_view::npos && std::ranges::all_of(text, [&](char c) {
               return c == '.' || is_letter_or_digit(c) || more.find(c) != std::string_view::npos;
           });
}

bool is_mailbox(std::string_view text) {
    const std::size_t at = text.rfind('@');
    return at != std::string_view::npos &&
           is_dotted(text.substr(0, at), "!#$%&'*+-/=?^_`{|}~", 64) &&
           is_dotted(text.substr(at + 1), "-", 189);
}

std::string trimmed(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(' ');
    return begin == std::string_view::npos
               ? ""
               : std::string(text.substr(begin, text.find_last_not_of(' ') + 1 - begin));
}

}  // namespace

std::optional<Address> parse_address(const std::string& text) {
    Address address;
    const std::size_t open = text.find('<');
    if (open == std::string::npos) {
        address.mailbox = text;
    } else if (text.back() == '>') {
        address.name = trimmed(std::string_view(text).substr(0, open));
        address.mailbox = text.substr(open + 1, text.size() - open - 2);
    }
    const std::string& name = address.name;
    if (name.size() > 1 && name.front() == '"' && name.back() == '"') {
        address.name = name.substr(1, name.size() - 2);
    }
    const bool is_good = is_mailbox(address.mailbox) && wrong_header_text(address.name).empty() &&
                         address.name.size() <= 200 &&
                         address.name.find_first_of("\"\\<>") == std::string::npos;
    return is_good ? std::optional<Address>(address) : std::nullopt;
}

}  // namespace weir::mail
