#include "modules/http/request_parser.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "modules/http/http_error.h"

namespace weir::http {

namespace {

// What the parser makes of a head: "GET /a?b host=x", or the status and the reason.
std::string parse(const std::string& head, HttpLimits limits = {}) {
    RequestParser parser(limits);
    try {
        const std::size_t size = parser.find_head(head);
        if (size == 0) {
            return "incomplete";
        }
        CHECK(size == head.size());
        parser.parse_head(std::string_view(head).substr(0, size));
    } catch (const HttpError& error) {
        return std::to_string(error.status()) + " " + error.what();
    }
    const Request& request = parser.request();
    std::string text(request.method);
    text.append(" ").append(request.path);
    text.append(request.query.empty() ? "" : "?").append(request.query);
    text.append(" host=").append(request.host);
    text += request.chunked ? " chunked" : "";
    text += request.length != 0 ? " length=" + std::to_string(request.length) : "";
    text += request.keep_alive ? "" : " close";
    return text;
}

std::string with(const std::string& header) {
    return parse("POST /a HTTP/1.1\r\nHost: x\r\n" + header + "\r\n\r\n");
}

// The data of a chunked body that comes in pieces of the size, or the status of the error.
std::string chunks(const std::string& bytes, std::size_t step) {
    const HttpLimits limits;
    RequestParser parser(limits);
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    REQUIRE(parser.find_head(head) == head.size());
    parser.parse_head(head);
    std::string data;
    std::string input;
    std::size_t sent = 0;
    try {
        for (;;) {
            if (input.empty()) {
                if (sent == bytes.size()) {
                    return data + " (incomplete)";
                }
                input = bytes.substr(sent, step);
                sent += input.size();
            }
            const RequestParser::Piece piece = parser.parse_chunks(input);
            data += input.substr(piece.skip, piece.size);
            input.erase(0, piece.skip + piece.size + piece.after);
            if (piece.end) {
                return data + (input.empty() && sent == bytes.size() ? "" : " (more)");
            }
        }
    } catch (const HttpError& error) {
        return std::to_string(error.status());
    }
}

}  // namespace

TEST_CASE("a head is read with its target, host and framing") {
    CHECK(parse("GET /a/b?c=d HTTP/1.1\r\nHost: x:80\r\n\r\n") == "GET /a/b?c=d host=x:80");
    CHECK(parse("GET / HTTP/1.0\r\n\r\n") == "GET / host= close");
    CHECK(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") == "GET / host=");
    CHECK(parse("GET http://y?q HTTP/1.1\r\nHost: x\r\n\r\n") == "GET /?q host=y");
    CHECK(parse("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n") == "OPTIONS * host=x");
    CHECK(with("Content-Length: 12  ") == "POST /a host=x length=12");
    CHECK(with("Transfer-Encoding: Chunked") == "POST /a host=x chunked");
    CHECK(with("Connection: a, close") == "POST /a host=x close");
    CHECK(with("Connection: Upgrade\r\nUpgrade: h2c") == "POST /a host=x");
    CHECK(parse("GET / HTTP/1.1\r\nHost: x\r\n") == "incomplete");
}

TEST_CASE("what two programs may read in two ways is no request") {
    const std::string folded = "400 a header is folded into several lines";
    const std::string bare = "400 a line ends with LF, expected CR LF";
    CHECK(with("A: b\r\n c") == folded);
    CHECK(with("A: b\r\n\tc") == folded);
    CHECK(with("A: b\nC: d") == bare);
    CHECK(parse("GET / HTTP/1.1\nHost: x\n\n") == bare);
    CHECK(with(": b") == "400 a header has no name");
    for (const char* wrong :
         {"A : b", "A: b\rC: d", "A: b\x01", "A b", "Content-Length: 1\r\nContent-Length: 1",
          "Content-Length: 1, 1", "Content-Length: +1", "Content-Length: -1", "Content-Length: 0x1",
          "Content-Length:", "Content-Length: 1 1", "Content-Length: 99999999999999999999",
          "Content-Length: 1\r\nTransfer-Encoding: chunked",
          "Transfer-Encoding: chunked\r\nContent-Length: 1", "Transfer-Encoding: chunked, gzip",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Transfer-Encoding:\vchunked",
          "Host: y"}) {
        INFO(wrong);
        CHECK(with(wrong).starts_with("400 "));
    }
    for (const char* wrong : {"Transfer-Encoding: gzip, chunked", "Transfer-Encoding: xchunked",
                              "Transfer-Encoding: identity"}) {
        INFO(wrong);
        CHECK(with(wrong) == "501 the only Transfer-Encoding is chunked");
    }
    CHECK(parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n") ==
          "400 HTTP/1.0 has no Transfer-Encoding");
    CHECK(parse("GET / HTTP/1.1\r\n\r\n") == "400 the header Host is missing");
}

TEST_CASE("a wrong request line is refused with the status that says why") {
    const std::string rest = "\r\nHost: x\r\n\r\n";
    CHECK(parse("GET  / HTTP/1.1" + rest).starts_with("400 "));
    CHECK(parse(" GET / HTTP/1.1" + rest).starts_with("400 "));
    CHECK(parse("GET /a b HTTP/1.1" + rest).starts_with("400 "));
    CHECK(parse("GET /\x80 HTTP/1.1" + rest).starts_with("400 "));
    CHECK(parse("GET a HTTP/1.1" + rest).starts_with("400 "));
    CHECK(parse("GET * HTTP/1.1" + rest).starts_with("400 "));
    CHECK(parse("GET / HTTP/1.1 " + rest).starts_with("505 "));
    CHECK(parse("GET / HTTP/1.2" + rest).starts_with("505 "));
    CHECK(parse("GET / HTTP/2.0" + rest).starts_with("505 "));
    CHECK(parse("GET /" + rest).starts_with("505 "));
    CHECK(parse("BREW / HTTP/1.1" + rest) == "501 the method 'BREW' is unknown");
    CHECK(parse("get / HTTP/1.1" + rest) == "501 the method 'get' is unknown");
    CHECK(parse("CONNECT x:80 HTTP/1.1" + rest) == "501 the server is no proxy");
    CHECK(with("Expect: tea") == "417 the only Expect is 100-continue");
}

TEST_CASE("limits of a head are checked before its end has come") {
    HttpLimits limits{.target = 100, .head = 400, .headers = 3};
    const std::string begin = "GET / HTTP/1.1\r\nHost: x\r\n";
    CHECK(parse("GET /" + std::string(200, 'a'), limits).starts_with("414 "));
    CHECK(parse("GET /" + std::string(110, 'a') + " HTTP/1.1\r\nHost: x\r\n\r\n", limits)
              .starts_with("414 "));
    CHECK(parse(begin + "A: " + std::string(400, 'a'), limits).starts_with("431 "));
    CHECK(parse(begin + "A: b\r\nB: c\r\n\r\n", limits) == "GET / host=x");
    CHECK(parse(begin + "A: b\r\nB: c\r\nC: d\r\n\r\n", limits) ==
          "431 the request has more than 3 headers");
}

TEST_CASE("chunks are joined, however they come, and bad ones are refused") {
    for (const std::size_t step : {1UL, 2UL, 3UL, 5UL, 1000UL}) {
        INFO(step);
        CHECK(chunks("3\r\nabc\r\n0\r\n\r\n", step) == "abc");
        CHECK(chunks("0\r\n\r\n", step).empty());
        CHECK(chunks("3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: v\r\n\r\n", step) ==
              "abc0123456789");
        CHECK(chunks("3\r\nab", step) == "ab (incomplete)");
        for (const char* wrong :
             {"3\nabc\r\n", "3\r\nabc\n0\r\n\r\n", "3\r\nabcd\r\n", "3 \r\nabc\r\n", "0x3\r\nabc",
              "+3\r\nabc", "-1\r\n", "\r\n", ";\r\n", "3;\nabc\r\n", "3\r\r\nabc",
              "fffffffffffffffff\r\n", "0\r\nA : b\r\n\r\n", "0\r\nA: b\n\r\n"}) {
            INFO(wrong);
            CHECK(chunks(wrong, step) == "400");
        }
        CHECK(chunks("1;" + std::string(5000, 'x') + "\r\na\r\n", step) == "431");
        CHECK(chunks("0\r\nA: " + std::string(5000, 'x') + "\r\n\r\n", step) == "431");
    }
}

TEST_CASE("a chunked body that was refused stays refused, although its end has come") {
    const HttpLimits limits;
    RequestParser parser(limits);
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    REQUIRE(parser.find_head(head) == head.size());
    parser.parse_head(head);
    CHECK_THROWS_AS(parser.parse_chunks("0\r\nA: " + std::string(5000, 'x') + "\r\n\r\n"),
                    HttpError);
    CHECK_THROWS_AS(parser.parse_chunks("0\r\n\r\n"), HttpError);
}

}  // namespace weir::http
