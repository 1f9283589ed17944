#include "modules/system/net/listen_settings.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/net/listener.h"

using namespace weir;

TEST_CASE("permissions of a socket's file are three or four octal digits") {
    CHECK(file_mode("0660") == 0660);
    CHECK(file_mode("600") == 0600);
    for (const char* const wrong : {"", "66", "0888", "660x", "1777", "-660"}) {
        INFO(wrong);
        CHECK_FALSE(file_mode(wrong));
    }
}

TEST_CASE("every address of a module that is wrong is named, with what is wrong") {
    ListenSettings without_certificate;
    without_certificate.address = "tls://:7";
    ListenSettings with_mode;
    with_mode.address = "tcp://:8";
    with_mode.mode = "0660";
    ListenSettings with_certificate;
    with_certificate.address = "unix:/tmp/socket";
    with_certificate.tls.emplace();
    CHECK(wrong_listeners({"tcp://:6380", with_mode, without_certificate, with_certificate}) ==
          "tcp://:8 is no Unix socket, and has neither mode nor group; "
          "tls://:7 needs a certificate and a key: {\"address\": \"tls://:7\", \"tls\": "
          "{\"certificate\": \"FILE\", \"key\": \"FILE\"}}; "
          "unix:/tmp/socket has tls, and is no tls:// address");
    with_certificate.address = "systemd:web";
    CHECK(wrong_listeners({"tcp://:6380", "unix:/tmp/socket", "systemd:web", with_certificate}) ==
          "");
    CHECK(wrong_listeners({"http://localhost"}) != "");
}

TEST_CASE("an address that does not say what clients without a login may do has the default") {
    ListenSettings closed;
    closed.address = "tcp://:6381";
    closed.anonymous.emplace();
    const std::vector<ListenSettings> listeners = listeners_of({"tcp://:6380", closed}, {"guest"});
    REQUIRE(listeners.size() == 2);
    CHECK(listeners[0].address == "tcp://:6380");
    CHECK(listeners[0].anonymous == std::vector<std::string>{"guest"});
    CHECK(listeners[1].address == "tcp://:6381");
    CHECK(listeners[1].anonymous == std::vector<std::string>());
}

TEST_CASE("a group that the machine does not have is named when the module begins to listen") {
    ListenSettings listener;
    listener.address = "unix:/tmp/socket";
    listener.mode = "0640";
    CHECK(listener.options().unix_mode == 0640);
    CHECK_FALSE(listener.options().unix_group);
    listener.group = "root";
    CHECK(listener.options().unix_group == gid_t(0));
    listener.group = "no such group";
    CHECK_THROWS_WITH(listener.options(), "this machine has no group 'no such group'");
}
