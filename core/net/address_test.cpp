#include "core/net/address.h"

#include <catch2/catch.hpp>

using namespace weir;

namespace {

std::string error_of(std::string_view text) {
    try {
        Address::parse(text);
    } catch (const AddressError& error) {
        return error.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("an address is parsed and written as people write it") {
    const auto text =
        GENERATE("tcp://localhost:80", "tcp://127.0.0.1:0", "tcp://[::1]:65535", "tcp://:4000",
                 "unix:/run/weir.sock", "unix:relative", "systemd:lockd.socket");
    REQUIRE(Address::parse(text).text() == text);
}

TEST_CASE("an address is split into its parts") {
    const Address v6 = Address::parse("tcp://[fe80::1]:99");
    CHECK(v6.kind == Address::Kind::tcp);
    CHECK(v6.host == "fe80::1");
    CHECK(v6.port == 99);
    CHECK(Address::parse("tcp://host", 1234).port == 1234);
    const Address local = Address::parse("unix:///run/x");
    CHECK(local.kind == Address::Kind::unix_socket);
    CHECK(local.path == "/run/x");
}

TEST_CASE("a wrong address is refused with the reason and what is expected") {
    const std::string expected =
        "; an address is tcp://host:port, tcp://[ipv6 address]:port, tls:// with either, "
        "unix:/path, or systemd:name for servers";
    CHECK(error_of("localhost") == "address 'localhost': it begins with no kind" + expected);
    CHECK(error_of("udp://host:1") == "address 'udp://host:1': its kind is unknown" + expected);
    CHECK(error_of("tcp://host") == "address 'tcp://host': the port is missing" + expected);
    CHECK(error_of("tcp://host:http") ==
          "address 'tcp://host:http': the port 'http' is not a number from 0 to 65535" + expected);
    CHECK(error_of("tcp://host:65536") ==
          "address 'tcp://host:65536': the port '65536' is not a number from 0 to 65535" +
              expected);
    CHECK(error_of("tcp://host:") ==
          "address 'tcp://host:': the port '' is not a number from 0 to 65535" + expected);
    CHECK(error_of("tcp://::1:80") ==
          "address 'tcp://::1:80': an IPv6 address needs brackets" + expected);
    CHECK(error_of("tcp://[::1:80") == "address 'tcp://[::1:80': a ']' is missing" + expected);
    CHECK(error_of("tcp://[x]:80") ==
          "address 'tcp://[x]:80': 'x' is not an IPv6 address" + expected);
    CHECK(error_of("tcp://[::1]80") ==
          "address 'tcp://[::1]80': '80' is not expected after the host" + expected);
    CHECK(error_of("systemd:") == "address 'systemd:': the name is missing" + expected);
    CHECK(error_of("unix:") == "address 'unix:': the path is missing" + expected);
    CHECK_THAT(error_of("unix:/" + std::string(200, 'x')),
               Catch::Contains("1 to 107 bytes, not 201"));
}

TEST_CASE("an address of a socket that only this machine can reach is known as such") {
    for (const char* const host : {"127.0.0.1", "127.8.8.8", "::1"}) {
        CHECK(SocketAddress::of_number(host, 80)->is_local());
    }
    for (const char* const host : {"0.0.0.0", "::", "10.0.0.1", "fe80::1", "128.0.0.1"}) {
        CHECK_FALSE(SocketAddress::of_number(host, 80)->is_local());
    }
    CHECK(SocketAddress::of_unix("/run/x").is_local());
    CHECK(SocketAddress::of_number("::1", 80)->with_port(99).text() == "tcp://[::1]:99");
}

TEST_CASE("the address of a socket is written as it is parsed") {
    CHECK(SocketAddress::of_number("127.0.0.1", 80)->text() == "tcp://127.0.0.1:80");
    CHECK(SocketAddress::of_number("::1", 80)->text() == "tcp://[::1]:80");
    CHECK_FALSE(SocketAddress::of_number("localhost", 80));
    CHECK(SocketAddress::of_unix("/run/x").text() == "unix:/run/x");
    CHECK(SocketAddress().text() == "no address");
}
