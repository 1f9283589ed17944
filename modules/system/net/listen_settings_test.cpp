#include "modules/system/net/listen_settings.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/net/listener.h"
#include "modules/system/module/app_check.h"
#include "modules/testing/simulated_server.h"
#include "tests/support/certificates.h"

using namespace weir;

namespace {

// Returns what the check of a module finds, a line each.
std::string found_in(const std::vector<ListenSettings>& listeners, bool runs = false) {
    const config::Configuration configuration = SimulatedServer::read("{}");
    config::Problems problems;
    config::Problems warnings;
    check_listeners(AppCheck("door", configuration, problems, warnings, {}, {}, runs), listeners);
    std::string text;
    for (const config::Problem& problem : problems) {
        text += problem.path + ": " + problem.what + "\n";
    }
    for (const config::Problem& warning : warnings) {
        text += "warning: " + warning.path + ": " + warning.what + "\n";
    }
    return text;
}

}  // namespace

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

TEST_CASE("files of TLS that a listener cannot use are found before it starts") {
    testing::Authority authority;
    const std::string right = authority.sign("server").certificate;
    const std::string other = authority.sign("other").key;
    ListenSettings listener;
    listener.address = "tls://:1";
    listener.anonymous.emplace();
    TlsSettings& tls = listener.tls.emplace();
    const std::string place = "module.door.listen[0].tls: ";

    tls.certificate = tls.key = right;
    CHECK(found_in({listener}) == "");

    tls.key = other;
    const std::string mismatch = place + "reading the key " + other + ": key values mismatch\n";
    CHECK(found_in({listener}) == mismatch);
    CHECK(found_in({listener}, true) == "warning: " + mismatch);

    tls.key = "/no/such.key";
    CHECK_THAT(found_in({listener}), Catch::StartsWith(place + "reading the key /no/such.key: "));

    tls.certificate = tls.key = authority.sign("expired", {.begins = -7200, .ends = -60}).key;
    CHECK_THAT(found_in({listener}),
               Catch::StartsWith("warning: " + place + "the certificate " + tls.key +
                                 " has expired: it was valid until "));
    tls.certificate = tls.key = authority.sign("early", {.begins = 3600, .ends = 7200}).key;
    CHECK_THAT(found_in({listener}), Catch::StartsWith("warning: " + place + "the certificate " +
                                                       tls.key + " is not valid yet, but from "));
}

TEST_CASE("a group of a socket that the machine does not have is found before it listens") {
    ListenSettings listener;
    listener.address = "unix:/tmp/socket";
    listener.anonymous.emplace();
    listener.group = "no_such_group";
    CHECK(found_in({listener}) ==
          "module.door.listen[0].group: this machine has no group 'no_such_group'\n");
}
