#include "core/stream/byte_stream.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "core/stream/memory_stream.h"
#include "core/wait/timeout.h"
#include "tests/support/virtual_world.h"

namespace weir {

using namespace std::chrono_literals;

namespace {

// A world with a pair of streams in memory.
struct StreamWorld : test::VirtualWorld {
    explicit StreamWorld(const StreamOptions& options = {}, const MemoryFaults& faults = {},
                         std::uint64_t seed = 1)
        : VirtualWorld(seed) {
        std::tie(here, there) = memory_pair(scheduler, options, faults);
    }

    ByteStream::Owner here;
    ByteStream::Owner there;
};

Task<> write_all(ByteStream& stream, std::vector<std::string> parts, Duration pause = {}) {
    for (std::string& part : parts) {
        co_await stream.write(std::move(part));
        if (pause != Duration::zero()) {
            co_await sleep(pause);
        }
    }
    co_await stream.shutdown();
}

// The code of the StreamError that the task throws; 0: it throws none.
template <class T>
Task<> note_failure(Task<T> task, int& code) {
    code = 0;
    try {
        co_await std::move(task);
    } catch (const StreamError& error) {
        code = error.code();
    }
}

Task<> read_lines(ByteStream& stream, std::size_t limit, std::vector<std::string>& lines) {
    while (const std::optional<std::string_view> line = co_await stream.read_line(limit)) {
        lines.emplace_back(*line);
    }
}

std::string numbers(std::size_t size) {
    std::string bytes(size, 0);
    for (std::size_t i = 0; i != size; ++i) {
        bytes[i] = static_cast<char>(i * 7 + i / 251);
    }
    return bytes;
}

Task<> read_all(ByteStream& stream, std::string& bytes) {
    for (;;) {
        const std::string_view some = co_await stream.read_some();
        if (some.empty()) {
            co_return;
        }
        bytes += some;
    }
}

}  // namespace

TEST_CASE("lines are read as they were written, however their bytes arrive") {
    for (std::uint64_t seed = 1; seed != 20; ++seed) {
        StreamWorld w({.buffer_size = 16, .max_buffer_size = 64},
                      {.most_at_once = 7, .most_delay = 3ms}, seed);
        std::vector<std::string> lines;
        w.run(write_all(*w.there, {"one\ntw", "o\r\n", "\n", "a line that is longer than 16\n"}),
              read_lines(*w.here, 64, lines));
        CHECK(lines == std::vector<std::string>{"one", "two", "", "a line that is longer than 16"});
    }
}

TEST_CASE("a line without an end is an error, and so is one that is too long") {
    StreamWorld w;
    std::vector<std::string> lines;
    int code = 0;
    w.run(write_all(*w.there, {"whole\npart"}), note_failure(read_lines(*w.here, 64, lines), code));
    CHECK(lines == std::vector<std::string>{"whole"});
    CHECK(code == UV_EOF);

    StreamWorld other;
    lines.clear();
    other.run(write_all(*other.there, {"12345\n123456\n"}),
              note_failure(read_lines(*other.here, 6, lines), code));
    CHECK(lines == std::vector<std::string>{"12345"});
    CHECK(code == UV_EMSGSIZE);
}

TEST_CASE("a delimiter is found across the borders of what arrives") {
    StreamWorld w({}, {.most_at_once = 1});
    std::string head;
    std::string body;
    const auto read = [&]() -> Task<> {
        head = (co_await w.here->read_until("\r\n\r\n", 100)).value();
        body = co_await w.here->read_exactly(4);
        const auto answer_read = co_await w.here->read_some();
        CHECK(answer_read.empty());
    };
    w.run(write_all(*w.there, {"a: b\r\n\r", "\nbody"}), read());
    CHECK(head == "a: b\r\n\r\n");
    CHECK(body == "body");
}

TEST_CASE("bytes that are read exactly may be more than the buffer has at first, not at most") {
    StreamWorld w({.buffer_size = 16, .max_buffer_size = 64});
    std::string bytes;
    int code = 0;
    const auto read = [&]() -> Task<> {
        bytes = co_await w.here->read_exactly(50);
        co_await note_failure(w.here->read_exactly(65), code);
        co_await note_failure(w.here->read_exactly(51), code);
    };
    w.run(write_all(*w.there, {numbers(100)}), read());
    CHECK(bytes == numbers(100).substr(0, 50));
    CHECK(code == UV_EOF);
    CHECK(w.here->input().size() == 50);
}

TEST_CASE("what was read stays valid while more arrives") {
    StreamWorld w({.buffer_size = 16, .max_buffer_size = 16});
    const auto read = [&]() -> Task<> {
        const std::string_view first = co_await w.here->read_exactly(10);
        const std::string copy(first);
        co_await sleep(1s);  // the others arrive, as far as there is room
        CHECK(first == copy);
        CHECK(w.here->input().size() == 6);
        CHECK(w.here->stopped());
        std::array<char, 30> rest{};
        co_await w.here->read_into(rest);
        CHECK(copy + std::string(rest.data(), rest.size()) == numbers(40));
    };
    w.run(write_all(*w.there, {numbers(40)}), read());
}

TEST_CASE("a parser peeks, and consumes what it has understood") {
    StreamWorld w({}, {.most_at_once = 2});
    const auto read = [&]() -> Task<> {
        const auto first_answer = co_await w.here->peek(3);
        CHECK(first_answer.substr(0, 3) == "abc");
        w.here->consume(2);
        const auto second_answer = co_await w.here->peek(4);
        CHECK(second_answer == "cdef");
        const auto third_answer = co_await w.here->peek(5);
        CHECK(third_answer == "cdef");  // the input has ended
    };
    w.run(write_all(*w.there, {"abcdef"}), read());
}

TEST_CASE("a writer waits while its peer does not read, and bounded memory holds all") {
    StreamWorld w({.buffer_size = 64, .max_buffer_size = 64, .write_buffer_size = 256});
    std::size_t written = 0;
    std::string received;
    const auto write = [&]() -> Task<> {
        for (int n = 0; n != 100; ++n) {
            written += 50;
            co_await w.there->write(std::string(50, 'a'));
        }
        co_await w.there->shutdown();
    };
    const auto read = [&]() -> Task<> {
        w.here->start_reading();
        co_await sleep(1s);
        CHECK(written <= 64 + 256 + 50);
        CHECK(written >= 256);
        co_await read_all(*w.here, received);
    };
    w.run(write(), read());
    CHECK(received == std::string(5000, 'a'));
}

TEST_CASE("each operation has a deadline, and loses nothing when it expires") {
    StreamWorld w({.write_buffer_size = 16});
    int code = 0;
    const auto read = [&]() -> Task<> {
        co_await note_failure(w.here->read_line(64, w.in(1s)), code);
        CHECK(code == UV_ETIMEDOUT);
        CHECK(w.scheduler.now().time_since_epoch() == 1s);
        const auto answer_read = co_await w.here->read_line(64, w.in(5s));
        CHECK(answer_read.value() == "slow line");
        co_await note_failure(w.here->read_exactly(1, w.in(-1s)), code);
        CHECK(code == UV_ETIMEDOUT);
        w.there->discard_input();
        co_await note_failure(w.here->write(std::string(100, 'a'), w.in(1s)), code);
        CHECK(code == UV_ETIMEDOUT);
        w.there->start_reading();
        co_await w.here->drain(w.in(1s));
        CHECK(w.there->received() == 100);
    };
    const auto write = [&]() -> Task<> {
        co_await w.there->write("slow ");
        co_await sleep(2s);
        co_await w.there->write("line\n");
    };
    w.run(read(), write());
}

TEST_CASE("a routine that is closed while it reads or writes leaves the stream usable") {
    StreamWorld w({.write_buffer_size = 16});
    std::string line;
    const auto work = [&]() -> Task<> {
        const Ref<Routine> writer = w.container.start([](ByteStream& stream) -> Task<> {
            co_await stream.write("0123456789abcdef");
        }(*w.there));
        co_await sleep(1s);
        CHECK_FALSE(writer->ended());  // no routine reads
        writer->close();
        const Ref<Routine> reader = w.container.start(
            [](ByteStream& stream) -> Task<> { co_await stream.read_line(64); }(*w.here));
        co_await sleep(1s);
        CHECK_FALSE(reader->ended());  // there is no end of a line
        reader->close();
        co_await w.there->write("g\n");
        line = (co_await w.here->read_line(64)).value();
    };
    w.run(work());
    CHECK(line == "0123456789abcdefg");
}

TEST_CASE("a stream is copied into another as fast as that takes it") {
    StreamWorld w({.buffer_size = 64, .max_buffer_size = 64, .write_buffer_size = 100},
                  {.most_at_once = 50, .most_delay = 1ms});
    auto [near, far] = memory_pair(w.scheduler, {.write_buffer_size = 128}, {.most_at_once = 9});
    std::uint64_t copied = 0;
    std::string received;
    const auto copy = [&, &to = *near]() -> Task<> {
        copied = co_await w.here->copy_to(to, no_deadline, 10);
        CHECK(copied == 10);
        copied += co_await w.here->copy_to(to);
        co_await to.shutdown();
    };
    w.run(write_all(*w.there, {numbers(3000), numbers(2000)}), copy(), read_all(*far, received));
    CHECK(copied == 5000);
    CHECK(received == numbers(3000) + numbers(2000));
}

TEST_CASE("one direction may end before the other") {
    StreamWorld w;
    std::string answer;
    const auto ask = [&]() -> Task<> {
        co_await w.here->write("question");
        co_await w.here->shutdown();
        int code = 0;
        co_await note_failure(w.here->write("more"), code);
        CHECK(code == UV_EPIPE);
        co_await read_all(*w.here, answer);
    };
    const auto answer_it = [&]() -> Task<> {
        std::string question;
        co_await read_all(*w.there, question);
        CHECK(question == "question");
        co_await w.there->write("answer");
        co_await w.there->finish();
    };
    w.run(ask(), answer_it());
    CHECK(answer == "answer");
}

TEST_CASE("what was written before a close arrives") {
    StreamWorld w({}, {.most_delay = 1s});
    std::string received;
    const auto write = [&]() -> Task<> {
        co_await w.there->write("last words");
        w.there.reset();
    };
    w.run(write(), read_all(*w.here, received));
    CHECK(received == "last words");
}

TEST_CASE("a reset fails both directions of both ends") {
    StreamWorld w({}, {.reset_after = 5});
    std::string received;
    int reading = 0;
    int writing = 0;
    w.run(note_failure(write_all(*w.there, {"1234567890", "more"}, 1s), writing),
          note_failure(read_all(*w.here, received), reading));
    CHECK(received == "12345");
    CHECK(reading == UV_ECONNRESET);
    CHECK(writing == UV_ECONNRESET);
}

TEST_CASE("a failure says what failed, on what, and why") {
    StreamWorld w;
    const auto read = [&]() -> Task<> {
        w.there.release()->reset();
        try {
            co_await w.here->read_some();
            FAIL("nothing was thrown");
        } catch (const StreamError& error) {
            CHECK(error.what() == std::string("reading from memory: connection reset by peer "
                                              "(ECONNRESET)"));
        }
    };
    w.run(read());
}

}  // namespace weir
