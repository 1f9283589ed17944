#include "modules/resp/other_protocol.h"

#include <catch2/catch.hpp>

using weir::resp::other_protocol;

TEST_CASE("the first line of any HTTP request is one of HTTP") {
    for (const char* line :
         {"GET / HTTP/1.1", "GET /lock?key=a HTTP/1.0", "OPTIONS * HTTP/1.1", "PUT /' HTTP/1.1",
          "CONNECT localhost:80 HTTP/1.1", "PRI * HTTP/2.0", "CALL / HTTP/1.1", "POST / HTTP/1.1",
          "POST", "post /", "Host: localhost:6380", "HOST:localhost", "host:"}) {
        CAPTURE(line);
        CHECK(other_protocol(line) == "HTTP");
    }
}

TEST_CASE("the start of a handshake is one of TLS") {
    CHECK(other_protocol("\x16\x03\x01\x02") == "TLS");
}

TEST_CASE("a command that a person typed is of no other protocol") {
    for (const char* line : {"", " ", "PING", "LOCK key", "LOCK key TIMEOUT 5", "ECHO HTTP/1.1",
                             "LOCK POST", "POSTAL", "HOST", "HOSTS: a", "LOCK a HTTP/11",
                             "LOCK a HTTP/1.1 TIMEOUT", "\x16", "LOCK  HTTP/1.1"}) {
        CAPTURE(line);
        CHECK(other_protocol(line).empty());
    }
}
