#include "modules/resp/parser.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace weir::resp {
namespace {

using Status = RequestParser::Status;

// What came out of a parser, as text: "LOCK|key", "refused: why", "broken: why".
std::vector<std::string> read_all(RequestParser& parser, std::string_view input) {
    std::vector<std::string> result;
    while (!input.empty()) {
        switch (parser.parse(input)) {
            case Status::incomplete:
                break;
            case Status::complete: {
                const Request request = std::move(parser.request());
                std::string text(request[0]);
                for (std::size_t i = 1; i != request.size(); ++i) {
                    text.append("|").append(request[i]);
                }
                result.push_back(std::move(text));
                break;
            }
            case Status::refused:
                result.push_back("refused: " + parser.reason());
                break;
            case Status::broken:
                result.push_back("broken: " + parser.reason());
                return result;
            case Status::other_protocol:
                result.push_back("speaks " + parser.reason());
                return result;
        }
    }
    return result;
}

constexpr RequestLimits small{
    .arguments = 3, .argument_bytes = 8, .request_bytes = 12, .line_bytes = 20};

std::vector<std::string> read_all(std::string_view input, RequestLimits limits = small) {
    RequestParser parser(limits);
    return read_all(parser, input);
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("an array of bulk strings is a request") {
    CHECK(read_all("*2\r\n$4\r\nLOCK\r\n$3\r\nkey\r\n") == Texts{"LOCK|key"});
    CHECK(read_all("*2\r\n$4\r\nLOCK\r\n$0\r\n\r\n") == Texts{"LOCK|"});
    CHECK(read_all("*1\r\n$4\r\n\r\n$1\r\n") == Texts{"\r\n$1"});
}

TEST_CASE("a line is a request, with or without a carriage return") {
    CHECK(read_all("LOCK key\r\nPING\n") == Texts{"LOCK|key", "PING"});
    CHECK(read_all("LOCK 'a b'\n") == Texts{"LOCK|a b"});
}

TEST_CASE("a line of another protocol ends all, and nothing behind it is a request") {
    CHECK(read_all("PING\r\nGET /' HTTP/1.1\r\nPING\r\n") == Texts{"PING", "speaks HTTP"});
    CHECK(read_all("Host: a\n*1\r\n$4\r\nPING\r\n") == Texts{"speaks HTTP"});
    CHECK(read_all("\x16\x03\x01\nPING\n") == Texts{"speaks TLS"});
    RequestParser parser(small);
    CHECK(read_all(parser, "GET / HT").empty());
    CHECK(read_all(parser, "TP/1.1\r\nPING\r\n") == Texts{"speaks HTTP"});
    CHECK(read_all(parser, "PING\r\n") == Texts{"broken: HTTP"});
}

TEST_CASE("requests follow each other in one piece") {
    CHECK(read_all("*1\r\n$4\r\nPING\r\nECHO a\r\n*2\r\n$4\r\nECHO\r\n$1\r\nb\r\n") ==
          Texts{"PING", "ECHO|a", "ECHO|b"});
}

TEST_CASE("empty requests are skipped") {
    CHECK(read_all("\r\n\n  \r\n*0\r\n*-1\r\nPING\r\n") == Texts{"PING"});
}

TEST_CASE("a line with quotes that do not fit is refused, and the next one is read") {
    CHECK(read_all("ECHO \"a\r\nPING\r\n") ==
          Texts{"refused: Protocol error: unbalanced quotes in request", "PING"});
}

TEST_CASE("a request above a limit is skipped, and the next one is read") {
    CHECK(read_all("*4\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\nPING\r\n") ==
          Texts{"refused: too many arguments: 4, at most 3 are allowed", "PING"});
    CHECK(read_all("a b c d\r\nPING\r\n") ==
          Texts{"refused: too many arguments: 4, at most 3 are allowed", "PING"});
    CHECK(read_all("*2\r\n$1\r\na\r\n$9\r\n123456789\r\nPING\r\n") ==
          Texts{"refused: an argument of 9 bytes, at most 8 are allowed", "PING"});
    CHECK(read_all("*2\r\n$7\r\n1234567\r\n$6\r\n123456\r\nPING\r\n") ==
          Texts{"refused: a request of more than 12 bytes", "PING"});
}

TEST_CASE("the limit of an argument counts in lines too") {
    CHECK(read_all("PING 123456789\nPING\n") ==
          Texts{"refused: an argument of 9 bytes, at most 8 are allowed", "PING"});
}

TEST_CASE("requests as large as the limits are read") {
    CHECK(read_all("*3\r\n$8\r\n12345678\r\n$4\r\n1234\r\n$0\r\n\r\n") == Texts{"12345678|1234|"});
    CHECK(read_all("12345678 12345678 ab\n") == Texts{"12345678|12345678|ab"});
}

TEST_CASE("what cannot be understood breaks the connection") {
    CHECK(read_all("*2\r\n:1\r\n") == Texts{"broken: Protocol error: expected '$', got ':'"});
    CHECK(read_all("*1\r\n\n") == Texts{"broken: Protocol error: expected '$', got '\\n'"});
    const std::string count = "broken: Protocol error: invalid multibulk length";
    for (const char* input :
         {"*\r\n", "*a\r\n", "*1\n", "*1\rx", "*--1\r\n", "*-\r\n", "*01\r\n", "*-0\r\n", "*+1\r\n",
          "* 1\r\n", "*1 \r\n", "*1048577\r\n", "*99999999999999999999\r\n", "*-99999999999\r\n"}) {
        INFO(input);
        CHECK(read_all(input) == Texts{count});
    }
    const std::string length = "broken: Protocol error: invalid bulk length";
    for (const char* input : {"*1\r\n$\r\n", "*1\r\n$-1\r\n", "*1\r\n$x\r\n", "*1\r\n$00\r\n",
                              "*1\r\n$536870913\r\n", "*1\r\n$4294967297\r\n"}) {
        INFO(input);
        CHECK(read_all(input) == Texts{length});
    }
    CHECK(read_all("*1\r\n$1\r\nab\r\n") ==
          Texts{"broken: Protocol error: an argument is longer than its length says"});
    CHECK(read_all("*1\r\n$1\r\na\rb") ==
          Texts{"broken: Protocol error: an argument is longer than its length says"});
}

TEST_CASE("a line that does not end breaks the connection, however it comes") {
    const Texts too_big{"broken: Protocol error: too big inline request"};
    CHECK(read_all(std::string(21, 'a')) == too_big);
    CHECK(read_all(std::string(21, 'a') + "\n") == too_big);
    RequestParser parser(small);
    CHECK(read_all(parser, std::string(20, 'a')).empty());
    CHECK(read_all(parser, "a") == too_big);
}

TEST_CASE("a broken parser takes everything and stays broken") {
    RequestParser parser;
    std::string_view wrong = "*xyz";
    CHECK(parser.parse(wrong) == Status::broken);
    CHECK(wrong.empty());
    std::string_view more = "PING\r\n";
    CHECK(parser.parse(more) == Status::broken);
    CHECK(more.empty());
    CHECK(parser.reason() == "Protocol error: invalid multibulk length");
}

TEST_CASE("a parser knows whether a request has begun") {
    RequestParser parser;
    CHECK_FALSE(parser.in_request());
    read_all(parser, "*");
    CHECK(parser.in_request());
    read_all(parser, "1\r\n$4\r\nPING\r");
    CHECK(parser.in_request());
    read_all(parser, "\n");
    CHECK_FALSE(parser.in_request());
}

TEST_CASE("requests are the same wherever the bytes are split") {
    const std::vector<std::string> inputs{
        "*2\r\n$4\r\nLOCK\r\n$5\r\na\r\nb\n\r\n\r\n*0\r\nECHO 'a b' \"\\x41\"\r\nPING\n*1\r\n$0\r\n"
        "\r\n",
        "*4\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n$1\r\nd\r\n*2\r\n$1\r\na\r\n$10\r\n1234567890\r\n"
        "a \"\r\nPING\r\n*1\r\n$1\r\nabc",
        "*3\r\n$8\r\n12345678\r\n$4\r\n1234\r\n$1\r\nx\r\n*1\r\n$-5\r\nPING\r\n",
        "12345678901234567890\r\n",
    };
    for (const std::string& input : inputs) {
        const Texts whole = read_all(input);
        REQUIRE_FALSE(whole.empty());
        for (std::size_t i = 0; i <= input.size(); ++i) {
            for (std::size_t j = i; j <= input.size(); ++j) {
                RequestParser parser(small);
                Texts pieces;
                for (const auto& [from, to] :
                     {std::pair<std::size_t, std::size_t>{0, i}, {i, j}, {j, input.size()}}) {
                    const Texts part =
                        read_all(parser, std::string_view(input).substr(from, to - from));
                    pieces.insert(pieces.end(), part.begin(), part.end());
                    if (!part.empty() && part.back().starts_with("broken")) break;
                }
                if (pieces != whole) {
                    FAIL("split at " << i << " and " << j << " of " << input);
                }
            }
        }
    }
}

}  // namespace weir::resp
