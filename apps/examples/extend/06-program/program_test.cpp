#include <csignal>
#include <filesystem>
#include <optional>
#include <string>

#include <catch2/catch.hpp>
#include <unistd.h>
#include <weir/core.h>

#include "core/net/connect.h"
#include "core/system/process.h"

using namespace std::chrono_literals;

namespace {

// Connects as soon as the program listens.
weir::Task<weir::ByteStream::Owner> connect_to_program(std::string address) {
    for (;;) {
        try {
            weir::Task<weir::ByteStream::Owner> connecting = weir::connect(address);
            co_return co_await connecting;
        } catch (const weir::StreamError&) {
            // Not yet.
        }
        co_await weir::sleep(10ms);
    }
}

// Returns what the program prints, and how it ends.
weir::Task<std::string> use_program(weir::Scheduler& scheduler, std::string address) {
    weir::ProcessOptions options;
    options.command = {PRINT_SERVER, address};
    options.output = weir::StandardFile::piped;
    weir::Process program(scheduler, options);
    const weir::ByteStream::Owner output = program.output_stream();
    weir::Task<weir::ByteStream::Owner> connecting = connect_to_program(address);
    const weir::ByteStream::Owner client = co_await connecting;
    co_await client->write("one\ntwo\nrush three\n");
    std::string all;
    for (int lines = 0; lines != 3; ++lines) {
        all += std::string((co_await output->read_line(100)).value()) + "\n";
    }
    program.send_signal(SIGTERM);
    all += std::string((co_await output->read_line(100)).value()) + "\n";
    const weir::ProcessExit exit = co_await program.wait();
    co_return all + exit.text();
}

weir::Task<> note_output(weir::Scheduler& scheduler, std::string address, std::string& output) {
    weir::Task<std::string> using_it = use_program(scheduler, address);
    const std::optional<std::string> all =
        co_await weir::execute_with_timeout(50s, std::move(using_it));
    output = all.value_or("the program does not end");
}

}  // namespace

TEST_CASE("extend 06: a program with queues and a server prints what is urgent first, and quits") {
    const std::string socket = "/tmp/weir_extend_program." + std::to_string(::getpid());
    weir::UvPoller world;
    weir::Scheduler scheduler(world, {.queue = weir::standard_root()});
    weir::add_standard_queues(scheduler.queue());
    weir::Container container(scheduler);
    std::string output;
    container.start(note_output(scheduler, "unix:" + socket, output));
    scheduler.run();
    CHECK(output ==
          "at once: rush three\n"
          "in turn: one\n"
          "in turn: two\n"
          "printed 3 pages\n"
          "exited with code 0");
    CHECK_FALSE(std::filesystem::exists(socket));
}
