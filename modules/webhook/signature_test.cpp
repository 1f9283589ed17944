#include "modules/webhook/signature.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "modules/http/http_error.h"

namespace weir::webhook {

namespace {

using Secrets = std::vector<std::string>;
using Given = std::vector<std::pair<std::string, std::string>>;

constexpr std::int64_t minutes = 60;

// Why the request with these headers is not genuine.
std::string wrong(Scheme scheme, const Secrets& secrets, const Given& headers,
                  const std::string& body, std::int64_t now = 0) {
    http::Request request;
    for (const auto& [name, value] : headers) {
        request.add_header({name, value});
    }
    return wrong_signature(scheme, secrets, request, body, now, 5 * minutes);
}

Given signed_by(Scheme scheme, const std::string& secret, const std::string& body,
                std::int64_t now) {
    http::Headers headers;
    sign(scheme, secret, body, now, headers);
    return {headers.begin(), headers.end()};
}

}  // namespace

TEST_CASE("the examples that GitHub and Slack publish are genuine") {
    CHECK(wrong(Scheme::github, {"It's a Secret to Everybody"},
                {{"X-Hub-Signature-256",
                  "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}},
                "Hello, World!") == "");
    const std::string body =
        "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id="
        "G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-"
        "collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%"
        "2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121."
        "803a0bc887a14d10d2c447fce8b6703c";
    CHECK(wrong(Scheme::slack, {"8f742231b10e8888abcd99yyyzzz85a5"},
                {{"X-Slack-Request-Timestamp", "1531420618"},
                 {"X-Slack-Signature",
                  "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"}},
                body, 1531420618) == "");
}

TEST_CASE("what is signed is genuine, and nothing else is") {
    const Scheme scheme = GENERATE(Scheme::github, Scheme::stripe, Scheme::slack);
    const Given headers = signed_by(scheme, "secret", "body", 1000);
    CHECK(wrong(scheme, {"secret"}, headers, "body", 1000) == "");
    CHECK(wrong(scheme, {"other"}, headers, "body", 1000) == "the signature is wrong");
    CHECK(wrong(scheme, {"secret"}, headers, "Body", 1000) == "the signature is wrong");
    CHECK(wrong(scheme, {"other", "secret"}, headers, "body", 1000) == "");
    CHECK(wrong(scheme, {}, headers, "body", 1000) == "the signature is wrong");
    CHECK(wrong(scheme, {"secret"}, {}, "body", 1000) != "");
    Given cut = headers;
    cut.back().second.pop_back();
    CHECK(wrong(scheme, {"secret"}, cut, "body", 1000) == "the signature is wrong");
    Given twice = headers;
    twice.push_back(headers.back());
    CHECK_THROWS_AS(wrong(scheme, {"secret"}, twice, "body", 1000), http::HttpError);
}

TEST_CASE("a signature with a time is taken only near that time") {
    const Scheme scheme = GENERATE(Scheme::stripe, Scheme::slack);
    const Given headers = signed_by(scheme, "secret", "body", 10'000);
    CHECK(wrong(scheme, {"secret"}, headers, "body", 10'000 + 5 * minutes) == "");
    CHECK(wrong(scheme, {"secret"}, headers, "body", 10'001 + 5 * minutes) ==
          "the signature is too old");
    CHECK(wrong(scheme, {"secret"}, headers, "body", 10'000 - 5 * minutes) == "");
    CHECK(wrong(scheme, {"secret"}, headers, "body", 9'999 - 5 * minutes) ==
          "the time of the signature has not come yet");
}

TEST_CASE("Stripe signs by several secrets while one is replaced") {
    Given headers = signed_by(Scheme::stripe, "new", "body", 1000);
    headers[0].second += ",v1=0000,v0=" + std::string(64, '0');
    CHECK(wrong(Scheme::stripe, {"new"}, headers, "body", 1000) == "");
    headers[0].second = "t=1000,v1=0000" + headers[0].second.substr(6);
    CHECK(wrong(Scheme::stripe, {"new"}, headers, "body", 1000) == "");
}

TEST_CASE("headers that say nothing are refused with what they lack") {
    CHECK(wrong(Scheme::github, {"s"}, {}, "") == "the header X-Hub-Signature-256 is missing");
    CHECK(wrong(Scheme::github, {"s"}, {{"X-Hub-Signature-256", "sha1=00"}}, "") ==
          "X-Hub-Signature-256 does not begin with sha256=");
    CHECK(wrong(Scheme::stripe, {"s"}, {{"Stripe-Signature", ",=,t,v1,"}}, "") ==
          "the signature is wrong");
    CHECK(wrong(Scheme::stripe, {"s"}, {{"Stripe-Signature", "t=1"}}, "") ==
          "Stripe-Signature has no t= or no v1=");
    CHECK(wrong(Scheme::slack, {"s"}, {{"X-Slack-Signature", "v0=00"}}, "") ==
          "the header X-Slack-Request-Timestamp is missing");
    CHECK(wrong(Scheme::slack, {"s"}, {{"X-Slack-Request-Timestamp", "1"}}, "") ==
          "the header X-Slack-Signature is missing");
}

TEST_CASE("a hook without signatures takes what comes") {
    CHECK(wrong(Scheme::none, {}, {}, "anything") == "");
}

}  // namespace weir::webhook
