#include "modules/mail/headers.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "config/text/utf8.h"
#include "core/base/ascii.h"

namespace weir::mail {

namespace {

constexpr std::size_t longest_line = 76;
constexpr std::string_view begin_word = "=?UTF-8?Q?";
constexpr std::string_view end_word = "?=";

bool is_taken(const std::string& name) {
    const std::string small = in_lower_case(name);
    constexpr std::array taken{"from",       "sender",       "reply-to", "to",
                               "cc",         "bcc",          "subject",  "date",
                               "message-id", "mime-version", "received", "return-path"};
    return small.starts_with("content-") || small.starts_with("resent-") ||
           std::ranges::find(taken, small) != taken.end();
}

bool is_header_name(const std::string& name) {
    return !name.empty() && name.size() <= 60 &&
           std::ranges::all_of(name, [](char c) { return c > ' ' && c < '\x7f' && c != ':'; });
}

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < '\x7f'; });
}

// A character of an encoded word: what every header may have as it is, `_` for a blank, or hex.
std::string encoded_character(std::string_view character) {
    std::string made;
    for (const char byte : character) {
        const char c = ascii_lower(byte);
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            made += byte;
        } else if (byte == ' ') {
            made += '_';
        } else {
            std::array<char, 4> hex{};
            std::snprintf(hex.data(), hex.size(), "=%02X",
                          static_cast<unsigned>(static_cast<unsigned char>(byte)));
            made += hex.data();
        }
    }
    return made;
}

// No character is cut between two words.
std::string encoded_words(std::string_view text, std::size_t used) {
    std::string made(begin_word);
    std::size_t line = used + made.size();
    while (!text.empty()) {
        const std::size_t length = std::max<std::size_t>(config::utf8_length(text), 1);
        const std::string character = encoded_character(text.substr(0, length));
        text.remove_prefix(length);
        if (line + character.size() + end_word.size() > longest_line) {
            made += std::string(end_word) + "\r\n " + std::string(begin_word);
            line = 1 + begin_word.size();
        }
        made += character;
        line += character.size();
    }
    return made + std::string(end_word);
}

std::string header_address(const Address& address) {
    if (address.name.empty()) {
        return address.mailbox;
    }
    const bool is_plain = is_ascii(address.name) && address.name.size() <= 60 &&
                          address.name.find("=?") == std::string::npos;
    const std::string name =
        is_plain ? '"' + address.name + '"' : encoded_words(address.name, longest_line / 4);
    return name + (name.size() + address.mailbox.size() > longest_line / 2 ? "\r\n <" : " <") +
           address.mailbox + '>';
}

std::vector<Address> addresses_of(const std::vector<std::string>& texts) {
    std::vector<Address> addresses;
    for (const std::string& text : texts) {
        if (const auto address = parse_address(text)) {
            addresses.push_back(*address);
        }
    }
    return addresses;
}

}  // namespace

std::string wrong_header_text(const std::string& text) {
    if (config::utf8_prefix(text) != text.size()) {
        return "is not UTF-8";
    }
    const bool has_control =
        std::ranges::any_of(text, [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; });
    return has_control ? "has control characters, as the end of a line" : "";
}

std::string wrong_headers(const std::map<std::string, std::string>& headers) {
    for (const auto& [name, value] : headers) {
        if (!is_header_name(name)) {
            return "has a name that is none of a header: \"" + name + '"';
        }
        if (is_taken(name)) {
            return "has " + name + ", which the module makes itself";
        }
        if (const std::string wrong = wrong_header_text(value); !wrong.empty()) {
            return "has " + name + ", which " + wrong;
        }
    }
    return "";
}

std::string header_text(std::string_view text, std::size_t used) {
    const bool is_plain = is_ascii(text) && used + text.size() <= longest_line &&
                          text.find("=?") == std::string_view::npos &&
                          text == text.substr(0, text.find_last_not_of(' ') + 1);
    return is_plain ? std::string(text) : encoded_words(text, used);
}

std::string header_addresses(const std::vector<Address>& addresses) {
    std::string made;
    for (const Address& address : addresses) {
        made += (made.empty() ? "" : ",\r\n ") + header_address(address);
    }
    return made;
}

std::string header_date(WallTime time) {
    constexpr std::array days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d +0000",
                  days[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                  months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                  static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()));
    return text.data();
}

std::vector<std::string> headers_of(const SendParameters& mail, const Address& from,
                                    const std::string& id, WallTime time) {
    std::vector<std::string> headers;
    const auto add = [&headers](const std::string& name, const std::string& value) {
        headers.push_back(name + ": " + value);
    };
    add("Date", header_date(time));
    add("From", header_address(from));
    if (mail.reply_to) {
        add("Reply-To", header_addresses(addresses_of({*mail.reply_to})));
    }
    add("To", header_addresses(addresses_of(mail.to)));
    if (!mail.cc.empty()) {
        add("Cc", header_addresses(addresses_of(mail.cc)));
    }
    add("Message-ID", "<" + id + ">");
    add("Subject", header_text(mail.subject, std::string_view("Subject: ").size()));
    for (const auto& [name, value] : mail.headers) {
        add(name, header_text(value, name.size() + 2));
    }
    return headers;
}

}  // namespace weir::mail
