#pragma once

#include <optional>
#include <string>

namespace weir::mail {

// Where a mail goes: "Ann <ann@example.com>".
struct Address {
    std::string name;  // UTF-8; "" if there is none
    std::string mailbox;

    std::string domain() const { return mailbox.substr(mailbox.rfind('@') + 1); }
};

// Nothing: it is none that every server knows. Mailboxes are ASCII, without quotes and comments.
std::optional<Address> parse_address(const std::string& text);

}  // namespace weir::mail
