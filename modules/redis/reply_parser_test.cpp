#include "modules/redis/reply_parser.h"

#include <cmath>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

using namespace weir::redis;

namespace {

std::string shown(const Reply& reply) {
    switch (reply.type) {
        case Reply::Type::nil:
            return "nil";
        case Reply::Type::boolean:
            return reply.integer != 0 ? "true" : "false";
        case Reply::Type::integer:
            return std::to_string(reply.integer);
        case Reply::Type::number:
            return std::isfinite(reply.number) ? std::to_string(reply.number) : "not finite";
        case Reply::Type::text:
            return '"' + reply.text + '"';
        case Reply::Type::status:
            return reply.text;
        case Reply::Type::error:
            return "error " + reply.text;
        default:
            break;
    }
    std::string all = reply.type == Reply::Type::map    ? "map("
                      : reply.type == Reply::Type::push ? "push("
                                                        : "(";
    for (const Reply& item : reply.items) {
        all += (all.back() == '(' ? "" : " ") + shown(item);
    }
    return all + ')';
}

// Returns the replies, one a line, or the error; the bytes come in pieces of this length.
std::string parsed(std::string_view bytes, std::size_t piece, ReplyLimits limits = {}) {
    ReplyParser parser(limits);
    std::string all;
    try {
        while (!bytes.empty()) {
            std::string_view part = bytes.substr(0, piece);
            bytes.remove_prefix(part.size());
            while (!part.empty()) {
                if (const auto reply = parser.read(part)) {
                    all += shown(*reply) + '\n';
                }
            }
        }
    } catch (const ReplyError& error) {
        all += error.what();
    }
    return all;
}

std::string parsed(std::string_view bytes) {
    const std::string whole = parsed(bytes, bytes.size());
    for (std::size_t piece = 1; piece != bytes.size(); ++piece) {
        INFO("pieces of " << piece);
        CHECK(parsed(bytes, piece) == whole);
    }
    return whole;
}

}  // namespace

TEST_CASE("replies of version 2 are read, in whatever pieces they come") {
    CHECK(parsed("+OK\r\n-ERR wrong\r\n:-7\r\n$5\r\na\r\nb \r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n") ==
          "OK\nerror ERR wrong\n-7\n\"a\r\nb \"\n\"\"\nnil\nnil\n()\n");
    CHECK(parsed("*3\r\n:1\r\n*2\r\n$1\r\nx\r\n*0\r\n$-1\r\n:2\r\n") == "(1 (\"x\" ()) nil)\n2\n");
}

TEST_CASE("replies of version 3 keep their types, and attributes are dropped") {
    CHECK(
        parsed("_\r\n#t\r\n#f\r\n,1.5\r\n,inf\r\n,-inf\r\n,nan\r\n(12345678901234567890123\r\n") ==
        "nil\ntrue\nfalse\n1.500000\nnot finite\nnot finite\nnot finite\n"
        "\"12345678901234567890123\"\n");
    CHECK(parsed("!5\r\nERR x\r\n=8\r\ntxt:some\r\n~2\r\n:1\r\n:2\r\n") ==
          "error ERR x\n\"some\"\n(1 2)\n");
    CHECK(parsed("%2\r\n+a\r\n:1\r\n+b\r\n%1\r\n+c\r\n#t\r\n") == "map(a 1 b map(c true))\n");
    CHECK(parsed(">2\r\n+message\r\n+x\r\n:1\r\n") == "push(message x)\n1\n");
    CHECK(parsed("|1\r\n+ttl\r\n:60\r\n*2\r\n|1\r\n+a\r\n:1\r\n:5\r\n:6\r\n|0\r\n:7\r\n") ==
          "(5 6)\n7\n");
}

TEST_CASE("what is no reply, or too large a one, is an error that says why") {
    const auto fails = [](const std::string& bytes) { return parsed(bytes, bytes.size()); };
    CHECK(fails("HTTP/1.1 400 Bad Request\r\n") ==
          "this is no reply of the Redis protocol: 'HTTP/1.1 400 Bad Request'");
    CHECK(fails("\r\n") == "this is no reply of the Redis protocol: ''");
    CHECK(fails("+OK\n") == "this is no reply of the Redis protocol: '+OK\\n'");
    CHECK(fails(":1x\r\n") == "this is no reply of the Redis protocol: '1x'");
    CHECK(fails("#x\r\n") == "this is no reply of the Redis protocol: '#x'");
    CHECK(fails("*-2\r\n") == "this is no reply of the Redis protocol: '-2'");
    CHECK(fails("$1\r\nabc") == "a text of a reply does not end where its length says");
    CHECK(fails("*1\r\n>1\r\n:1\r\n") == "this is no reply of the Redis protocol: '>1'");
    CHECK(fails("+" + std::string(70'000, 'a')) == "a line of a reply is longer than 65536 bytes");
    CHECK(fails("*9223372036854775807\r\n") == "a reply is larger than 16777216 bytes");
    CHECK(fails("$99999999999\r\n") == "a reply is larger than 16777216 bytes");
}

TEST_CASE("a reply is limited in size and depth, and each has the whole limit for itself") {
    const std::string text = "$1000\r\n" + std::string(1000, 'x') + "\r\n";
    const ReplyLimits limits{.max_size = 4000, .max_depth = 2};
    CHECK(parsed("*2\r\n" + text + text, 100, limits).starts_with("(\"x"));
    CHECK(parsed(text + text + text + text, 100, limits).size() == 4 * 1003);
    CHECK(parsed("*4\r\n" + text + text + text + text, 100, limits) ==
          "a reply is larger than 4000 bytes");
    CHECK(parsed("*1\r\n*1\r\n:1\r\n", 1, limits) == "((1))\n");
    CHECK(parsed("*1\r\n*1\r\n*1\r\n", 1, limits) ==
          "a reply has lists within each other more than 2 deep");
}
