#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weir::zookeeper {

// What each server is told first, to know whose the session is. The scheme "sasl" logs in by SASL's
// DIGEST-MD5, at most once; others are sent as they are.
struct Credentials {
    std::string scheme;  // "digest", "sasl"
    std::string text;    // "user:password"
};

inline constexpr std::string_view sasl_scheme = "sasl";

// Returns what is wrong with them, or "".
std::string wrong_credentials(const std::vector<Credentials>& credentials);

}  // namespace weir::zookeeper
