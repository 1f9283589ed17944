#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings/enum_names.h"
#include "modules/http/request.h"
#include "modules/http/response.h"

namespace weir::webhook {

// How a request proves who has sent it: by an HMAC-SHA256 of its body, under a secret that only the
// sender and the receiver know, in the header that GitHub, Stripe or Slack define.
enum class Scheme { none, github, stripe, slack };

inline config::EnumNames<Scheme> names_of(Scheme) {
    return {{"none", Scheme::none},
            {"github", Scheme::github},
            {"stripe", Scheme::stripe},
            {"slack", Scheme::slack}};
}

// Returns why the request cannot be believed, as "the header X-Hub-Signature-256 is missing"; "" if
// one of the secrets signs it. `now` and `tolerance`, in seconds: a signature with a time (stripe,
// slack) may be that much older or newer, so that nobody can send a request again later. Takes as
// long for a wrong signature as for a right one. Throws HttpError if a header is there twice.
std::string wrong_signature(Scheme scheme, const std::vector<std::string>& secrets,
                            const http::Request& request, std::string_view body, std::int64_t now,
                            std::int64_t tolerance);

// Adds the headers that sign a body to those of a request. `now`: seconds since 1970.
void sign(Scheme scheme, const std::string& secret, std::string_view body, std::int64_t now,
          http::Headers& headers);

}  // namespace weir::webhook
