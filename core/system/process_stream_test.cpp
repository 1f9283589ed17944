#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "core/system/file_stream.h"
#include "core/system/process.h"
#include "tests/support/net.h"

namespace weir {

using namespace std::chrono_literals;
using testing::World;

namespace {

ProcessOptions piped(std::vector<std::string> command) {
    ProcessOptions options;
    options.command = std::move(command);
    options.input = options.output = options.errors = StandardFile::piped;
    return options;
}

Task<> write_and_end(ByteStream::Owner stream, std::string text) {
    co_await stream->write(std::move(text));
    co_await stream->shutdown();
}

Task<std::string> read_all_of(ByteStream& stream) {
    std::string text;
    for (;;) {
        const std::string_view part = co_await stream.read_some();
        if (part.empty()) {
            co_return text;
        }
        text += part;
    }
}

}  // namespace

TEST_CASE("a process's input, output and errors are streams") {
    World w;
    const auto test = [&]() -> Task<> {
        Process process(w.scheduler, piped({"sh", "-c", "tr a-z A-Z; echo wrong >&2; exit 3"}));
        const ByteStream::Owner output = process.output_stream();
        const ByteStream::Owner errors = process.errors_stream();
        CHECK(output->peer() == "output of sh");
        co_await write_and_end(process.input_stream(), "one\ntwo\n");
        const auto line = std::string((co_await output->read_line(100)).value());
        CHECK(line == "ONE");
        const auto rest = co_await read_all_of(*output);
        CHECK(rest == "TWO\n");
        const auto said = co_await read_all_of(*errors);
        CHECK(said == "wrong\n");
        const auto exit = co_await process.wait();
        CHECK(exit.code == 3);
    };
    w.run(test());
}

TEST_CASE("a file passes through a process into another file, however large") {
    World w;
    const std::filesystem::path folder = w.folder;
    std::filesystem::create_directory(folder);
    std::string content;
    for (int i = 0; i != 200'000; ++i) {
        content += std::to_string(i) + '\n';
    }
    std::ofstream(folder / "from") << content;
    const auto feed = [](std::string from, ByteStream::Owner input) -> Task<> {
        const ByteStream::Owner file = co_await open_file_stream(from);
        co_await file->copy_to(*input);
        co_await input->shutdown();
    };
    const auto test = [&]() -> Task<> {
        Process cat(w.scheduler, piped({"cat"}));
        const ByteStream::Owner to = co_await open_file_stream(folder / "to", FileAccess::create);
        w.container.start(feed(folder / "from", cat.input_stream()));
        const ByteStream::Owner output = cat.output_stream();
        const auto copied = co_await output->copy_to(*to);
        CHECK(copied == content.size());
        co_await to->shutdown();
    };
    w.run(test());
    std::stringstream copy;
    copy << std::ifstream(folder / "to").rdbuf();
    CHECK(copy.str() == content);
    std::filesystem::remove_all(folder);
}

TEST_CASE("a process that does not read stops the writer, and memory stays bounded") {
    World w;
    const auto test = [&]() -> Task<> {
        Process process(w.scheduler, piped({"sleep", "1000"}));
        const ByteStream::Owner input = process.input_stream();
        int code = 0;
        try {
            for (;;) {
                co_await input->write(std::string(10'000, 'x'), w.scheduler.now() + 100ms);
            }
        } catch (const StreamError& error) {
            code = error.code();
        }
        CHECK(code == UV_ETIMEDOUT);
        CHECK(input->pending() <= StreamOptions().write_buffer_size + 10'000);
    };
    w.run(test());
}

TEST_CASE("a process whose output is closed is ended by the broken pipe") {
    World w;
    const auto test = [&]() -> Task<> {
        Process process(w.scheduler, piped({"yes"}));
        {
            const ByteStream::Owner output = process.output_stream();
            const auto lines = std::string(co_await output->read_exactly(1'000'000));
            CHECK(lines.starts_with("y\ny\n"));
        }
        const auto exit = co_await process.wait();
        CHECK(exit.signal == SIGPIPE);
    };
    w.run(test());
}

TEST_CASE("a process that has gone is an error of the writer, with its name") {
    World w;
    const auto test = [&]() -> Task<> {
        Process process(w.scheduler, piped({"true"}));
        const ByteStream::Owner input = process.input_stream();
        co_await process.wait();
        std::string what;
        try {
            co_await input->write("x");
            co_await input->drain();
        } catch (const StreamError& error) {
            what = error.what();
        }
        CHECK(what == "writing to input of true: broken pipe (EPIPE)");
    };
    w.run(test());
}

TEST_CASE("a pipe has one direction, and is given once") {
    World w;
    const auto test = [&]() -> Task<> {
        Process process(w.scheduler, piped({"cat"}));
        const ByteStream::Owner input = process.input_stream();
        const auto nothing = co_await input->read_some();
        CHECK(nothing.empty());
        const ByteStream::Owner output = process.output_stream();
        int code = 0;
        try {
            co_await output->write("x");
            co_await output->drain();
        } catch (const StreamError& error) {
            code = error.code();
        }
        CHECK(code == UV_EPIPE);
        CHECK_THROWS_AS(process.input_stream(), std::logic_error);
    };
    w.run(test());
}

}  // namespace weir
