#include "core/system/file_stream.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>

#include "core/net/connect.h"
#include "core/net/stream_server.h"
#include "core/run/system_error.h"
#include "core/simulation/simulation.h"
#include "core/system/file_descriptor.h"
#include "tests/support/net.h"

namespace weir {

using namespace std::chrono_literals;
using testing::World;

namespace {

namespace fs = std::filesystem;

// A folder that is removed at the end.
class Folder {
public:
    Folder() {
        std::string name = (fs::temp_directory_path() / "weir-stream-XXXXXX").string();
        path_ = ::mkdtemp(name.data());
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { fs::remove_all(path_); }

    std::string file(const std::string& name) const { return path_ / name; }
    // Makes a file with the content, and returns its path.
    std::string file(const std::string& name, const std::string& content) const {
        std::ofstream(file(name), std::ios::binary) << content;
        return file(name);
    }

private:
    fs::path path_;
};

std::string content_of(const std::string& path) {
    std::stringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

// Bytes of which a mistake in their order is seen.
std::string many_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    std::uint32_t number = 1;
    std::ranges::generate(bytes,
                          [&] { return static_cast<char>((number = number * 69069 + 1) >> 24); });
    return bytes;
}

Task<int> error_of_opening(std::string path, FileAccess access) {
    try {
        const auto stream = co_await open_file_stream(std::move(path), access);
    } catch (const SystemError& error) {
        co_return error.code();
    }
    co_return 0;
}

}  // namespace

TEST_CASE("a file is read in straight code, up to its end") {
    World w;
    const Folder folder;
    const std::string path = folder.file("lines", "one\ntwo\r\nthree");
    const auto test = [&]() -> Task<> {
        const ByteStream::Owner file = co_await open_file_stream(path);
        CHECK(file->peer() == path);
        const auto first = std::string((co_await file->read_line(100)).value());
        CHECK(first == "one");
        const auto second = std::string((co_await file->read_line(100)).value());
        CHECK(second == "two");
        const auto rest = std::string(co_await file->read_exactly(5));
        CHECK(rest == "three");
        const auto end = co_await file->read_some();
        CHECK(end.empty());
        co_await file->finish();
        const ByteStream::Owner unread = co_await open_file_stream(path);
        co_await unread->finish();
    };
    w.run(test());
}

TEST_CASE("a file is replaced, made anew, or added to") {
    World w;
    const Folder folder;
    const std::string path = folder.file("file", "old content");
    const auto put = [](std::string where, FileAccess access, std::string text) -> Task<> {
        const ByteStream::Owner file = co_await open_file_stream(where, access, 0640);
        co_await file->write(text);
        co_await file->write("!");
        co_await file->finish();
    };
    const auto test = [&]() -> Task<> {
        co_await put(path, FileAccess::replace, "new");
        CHECK(content_of(path) == "new!");
        co_await put(path, FileAccess::append, "more");
        CHECK(content_of(path) == "new!more!");
        const auto exists = co_await error_of_opening(path, FileAccess::create);
        CHECK(exists == UV_EEXIST);
        const std::string fresh = folder.file("fresh");
        co_await put(fresh, FileAccess::create, "first");
        CHECK(content_of(fresh) == "first!");
        CHECK((fs::status(fresh).permissions() & fs::perms::others_all) == fs::perms::none);
    };
    w.run(test());
}

TEST_CASE("a file that cannot be opened is an error with its path and the reason") {
    World w;
    const Folder folder;
    const auto test = [&]() -> Task<> {
        const auto missing = co_await error_of_opening(folder.file("no"), FileAccess::read);
        CHECK(missing == UV_ENOENT);
        const auto nowhere = co_await error_of_opening(folder.file("no/file"), FileAccess::replace);
        CHECK(nowhere == UV_ENOENT);
        try {
            co_await open_file_stream("/proc", FileAccess::append);
        } catch (const SystemError& error) {
            CHECK(std::string(error.what()) ==
                  "opening /proc: illegal operation on a directory (EISDIR)");
        }
    };
    w.run(test());
}

TEST_CASE("a stream has only the direction that its file was opened for") {
    World w;
    const Folder folder;
    const std::string path = folder.file("file", "content");
    const auto test = [&]() -> Task<> {
        const ByteStream::Owner reader = co_await open_file_stream(path);
        int code = 0;
        try {
            co_await reader->write("x");
        } catch (const StreamError& error) {
            code = error.code();
        }
        CHECK(code == UV_EBADF);
        const ByteStream::Owner writer = co_await open_file_stream(path, FileAccess::append);
        const auto nothing = co_await writer->read_some();
        CHECK(nothing.empty());
    };
    w.run(test());
}

TEST_CASE("large content passes between files and a socket, with bounded buffers") {
    World w;
    const Folder folder;
    const std::string content = many_bytes(3'000'000);
    const std::string from = folder.file("from", content);
    const std::string to = folder.file("to");
    std::size_t most_pending = 0;
    const auto receive = [&](StreamClient& client) -> Task<> {
        const ByteStream::Owner file = co_await open_file_stream(to, FileAccess::create);
        while (co_await client->copy_to(*file, no_deadline, 100'000) != 0) {
            most_pending = std::max(most_pending, file->pending());
        }
        co_await file->shutdown();
    };
    const auto test = [&]() -> Task<> {
        const auto server = co_await listen("tcp://127.0.0.1:0", receive);
        const ByteStream::Owner socket = co_await connect(server->local().text());
        const ByteStream::Owner file = co_await open_file_stream(from);
        const auto copied = co_await file->copy_to(*socket);
        CHECK(copied == content.size());
        co_await socket->finish();
    };
    w.run(test());
    CHECK(content_of(to) == content);
    CHECK(most_pending <= StreamOptions().write_buffer_size + StreamOptions().buffer_size);
}

TEST_CASE("a stream that is destroyed still writes what it has, and one that is reset does not") {
    const Folder folder;
    const std::string kept = folder.file("kept");
    const std::string text = many_bytes(300'000);
    {
        World w;
        const auto test = [&]() -> Task<> {
            const ByteStream::Owner file = co_await open_file_stream(kept, FileAccess::create);
            for (std::size_t i = 0; i != 3; ++i) {
                file->queue_output(text.substr(i * 100'000, 100'000));
            }
        };
        w.run(test());
    }
    CHECK(content_of(kept) == text);
    const std::string dropped = folder.file("dropped");
    {
        World w;
        const auto test = [&]() -> Task<> {
            ByteStream::Owner file = co_await open_file_stream(dropped, FileAccess::create);
            file->queue_output("first");
            file->queue_output("second");
            file.release()->reset();
        };
        w.run(test());
    }
    CHECK_THAT(content_of(dropped), !Catch::Contains("second"));
}

TEST_CASE("a disk that takes no more is an error of the next write, or of the shutdown") {
    World w;
    const auto test = [&]() -> Task<> {
        const ByteStream::Owner full = co_await open_file_stream("/dev/full", FileAccess::append);
        co_await full->write("lost");
        std::string what;
        try {
            co_await full->shutdown();
        } catch (const StreamError& error) {
            what = error.what();
        }
        CHECK(what == "writing to /dev/full: no space left on device (ENOSPC)");
    };
    w.run(test());
}

TEST_CASE("a deadline ends a wait for a file, and the next read finds the bytes") {
    World w;
    const Folder folder;
    // A named pipe: nothing comes until the test writes.
    const std::string path = folder.file("pipe");
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    const FileDescriptor other(::open(path.c_str(), O_RDWR | O_CLOEXEC));
    const auto test = [&]() -> Task<> {
        const ByteStream::Owner file = co_await open_file_stream(path);
        int code = 0;
        try {
            co_await file->read_some(10, w.scheduler.now() + 20ms);
        } catch (const StreamError& error) {
            code = error.code();
        }
        CHECK(code == UV_ETIMEDOUT);
        REQUIRE(::write(other.number(), "late", 4) == 4);
        const auto late = std::string(co_await file->read_exactly(4));
        CHECK(late == "late");
        // Ends the read that has begun behind it.
        REQUIRE(::write(other.number(), "x", 1) == 1);
    };
    w.run(test());
}

TEST_CASE("in a simulation files are streams, too") {
    const Folder folder;
    const std::string content = many_bytes(200'000);
    const std::string from = folder.file("from", content);
    const std::string to = folder.file("to");
    for (std::uint64_t seed = 1; seed != 6; ++seed) {
        Simulation simulation(seed);
        Scheduler scheduler(simulation, {.queue = standard_root()});
        add_standard_queues(scheduler.queue());
        Container container(scheduler);
        const auto copy = [&]() -> Task<> {
            const ByteStream::Owner in = co_await open_file_stream(from);
            const ByteStream::Owner out = co_await open_file_stream(to, FileAccess::replace);
            co_await in->copy_to(*out);
            co_await out->shutdown();
        };
        container.start(copy());
        scheduler.run();
        CHECK(content_of(to) == content);
    }
}

}  // namespace weir
