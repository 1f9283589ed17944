// Responses that are compressed, and those that are not.

#include <string>
#include <utility>

#include "modules/http/gzip.h"
#include "modules/http/test_world.h"

namespace weir::http {

namespace {

struct Answered {
    std::string head;
    std::string body;  // as it came, without the frames of chunks
};

// Takes the chunks out of a body.
std::string unchunked(std::string_view body) {
    std::string result;
    while (!body.empty()) {
        const std::size_t size = std::stoul(std::string(body), nullptr, 16);
        body.remove_prefix(body.find("\r\n") + 2);
        result += body.substr(0, size);
        body.remove_prefix(size + 2);
    }
    return result;
}

std::string decoded(std::string_view bytes) {
    GzipDecoder decoder;
    std::string result;
    for (;;) {
        const GzipDecoder::Step step = decoder.decode(bytes);
        bytes.remove_prefix(step.taken);
        result += step.output;
        if (step.output.empty() && bytes.empty()) {
            CHECK(decoder.ended());
            return result;
        }
    }
}

Answered ask(Response response, const std::string& headers, const std::string& method = "GET",
             HttpLimits limits = {}) {
    HttpWorld world(
        [&response](Exchange& exchange) {
            Response copy = response;
            return exchange.respond(std::move(copy));
        },
        limits);
    const std::string all = world.send({method + " / HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n"});
    const std::size_t end = all.find("\r\n\r\n") + 4;
    Answered answered{all.substr(0, end), all.substr(end)};
    if (answered.head.find("\r\nTransfer-Encoding: chunked\r\n") != std::string::npos) {
        answered.body = unchunked(answered.body);
    }
    return answered;
}

Response text(std::size_t size, const char* type = "text/plain") {
    Response response;
    response.headers.set("Content-Type", type);
    response.headers.set("ETag", "\"a\"");
    while (response.body.size() < size) {
        response.body += "line " + std::to_string(response.body.size()) + "\n";
    }
    return response;
}

bool has(const std::string& all, const char* part) {
    return all.find(part) != std::string::npos;
}

constexpr const char* takes_gzip = "Accept-Encoding: br, gzip;q=0.5\r\n";

}  // namespace

TEST_CASE("a long text is compressed for a client that takes it") {
    const Response response = text(200'000);
    const Answered answered = ask(response, takes_gzip);
    CHECK(has(answered.head, "\r\nContent-Encoding: gzip\r\n"));
    CHECK(has(answered.head, "\r\nVary: Accept-Encoding\r\n"));
    CHECK(has(answered.head, "\r\nETag: W/\"a\"\r\n"));
    CHECK_FALSE(has(answered.head, "Content-Length"));
    CHECK(answered.body.size() < response.body.size() / 3);
    CHECK(decoded(answered.body) == response.body);
    const Answered head = ask(response, takes_gzip, "HEAD");
    CHECK(head.head == answered.head);
    CHECK(head.body.empty());
}

TEST_CASE("a client that takes no gzip gets the text itself, and caches learn that it differs") {
    const Response response = text(2000, "application/json");
    for (const char* headers : {"", "Accept-Encoding: br\r\n", "Accept-Encoding: gzip;q=0\r\n",
                                "Accept-Encoding: gzip; q=0.000\r\n"}) {
        INFO(headers);
        const Answered answered = ask(response, headers);
        CHECK_FALSE(has(answered.head, "Content-Encoding"));
        CHECK(has(answered.head, "\r\nVary: Accept-Encoding\r\n"));
        CHECK(has(answered.head, "\r\nETag: \"a\"\r\n"));
        CHECK(answered.body == response.body);
    }
}

TEST_CASE("what would not become much shorter, or must come at once, is not compressed") {
    const auto is_compressed = [](const Response& response, HttpLimits limits = {}) {
        return has(ask(response, takes_gzip, "GET", limits).head, "gzip");
    };
    CHECK(is_compressed(text(2000)));
    CHECK_FALSE(is_compressed(text(900)));
    CHECK_FALSE(is_compressed(text(2000, "image/png")));
    Response encoded = text(2000);
    encoded.headers.set("Content-Encoding", "br");
    CHECK_FALSE(is_compressed(encoded));
    Response failed = text(2000);
    failed.status = 404;
    CHECK_FALSE(is_compressed(failed));
    CHECK_FALSE(is_compressed(text(2000), HttpLimits{.compressed_from = 0}));

    HttpWorld world([](Exchange& exchange) -> Task<> {
        Headers headers;
        headers.set("Content-Type", "text/event-stream");
        co_await exchange.begin(200, std::move(headers));
        co_await exchange.write(std::string(2000, 'a'));
    });
    CHECK_FALSE(has(
        world.send({std::string("GET / HTTP/1.1\r\nHost: x\r\n") + takes_gzip + "\r\n"}), "gzip"));
}

}  // namespace weir::http
