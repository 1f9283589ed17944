#include "modules/system/log/writer.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "modules/system/log/outlet.h"
#include "tests/support/temporary_folder.h"

namespace weir {

namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

// What tests wait for takes no time: a wait of this length has failed.
constexpr std::chrono::milliseconds patience = 30s;

Texts lines_of(std::istream& stream) {
    Texts lines;
    for (std::string line; std::getline(stream, line);) {
        lines.push_back(line);
    }
    return lines;
}

Texts lines_in(const std::string& file) {
    std::ifstream stream(file);
    return lines_of(stream);
}

// Without the time.
Texts messages_in(const std::string& file) {
    Texts messages;
    for (const std::string& line : lines_in(file)) {
        messages.push_back(line.substr(line.find(' ') + 1));
    }
    return messages;
}

LogSettings to_file(const std::string& file) {
    LogSettings settings;
    settings.file = file;
    return settings;
}

void write(LogWriter& writer, const std::string& text) {
    writer.write({LogLevel::info, text});
}

// A named pipe that is full of empty lines, and its reader, which takes lines only when asked.
class Pipe {
public:
    explicit Pipe(const std::string& file) {
        REQUIRE(mkfifo(file.c_str(), 0600) == 0);
        fd_ = open(file.c_str(), O_RDWR | O_CLOEXEC);  // so that opening it does not wait
        REQUIRE(fd_ >= 0);
        fcntl(fd_, F_SETFL, O_NONBLOCK);
        const std::string nothing(4096, '\n');
        while (::write(fd_, nothing.data(), nothing.size()) > 0) {
        }
        REQUIRE(errno == EAGAIN);
        fcntl(fd_, F_SETFL, 0);
    }
    ~Pipe() { close(fd_); }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;

    // Takes bytes until the text ends with this.
    std::string read_until(std::string_view end) const {
        std::string text;
        std::array<char, 512> bytes;
        while (!text.ends_with(end)) {
            const ssize_t count = read(fd_, bytes.data(), bytes.size());
            REQUIRE(count > 0);
            text.append(bytes.data(), static_cast<std::size_t>(count));
        }
        return text;
    }

private:
    int fd_ = -1;
};

// Reads so many lines of a pipe, as a program that is started for that. Without the time.
Texts read_pipe(const std::string& file, std::size_t count) {
    std::ifstream stream(file);
    Texts messages;
    for (std::string line; messages.size() != count && std::getline(stream, line);) {
        messages.push_back(line.substr(line.find(' ') + 1));
    }
    return messages;
}

}  // namespace

TEST_CASE("log writer: lines are written in order, behind what the file has", "[log][threads]") {
    const config::testing::TemporaryFolder folder;
    const std::string file = "app.log";
    std::ofstream(file) << "time before\n";
    {
        LogWriter writer(to_file(file));
        for (const char* text : {"one", "two", "three"}) {
            std::string gone = text;
            writer.write({LogLevel::warning, gone, "cafe"});
            gone.assign(gone.size(), '?');  // nothing refers to it any more
        }
    }
    CHECK(messages_in(file) ==
          Texts{"before", "warning [cafe] one", "warning [cafe] two", "warning [cafe] three"});
}

TEST_CASE("log writer: lines of many threads are whole", "[log][threads]") {
    const config::testing::TemporaryFolder folder;
    const std::string file = "app.log";
    LogWriter writer(to_file(file));
    std::vector<std::thread> threads;
    for (int i = 0; i != 4; ++i) {
        threads.emplace_back([&writer, i] {
            for (int n = 0; n != 100; ++n) {
                write(writer, std::to_string(i) + "." + std::to_string(n));
            }
        });
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    REQUIRE(writer.flush(patience));
    Texts found = messages_in(file);
    Texts expected;
    for (int i = 0; i != 400; ++i) {
        expected.push_back("info    " + std::to_string(i / 100) + "." + std::to_string(i % 100));
    }
    CHECK_THAT(found, Catch::UnorderedEquals(expected));
    CHECK(writer.dropped() == 0);
}

TEST_CASE("log writer: if a pipe is not read, the oldest lines are dropped and counted",
          "[log][threads]") {
    const config::testing::TemporaryFolder folder;
    const std::string file = "pipe";
    const Pipe pipe(file);
    LogSettings settings = to_file(file);
    settings.queue = 16;
    LogWriter writer(settings);
    constexpr std::size_t count = 100;
    for (std::size_t i = 0; i != count; ++i) {
        write(writer, "." + std::to_string(i));  // returns, whatever the pipe does
    }
    write(writer, "the last");
    CHECK_FALSE(writer.flush(0ms));
    CHECK(writer.dropped() > 0);

    std::istringstream text(pipe.read_until("the last\n"));
    const Texts lines = lines_of(text);
    std::size_t dropped = 0;
    std::size_t seen = 0;
    std::size_t next = 0;  // number of the line that has to follow
    for (const std::string& line : lines) {
        if (line.find(" dropped here: ") != std::string::npos) {
            const std::size_t gap = std::stoul(line.substr(line.find("warning ") + 8));
            dropped += gap;
            next += gap;
        } else if (!line.empty() && !line.ends_with("the last")) {
            ++seen;
            CHECK(std::stoul(line.substr(line.rfind('.') + 1)) == next++);
        }
    }
    CHECK(seen + dropped == count);
    REQUIRE(writer.flush(patience));
    CHECK(writer.dropped() == dropped);
}

TEST_CASE(
    "log writer: lines for a full disk are counted, and later lines are written when there is room",
    "[log][threads]") {
    const config::testing::TemporaryFolder folder;
    const std::string file = "app.log";
    std::filesystem::create_symlink("/dev/full", file);
    LogWriter writer(to_file(file));
    write(writer, "one");
    write(writer, "two");
    REQUIRE(writer.flush(patience));
    CHECK(writer.dropped() == 2);
    std::filesystem::remove(file);
    write(writer, "three");
    REQUIRE(writer.flush(patience));
    const Texts messages = messages_in(file);
    REQUIRE(messages.size() == 2);
    CHECK_THAT(messages[0], Catch::StartsWith("warning 2 lines were dropped here: ") &&
                                Catch::Contains("No space left on device"));
    CHECK(messages[1] == "info    three");
}

TEST_CASE("log writer: a file that was renamed is opened anew when that is asked for",
          "[log][threads]") {
    const config::testing::TemporaryFolder folder;
    const std::string file = "app.log";
    const std::string old = "app.log.1";
    LogWriter writer(to_file(file));
    write(writer, "one");
    REQUIRE(writer.flush(patience));
    std::filesystem::rename(file, old);
    write(writer, "two");
    REQUIRE(writer.flush(patience));
    writer.reopen();
    write(writer, "three");
    REQUIRE(writer.flush(patience));
    CHECK(messages_in(old) == Texts{"info    one", "info    two"});
    CHECK(messages_in(file) == Texts{"info    three"});
}

TEST_CASE("log writer: file and format change while it runs", "[log][threads]") {
    const config::testing::TemporaryFolder folder;
    LogSettings settings = to_file("app.log");
    LogWriter writer(settings);
    write(writer, "one");
    settings.file = "app.json";
    settings.format = LogLines::json;
    writer.change(settings);
    write(writer, "two");
    REQUIRE(writer.flush(patience));
    CHECK(messages_in("app.log") == Texts{"info    one"});
    const Texts lines = lines_in("app.json");
    REQUIRE(lines.size() == 1);
    CHECK_THAT(lines[0], Catch::StartsWith("{") && Catch::EndsWith("\"message\":\"two\"}"));
}

TEST_CASE("log writer: a file that cannot be opened is refused, or the log goes on where it was",
          "[log][threads]") {
    const config::testing::TemporaryFolder folder;
    CHECK_THROWS_WITH(LogWriter(to_file(".")), Catch::Contains("Is a directory"));
    const std::string file = "app.log";
    LogWriter writer(to_file(file));
    writer.change(to_file("."));
    write(writer, "one");
    REQUIRE(writer.flush(patience));
    const Texts messages = messages_in(file);
    REQUIRE(messages.size() == 2);
    CHECK_THAT(messages[0], Catch::StartsWith("error   the log goes on where it was: "));
    CHECK(messages[1] == "info    one");
    CHECK(writer.dropped() == 0);
}

TEST_CASE("log writer: a pipe needs no reader, and a later reader gets all lines",
          "[log][threads]") {
    const config::testing::TemporaryFolder folder;
    const std::string file = "pipe";
    REQUIRE(mkfifo(file.c_str(), 0600) == 0);
    LogWriter writer(to_file(file));
    write(writer, "before any reader");
    REQUIRE(writer.flush(patience));
    CHECK(read_pipe(file, 1) == Texts{"info    before any reader"});
    write(writer, "the reader is gone");
    writer.reopen();
    write(writer, "it is opened anew");
    REQUIRE(writer.flush(patience));
    CHECK(read_pipe(file, 2) == Texts{"info    the reader is gone", "info    it is opened anew"});
    CHECK(writer.dropped() == 0);
}

TEST_CASE("log writer: a full pipe does not keep the log from going elsewhere", "[log][threads]") {
    const config::testing::TemporaryFolder folder;
    const Pipe full("pipe");
    LogWriter writer(to_file("pipe"));
    write(writer, "one");
    writer.change(to_file("app.log"));
    write(writer, "two");
    REQUIRE(writer.flush(patience));
    CHECK(messages_in("app.log") ==
          Texts{"warning 1 line was dropped here: the pipe is full and no process reads it",
                "info    two"});
}

TEST_CASE("log writer: why a file cannot be the log is known without making it", "[log]") {
    const config::testing::TemporaryFolder folder;
    REQUIRE(mkfifo("pipe", 0600) == 0);
    pollfd reader{.fd = open("pipe", O_RDONLY | O_NONBLOCK), .events = POLLIN, .revents = 0};
    for (const char* const file : {"new.log", "new/folder/app.log", "pipe", "/dev/null"}) {
        CHECK(why_no_log_file(file).empty());
    }
    CHECK(poll(&reader, 1, 0) == 0);  // a reader that waits has noticed nothing
    close(reader.fd);
    CHECK_FALSE(std::filesystem::exists("new.log"));
    CHECK_FALSE(std::filesystem::exists("new"));
    std::ofstream("file") << "text";
    CHECK(why_no_log_file("file").empty());
    CHECK(std::filesystem::file_size("file") == 4);
    CHECK(why_no_log_file(".") == "cannot be opened: Is a directory");
    CHECK(why_no_log_file("file/app.log") == "cannot be opened: Not a directory");
    std::filesystem::create_symlink("nowhere/app.log", "link");
    CHECK(why_no_log_file("link") ==
          "cannot be made: it is a link to nowhere/app.log, whose folder is missing");
    std::filesystem::create_symlink("new.log", "good link");
    CHECK(why_no_log_file("good link").empty());
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = "socket"};
    REQUIRE(::bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
    close(socket);
    CHECK(why_no_log_file("socket") == "cannot be opened: No such device or address");
    CHECK_THROWS_WITH(LogWriter(to_file("socket")), Catch::Contains("No such device or address"));
}

TEST_CASE("log writer: a file that can be opened but not written is no log", "[log]") {
    const std::string version = why_no_log_file("/proc/version");
    CHECK(version == (::geteuid() == 0 ? "cannot be written: it belongs to the kernel"
                                       : "cannot be opened: Permission denied"));
    CHECK(why_no_log_file("/proc/new.log") == "cannot be made in /proc: it belongs to the kernel");
    CHECK(why_no_log_file("/sys/new/app.log") ==
          "cannot be made in /sys: it belongs to the kernel");
    CHECK(why_no_log_file("/dev/full") == "cannot be written: No space left on device");
}

TEST_CASE("log writer: a file that has become large is renamed, and a few of these are kept",
          "[log][threads]") {
    const config::testing::TemporaryFolder folder;
    LogSettings settings = to_file("app.log");
    settings.rotate_at = config::ByteSize{200};
    settings.rotated_files = 2;
    LogWriter writer(settings);
    for (int i = 0; i != 8; ++i) {
        write(writer, std::string(110, '.') + std::to_string(i));
    }
    REQUIRE(writer.flush(patience));
    const std::string filler = "info    " + std::string(110, '.');
    CHECK(messages_in("app.log") == Texts{filler + "7"});
    CHECK(messages_in("app.1.log") == Texts{filler + "6"});
    CHECK(messages_in("app.2.log") == Texts{filler + "5"});
    CHECK_FALSE(std::filesystem::exists("app.3.log"));
}

}  // namespace weir
