#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/simulation/wall_clock.h"
#include "modules/mail/address.h"
#include "modules/mail/settings.h"

// The headers of a mail (RFC 5322): no text of a caller ends a line, or begins a header of its own.
namespace weir::mail {

// Returns what is wrong with a text for a header; "" if it is UTF-8 without control characters.
std::string wrong_header_text(const std::string& text);
// Returns what is wrong with further headers; "" if nothing is.
std::string wrong_headers(const std::map<std::string, std::string>& headers);

// Returns the text as it stands in a header: as it is, or as encoded words (RFC 2047), on lines of
// 76 bytes at most. `used`: how much of the first line is taken.
std::string header_text(std::string_view text, std::size_t used);
// Returns the addresses, one on each line.
std::string header_addresses(const std::vector<Address>& addresses);
// Returns "Thu, 24 Dec 2026 18:00:00 +0000".
std::string header_date(WallTime time);

// Returns the headers of a mail, one a line: without those that say what its body is.
std::vector<std::string> headers_of(const SendParameters& mail, const Address& from,
                                    const std::string& id, WallTime time);

}  // namespace weir::mail
