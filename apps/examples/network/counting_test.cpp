#include "apps/examples/network/counting.h"

#include <cstdio>
#include <string>

#include <catch2/catch.hpp>
#include <unistd.h>
#include <weir/core.h>

#include "core/net/connect.h"
#include "core/stream/memory_stream.h"
#include "core/system/files.h"
#include "core/system/run_program.h"
#include "core/tls/tls_context.h"

using namespace std::chrono_literals;

namespace {

// Fails the test if its task does not end.
void run(weir::Scheduler& scheduler, weir::Task<> test) {
    weir::Container container(scheduler);
    const weir::Ref<weir::Routine> routine = container.start(std::move(test));
    scheduler.run();
    CHECK(routine->ended());
}

weir::Task<> count_on_sockets() {
    const auto server = co_await weir::listen("tcp://localhost:0", counting::serve_client);
    const auto stream = co_await weir::connect(server->local().text());
    co_await counting::add(*stream, 2);
    const std::string sum = co_await counting::add(*stream, 3);
    CHECK(sum == "5");
    co_await stream->finish();
    server->shutdown();
    co_await server->ended();
}

// Makes a certificate that is its own authority, and its key, in one file.
weir::Task<> make_certificate(std::string file) {
    weir::ProcessOptions openssl{.command = {"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                                             "ec_paramgen_curve:P-256", "-noenc", "-subj",
                                             "/CN=localhost", "-addext",
                                             "subjectAltName=DNS:localhost,IP:127.0.0.1"}};
    openssl.command.insert(openssl.command.end(), {"-keyout", "-", "-out", "-"});
    const weir::RunResult made = co_await weir::run_program(openssl);
    CHECK(made.exit.success());
    co_await weir::replace_file(file, made.output);
}

weir::Task<> count_with_tls(weir::TlsCertificate certificate, std::string authority) {
    weir::SocketServerOptions served;
    served.tls = weir::TlsContext::server({.certificates = {certificate}});
    const auto server = co_await weir::listen("tls://localhost:0", counting::serve_client, served);

    weir::ConnectOptions trusted;
    trusted.tls = weir::TlsContext::client({.authorities = authority});
    const auto stream = co_await weir::connect(server->urls().front(), trusted);
    const std::string sum = co_await counting::add(*stream, 7);
    CHECK(sum == "7");
    CHECK(stream->tls()->version == "TLSv1.3");
    co_await stream->finish();
    server->shutdown();
    co_await server->ended();
}

}  // namespace

TEST_CASE("sums are counted on sockets") {
    weir::UvPoller world;
    weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
    weir::add_standard_queues(scheduler.queue());
    run(scheduler, count_on_sockets());
}

TEST_CASE("sums are counted on sockets with TLS") {
    const std::string file = "network_examples_test." + std::to_string(getpid()) + ".pem";
    weir::UvPoller world;
    weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
    weir::add_standard_queues(scheduler.queue());
    run(scheduler, make_certificate(file));
    run(scheduler, count_with_tls({file, file}, file));
    std::remove(file.c_str());
}

TEST_CASE("sums are counted however slowly the bytes come") {
    for (std::uint64_t seed = 1; seed != 20; ++seed) {
        weir::Simulation world(seed);
        weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
        weir::add_standard_queues(scheduler.queue());
        const auto [client, server] =
            weir::memory_pair(scheduler, {}, {.most_at_once = 3, .most_delay = 100ms});
        weir::Container container(scheduler);
        container.start(counting::serve(*server));
        const auto test = [&stream = *client]() -> weir::Task<> {
            co_await counting::add(stream, 2);
            const std::string sum = co_await counting::add(stream, 3);
            CHECK(sum == "5");
        };
        run(scheduler, test());
    }
}

TEST_CASE("a client gives up on a server that does not answer") {
    weir::Simulation world;
    weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
    weir::add_standard_queues(scheduler.queue());
    const auto [client, server] = weir::memory_pair(scheduler);
    const auto test = [&stream = *client]() -> weir::Task<> {
        int code = 0;
        try {
            co_await counting::add(stream, 2);
        } catch (const weir::StreamError& error) {
            code = error.code();
        }
        CHECK(code == UV_ETIMEDOUT);
    };
    run(scheduler, test());
    CHECK(scheduler.now().time_since_epoch() == 5s);
}
