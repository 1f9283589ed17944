#include "modules/resp/writer.h"

#include <limits>
#include <string>

#include <catch2/catch.hpp>

namespace weir::resp {

TEST_CASE("each kind of reply is written as the protocol has it") {
    ReplyWriter reply;
    reply.simple("OK");
    CHECK(reply.take() == "+OK\r\n");
    reply.error("ERR", "no such key");
    CHECK(reply.take() == "-ERR no such key\r\n");
    reply.integer(0);
    reply.integer(std::numeric_limits<std::int64_t>::min());
    CHECK(reply.take() == ":0\r\n:-9223372036854775808\r\n");
    reply.bulk("");
    reply.bulk(std::string_view("a\r\n\0b", 5));
    CHECK(reply.take() == std::string("$0\r\n\r\n$5\r\na\r\n\0b\r\n", 17));
    reply.array(2);
    reply.integer(1);
    reply.nil();
    CHECK(reply.size() == 13);
    CHECK(reply.take() == "*2\r\n:1\r\n$-1\r\n");
    CHECK(reply.size() == 0);
}

TEST_CASE("version 3 has nil and maps of its own") {
    ReplyWriter reply;
    reply.map(1);
    CHECK(reply.take() == "*2\r\n");
    reply.set_version(3);
    reply.map(1);
    reply.bulk("a");
    reply.nil();
    CHECK(reply.take() == "%1\r\n$1\r\na\r\n_\r\n");
}

TEST_CASE("another client's text cannot end a line or flood the client") {
    ReplyWriter reply;
    reply.error("ERR", "a\r\n+OK\r\n");
    reply.simple("b\n");
    CHECK(reply.take() == "-ERR a  +OK  \r\n+b \r\n");
    reply.error("ERR", std::string(5000, 'x'));
    CHECK(reply.take().size() == 1000 + 7);
}

}  // namespace weir::resp
