#include "modules/webhook/signature.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <stdexcept>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/base/hex.h"

namespace weir::webhook {

namespace {

constexpr const char* github_header = "X-Hub-Signature-256";
constexpr const char* stripe_header = "Stripe-Signature";
constexpr const char* slack_header = "X-Slack-Signature";
constexpr const char* slack_time_header = "X-Slack-Request-Timestamp";
constexpr std::string_view github_prefix = "sha256=";
constexpr std::string_view slack_version = "v0";
constexpr std::string_view stripe_time = "t";
constexpr std::string_view stripe_version = "v1";

// Returns the HMAC-SHA256 in hexadecimal digits.
std::string hmac(const std::string& secret, std::string_view text) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
    unsigned size = 0;
    if (::HMAC(::EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
               reinterpret_cast<const unsigned char*>(text.data()), text.size(), bytes.data(),
               &size) == nullptr) {
        throw std::runtime_error("libcrypto makes no HMAC-SHA256");
    }
    return to_hex(std::span(bytes.data(), size));
}

bool is_same(std::string_view left, std::string_view right) noexcept {
    return left.size() == right.size() &&
           ::CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

std::string slack_text(std::string_view time, std::string_view body) {
    return std::string(slack_version) + ":" + std::string(time) + ":" + std::string(body);
}

std::string stripe_text(std::string_view time, std::string_view body) {
    return std::string(time) + "." + std::string(body);
}

std::string missing(const char* header) {
    return "the header " + std::string(header) + " is missing";
}

// What a request says: the text that is signed, and signatures of which one has to be right.
struct Claim {
    std::string text;
    std::vector<std::string_view> signatures;
    std::optional<std::string_view> time;
    std::string wrong;  // why there is nothing to check
};

Claim github_claim(const http::Request& request, std::string_view body) {
    Claim claim;
    const auto header = request.header(github_header);
    if (!header) {
        claim.wrong = missing(github_header);
    } else if (!header->starts_with(github_prefix)) {
        claim.wrong = std::string(github_header) + " does not begin with sha256=";
    } else {
        claim.text = body;
        claim.signatures.push_back(header->substr(github_prefix.size()));
    }
    return claim;
}

Claim slack_claim(const http::Request& request, std::string_view body) {
    Claim claim;
    const auto header = request.header(slack_header);
    claim.time = request.header(slack_time_header);
    if (!header || !claim.time) {
        claim.wrong = missing(header ? slack_time_header : slack_header);
    } else if (!header->starts_with("v0=")) {
        claim.wrong = std::string(slack_header) + " does not begin with v0=";
    } else {
        claim.text = slack_text(*claim.time, body);
        claim.signatures.push_back(header->substr(slack_version.size() + 1));
    }
    return claim;
}

// t=1492774577,v1=5257a8...,v1=...: several while a secret is replaced by another.
Claim stripe_claim(const http::Request& request, std::string_view body) {
    Claim claim;
    const auto header = request.header(stripe_header);
    if (!header) {
        claim.wrong = missing(stripe_header);
        return claim;
    }
    for (std::string_view rest = *header; !rest.empty();) {
        const std::string_view part = rest.substr(0, rest.find(','));
        rest.remove_prefix(std::min(rest.size(), part.size() + 1));
        const std::string_view name = part.substr(0, part.find('='));
        const std::string_view value = part.substr(std::min(part.size(), name.size() + 1));
        if (name == stripe_time) {
            claim.time = value;
        } else if (name == stripe_version) {
            claim.signatures.push_back(value);
        }
    }
    if (!claim.time || claim.signatures.empty()) {
        claim.wrong = std::string(stripe_header) + " has no t= or no v1=";
    } else {
        claim.text = stripe_text(*claim.time, body);
    }
    return claim;
}

Claim claim_of(Scheme scheme, const http::Request& request, std::string_view body) {
    switch (scheme) {
        case Scheme::github:
            return github_claim(request, body);
        case Scheme::stripe:
            return stripe_claim(request, body);
        default:
            return slack_claim(request, body);
    }
}

std::string wrong_time(std::string_view text, std::int64_t now, std::int64_t tolerance) {
    std::int64_t time = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, time);
    if (error != std::errc() || stop != end || time < 0) {
        return "the time of the signature is no number of seconds";
    }
    const std::int64_t age = now - time;
    return age > tolerance    ? "the signature is too old"
           : age < -tolerance ? "the time of the signature has not come yet"
                              : "";
}

}  // namespace

std::string wrong_signature(Scheme scheme, const std::vector<std::string>& secrets,
                            const http::Request& request, std::string_view body, std::int64_t now,
                            std::int64_t tolerance) {
    if (scheme == Scheme::none) {
        return "";
    }
    const Claim claim = claim_of(scheme, request, body);
    if (!claim.wrong.empty()) {
        return claim.wrong;
    }
    bool is_right = false;
    for (const std::string& secret : secrets) {
        const std::string expected = hmac(secret, claim.text);
        for (const std::string_view signature : claim.signatures) {
            is_right = is_same(signature, expected) || is_right;
        }
    }
    if (!is_right) {
        return "the signature is wrong";
    }
    return claim.time ? wrong_time(*claim.time, now, tolerance) : "";
}

void sign(Scheme scheme, const std::string& secret, std::string_view body, std::int64_t now,
          http::Headers& headers) {
    const std::string time = std::to_string(now);
    switch (scheme) {
        case Scheme::none:
            break;
        case Scheme::github:
            headers.set(github_header, std::string(github_prefix) + hmac(secret, body));
            break;
        case Scheme::stripe:
            headers.set(stripe_header, std::string(stripe_time) + "=" + time + "," +
                                           std::string(stripe_version) + "=" +
                                           hmac(secret, stripe_text(time, body)));
            break;
        case Scheme::slack:
            headers.set(slack_time_header, time);
            headers.set(slack_header,
                        std::string(slack_version) + "=" + hmac(secret, slack_text(time, body)));
            break;
    }
}

}  // namespace weir::webhook
