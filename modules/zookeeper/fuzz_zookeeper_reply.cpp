// Feeds any bytes, in any pieces, to a session as the answers of its server.
//
// `./dev fuzz` builds and runs it. What it finds, build/fuzz/fuzz_zookeeper_reply-crash-..., is
// tried again by build/fuzz/bin/fuzz_zookeeper_reply FILE.
//
// The first byte of an input says in which pieces the rest arrives, whether a good answer to the
// connect request goes before, and whether the session logs in.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "core/simulation/simulation.h"
#include "core/stream/memory_stream.h"
#include "core/wait/timeout.h"
#include "modules/zookeeper/session.h"
#include "modules/zookeeper/wire.h"
#include "tests/support/world_on.h"

namespace {

using namespace weir;
using namespace weir::zookeeper;

void require(bool holds) {
    if (!holds) std::abort();
}

struct Fuzzed : test::WorldOn<Simulation> {
    Fuzzed(std::string_view bytes, std::size_t most_at_once, bool begin_well, bool log_in)
        : WorldOn({}, 1U), answers(bytes), faults{.most_at_once = most_at_once}, logs_in(log_in) {
        if (begin_well) {
            answers = frame_of(ConnectReply{0, 4000, 5, "secret"}, false) + answers;
        }
        container.start(ask());
        scheduler.run();
        require(finished);
        require(scheduler.subscribers().empty());
    }

    // The first connection brings the bytes; all others fail.
    Task<ByteStream::Owner> connect() {
        if (std::exchange(connected, true)) {
            throw StreamError("connecting", UV_ECONNREFUSED);
        }
        auto [here, there] = memory_pair(scheduler, {}, faults);
        container.start(answer(std::move(there)), {.name = "answer", .daemon = true});
        co_return std::move(here);
    }
    Task<> answer(ByteStream::Owner stream) {
        stream->discard_input();
        co_await stream->write(answers);
        co_await sleep(std::chrono::seconds(1));
        co_await stream->shutdown();
    }

    Task<> ask() {
        SessionOptions options;
        options.servers = {"server"};
        options.timeout = std::chrono::seconds(4);
        options.request_timeout = std::chrono::seconds(3);
        options.max_message = 4096;
        if (logs_in) {
            options.credentials = {{"sasl", "ann:secret"}};
        }
        options.connect = [this](Scheduler&, Address) { return connect(); };
        Session session(scheduler, options);
        Watch watch;
        Transaction transaction;
        transaction.create("/t").check("/t");
        auto getting = session.get("/a", watch);
        auto creating = session.create("/a", "data");
        auto looking = session.exists("/a");
        auto listing = session.children("/a");
        auto writing = session.set("/a", "data");
        auto committing = session.commit(transaction);
        co_await settle(getting);
        co_await settle(creating);
        co_await settle(looking);
        co_await settle(listing);
        co_await settle(writing);
        co_await settle(committing);
        co_await session.close();
        finished = true;
    }
    template <class T>
    Task<> settle(Pending<T>& request) {
        try {
            co_await request;
        } catch (const Error& error) {
            require(*error.what() != '\0');
        } catch (const WireError& error) {
            require(*error.what() != '\0');
        }
    }

    std::string answers;
    const MemoryFaults faults;
    const bool logs_in;
    bool connected = false;
    bool finished = false;
};

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
    const Fuzzed fuzzed(bytes, data[0] % 64U + 1U, (data[0] & 64U) != 0, (data[0] & 128U) != 0);
    return 0;
}
