// Servers that others have written, as peers of the client: Python's, and OpenSSL's for TLS.

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/system/descriptor.h"
#include "core/system/process.h"
#include "modules/http/http_client.h"
#include "tests/support/certificates.h"
#include "tests/support/net.h"

namespace weir::http {

namespace {

// Returns the port that the server names behind the mark in its output, which must stay open: it
// may write more.
Task<std::string> port_in(const FileDescriptor& output, std::string mark) {
    std::string text;
    for (;;) {
        const std::size_t begin = text.find(mark);
        if (begin != std::string::npos) {
            const std::size_t digits = begin + mark.size();
            const std::size_t end = text.find_first_not_of("0123456789", digits);
            if (end != std::string::npos) {
                co_return text.substr(digits, end - digits);
            }
        }
        co_await readable(output.number());
        std::array<char, 1000> bytes{};
        const ssize_t size = ::read(output.number(), bytes.data(), bytes.size());
        REQUIRE(size > 0);
        text.append(bytes.data(), static_cast<std::size_t>(size));
    }
}

Task<> ask_python(testing::World& world, const testing::Authority& files) {
    ProcessOptions options;
    options.command = {"/usr/bin/python3",
                       "-u",
                       "-m",
                       "http.server",
                       "0",
                       "--bind",
                       "127.0.0.1",
                       "--protocol",
                       "HTTP/1.1",
                       "--directory",
                       std::filesystem::path(files.file()).parent_path()};
    options.output = StandardFile::piped;
    options.errors = StandardFile::nothing;
    Process server(world.scheduler, options);
    const FileDescriptor output = server.take_output();
    const std::string port = co_await port_in(output, " port ");
    const std::string url = "http://localhost:" + port + "/";

    HttpClient client(world.scheduler);
    ClientRequest list("GET", url);
    const ClientResponse folder = co_await client.request(std::move(list));
    CHECK(folder.status == 200);
    CHECK(folder.body.find("authority.pem") != std::string::npos);
    ClientRequest asked("GET", url + "authority.pem");
    const ClientResponse file = co_await client.request(std::move(asked));
    CHECK(file.body.starts_with("-----BEGIN CERTIFICATE-----"));
    CHECK(client.connections() == 1);
    ClientRequest head("HEAD", url + "authority.pem");
    const ClientResponse length = co_await client.request(std::move(head));
    CHECK(*length.headers.find("Content-Length") == std::to_string(file.body.size()));
    // Without a body: this server closes with it unread, which may reset the connection.
    ClientRequest post("POST", url);
    const ClientResponse refused = co_await client.request(std::move(post));
    CHECK(refused.status == 501);
}

Task<> ask_openssl(testing::World& world, const testing::Authority& authority,
                   TlsCertificate certificate) {
    ProcessOptions options;
    options.command = {"openssl",
                       "s_server",
                       "-accept",
                       "127.0.0.1:0",
                       "-www",
                       "-cert",
                       certificate.certificate,
                       "-key",
                       certificate.key};
    options.output = StandardFile::piped;
    options.errors = StandardFile::nothing;
    Process server(world.scheduler, options);
    const FileDescriptor output = server.take_output();
    const std::string port = co_await port_in(output, "ACCEPT 127.0.0.1:");
    const std::string url = "https://localhost:" + port + "/";

    HttpClientOptions trusting;
    trusting.connect.tls = TlsContext::client({.authorities = authority.file()});
    ClientRequest asked("GET", url);
    const ClientResponse page = co_await request(std::move(asked), trusting);
    CHECK(page.status == 200);
    CHECK(page.body.find("TLSv1.3") != std::string::npos);

    std::optional<ClientStage> stage;
    std::string why;
    try {
        ClientRequest distrusted("GET", url);
        static_cast<void>(co_await request(std::move(distrusted)));
    } catch (const ClientError& error) {
        stage = error.stage();
        why = error.what();
    }
    CHECK(stage == ClientStage::tls);
    INFO(why);
    CHECK(why.starts_with("GET " + url + ": "));
    CHECK(why.find("certificate") != std::string::npos);
}

Task<> ask_nobody(testing::World& world) {
    HttpClientOptions options;
    options.max_retries = 0;
    HttpClient client(world.scheduler, options);
    const std::string urls[] = {"http://127.0.0.1:1/", "http://no-such-name.invalid/"};
    for (const std::string& url : urls) {
        std::optional<ClientStage> stage;
        std::string why;
        try {
            ClientRequest asked("GET", url);
            static_cast<void>(co_await client.request(std::move(asked)));
        } catch (const ClientError& error) {
            stage = error.stage();
            why = error.what();
        }
        INFO(why);
        CHECK(stage == ClientStage::connect);
        CHECK(why.starts_with("GET " + url + ": "));
    }
}

}  // namespace

TEST_CASE("Python's server answers the client, on one connection") {
    testing::World world;
    const testing::Authority files;
    world.run(ask_python(world, files));
}

TEST_CASE("a server of OpenSSL answers a client that trusts its authority, and no other") {
    testing::World world;
    testing::Authority authority;
    world.run(ask_openssl(world, authority, authority.sign("server")));
}

TEST_CASE("an error says which server did not answer, and why") {
    testing::World world;
    world.run(ask_nobody(world));
}

}  // namespace weir::http
