// The inputs of llhttp's own tests, sent to a connection: what the parser's authors know to be
// dangerous is refused by the whole of ours, and what they know to be a request is handled so.
//
// llhttp_cases.json has the facts: the bytes, which requests llhttp takes from them when it is
// strict ("requests": method, target and body), and whether it refuses the rest ("refused"). Inputs
// without "requests" are those that it takes only when it is lenient. "stricter": what weir answers
// to a request that it refuses although llhttp takes it. A request of HTTP/1.1 without Host has got
// one, since weir refuses it otherwise.

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "modules/http/test_world.h"
#include "modules/system/call/json.h"

namespace weir::http {

namespace {

// JSON has characters where the input has bytes; those above U+00FF are themselves.
std::string bytes_of(const std::string& text) {
    std::string bytes;
    for (std::size_t i = 0; i != text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte == 0xC2 || byte == 0xC3) {  // U+0080 to U+00FF
            bytes += static_cast<char>((byte & 3U) << 6U |
                                       (static_cast<unsigned char>(text[++i]) & 0x3FU));
        } else {
            bytes += text[i];
        }
    }
    return bytes;
}

struct Result {
    std::vector<std::string> requests;
    std::string answers;
};

Result result_of(const std::string& bytes, std::size_t piece) {
    Result result;
    HttpWorld world([&result](Exchange& exchange) -> Task<> {
        const std::string body = co_await exchange.read_all();
        std::string text(exchange.request().method);
        text.append(" ").append(exchange.request().target);
        result.requests.push_back(body.empty() ? text : text + " " + body);
        Response response{.body = "ok"};
        co_await exchange.respond(std::move(response));
    });
    std::vector<std::string> pieces;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        pieces.push_back(bytes.substr(at, piece));
    }
    result.answers = world.send(std::move(pieces));
    return result;
}

std::vector<Json> cases() {
    std::ifstream file(WEIR_SOURCE_DIR "/modules/http/llhttp_cases.json");
    const Json all = Json::parse(file);
    return all;
}

}  // namespace

TEST_CASE("of the inputs of llhttp's tests nothing is handled that llhttp would not take") {
    std::size_t count = 0;
    for (const Json& one : cases()) {
        INFO(one.at("name"));
        const std::string bytes = bytes_of(one.at("bytes").get<std::string>());
        const Result whole = result_of(bytes, bytes.size());
        const auto taken = one.value("requests", std::vector<std::string>());
        REQUIRE(whole.requests.size() <= taken.size());
        CHECK(std::equal(whole.requests.begin(), whole.requests.end(), taken.begin()));
        if (one.value("refused", false)) {
            CHECK_FALSE(whole.answers.empty());
        }
        CHECK(result_of(bytes, 1).answers == whole.answers);
        ++count;
    }
    CHECK(count > 130);
}

TEST_CASE("requests of llhttp's tests are handled, but for what weir refuses on purpose") {
    for (const Json& one : cases()) {
        const std::string name = one.at("name").get<std::string>();
        const auto taken = one.value("requests", std::vector<std::string>());
        const Result whole = result_of(bytes_of(one.at("bytes").get<std::string>()), 100'000);
        INFO(name << "\n" << whole.answers);
        const std::string stricter = one.value("stricter", "");
        CHECK((whole.requests.size() == taken.size()) == stricter.empty());
        if (!stricter.empty()) {
            CHECK(whole.answers.find(stricter) != std::string::npos);
        }
    }
}

}  // namespace weir::http
