#include "core/stream/memory_stream.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <string>
#include <string_view>

#include <uv.h>

#include "core/base/ref.h"
#include "core/run/container.h"
#include "core/run/wait.h"
#include "core/wait/timeout.h"

namespace weir {
namespace {

class MemoryStream;

// What lies between the two ends: for each direction the bytes that are on their way, and a routine
// that brings them. Shared by both ends: an end that is closed leaves its bytes on their way.
class Wire final : public RefCounted<Wire>, public Container {
public:
    Wire(Scheduler& scheduler, const MemoryFaults& faults)
        : Container(scheduler), faults_(faults), ways_{Way(scheduler), Way(scheduler)} {}
    ~Wire() override { close(); }

    void connect(std::size_t side, MemoryStream& end) noexcept { ends_[side] = &end; }
    void start_ways() {
        for (std::size_t from = 0; from != 2; ++from) {
            start(bring(from), {.name = "memory stream", .daemon = true});
        }
    }

    void send(std::size_t from, std::string_view bytes) {
        ways_[from].bytes += bytes;
        look(from);
    }
    std::size_t on_the_way(std::size_t from) const noexcept {
        return ways_[from].bytes.size() - ways_[from].brought;
    }
    void end(std::size_t from) noexcept {
        ways_[from].ended = true;
        look(from);
    }
    // The way from this side has something to do, or may have room.
    void look(std::size_t from) noexcept;
    void leave(std::size_t side, bool reset) noexcept;

private:
    struct Way {
        explicit Way(Scheduler& scheduler) noexcept : work(scheduler) {}

        std::string bytes;
        std::size_t brought = 0;  // of these bytes
        std::uint64_t brought_in_all = 0;
        bool ended = false;
        Source work;
    };

    bool can_bring(std::size_t from) const noexcept;
    std::size_t random_up_to(std::size_t most) noexcept;
    Task<> bring(std::size_t from);
    void deliver(std::size_t from);
    void fail_ends() noexcept;

    const MemoryFaults faults_;
    std::array<Way, 2> ways_;
    std::array<MemoryStream*, 2> ends_{};  // null: closed
};

class MemoryStream final : public ByteStream {
public:
    MemoryStream(Scheduler& scheduler, const StreamOptions& options, Ref<Wire> wire,
                 std::size_t side) noexcept
        : ByteStream(scheduler, options), wire_(std::move(wire)), side_(side) {
        wire_->connect(side_, *this);
    }

    std::string peer() const override { return "memory"; }

    void start_reading() noexcept override {
        reading_ = true;
        wire_->look(1 - side_);
    }
    bool stopped() const noexcept override { return reading_ && input_full(); }

    void queue_output(std::string bytes) override {
        if (output_error() == 0) {
            wire_->send(side_, bytes);
        }
    }
    std::size_t try_write(std::string_view bytes) override {
        const std::size_t room =
            options().write_buffer_size - std::min(options().write_buffer_size, pending());
        const std::size_t count = output_error() == 0 ? std::min(room, bytes.size()) : 0;
        wire_->send(side_, bytes.substr(0, count));
        return count;
    }
    void flush() override {}
    void flush_later() noexcept override {
        if (observer() != nullptr) {
            observer()->flush_now();
        }
    }
    std::size_t pending() const noexcept override { return wire_->on_the_way(side_); }
    void end_output() noexcept override { wire_->end(side_); }

    // --- for the wire

    bool takes_input() const noexcept { return reading_ && !input_full() && !peer_is_over(); }
    std::size_t take_input(std::string_view bytes) {
        const std::span<char> there = room();
        const std::size_t count = std::min(there.size(), bytes.size());
        if (count != 0) {
            std::memcpy(there.data(), bytes.data(), count);
            has_received(count);
        }
        return count;
    }
    void take_end(int error) { end_input(error); }
    void written(std::size_t count) {
        has_sent(count);
        if (pending() == 0) {
            signal(SocketEvent::Type::writable);
        }
    }
    void break_output(int error) { fail_output(error); }
    void fail(int error) noexcept {
        try {
            end_input(error);
            fail_output(error);
        } catch (...) {
            scheduler().log_exception("a stream in memory has failed");
        }
    }

private:
    void close_stream(bool reset) noexcept override {
        wire_->leave(side_, reset);
        delete this;
    }
    void room_made() noexcept override {
        if (reading_) {
            wire_->look(1 - side_);
        }
    }

    const Ref<Wire> wire_;
    const std::size_t side_;
    bool reading_ = false;
};

// --- the wire

void Wire::look(std::size_t from) noexcept {
    try {
        ways_[from].work.signal(SocketEvent::Type::readable);
    } catch (...) {
        scheduler().log_exception("a stream in memory stands still");
    }
}

bool Wire::can_bring(std::size_t from) const noexcept {
    const MemoryStream* const to = ends_[1 - from];
    const bool something = on_the_way(from) != 0 || ways_[from].ended;
    return something && (to == nullptr || to->takes_input());
}

// Returns a number from 1 on.
std::size_t Wire::random_up_to(std::size_t most) noexcept {
    return 1 + static_cast<std::size_t>(scheduler().poller().random() % most);
}

Task<> Wire::bring(std::size_t from) {
    Way& way = ways_[from];
    const MatcherOf<SocketEvent> work = way.work.matcher(SocketEvent::Type::readable);
    for (;;) {
        while (!can_bring(from)) {
            way.work.want(SocketEvent::Type::readable);
            co_await work;
        }
        if (faults_.most_delay > Duration::zero()) {
            const auto most = static_cast<std::size_t>(faults_.most_delay.count());
            co_await sleep(Duration(static_cast<std::int64_t>(random_up_to(most))));
            if (!can_bring(from)) {
                continue;  // an end was closed or has failed meanwhile
            }
        }
        deliver(from);
    }
}

void Wire::deliver(std::size_t from) {
    Way& way = ways_[from];
    MemoryStream* const to = ends_[1 - from];
    if (on_the_way(from) == 0) {
        way.ended = false;
        if (to != nullptr) {
            to->take_end(0);
        }
        return;
    }
    std::string_view bytes = std::string_view(way.bytes).substr(way.brought);
    if (faults_.most_at_once < bytes.size()) {
        bytes = bytes.substr(0, random_up_to(faults_.most_at_once));
    }
    bytes = bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(
                                bytes.size(), faults_.reset_after - way.brought_in_all)));
    const std::size_t count = to == nullptr ? bytes.size() : to->take_input(bytes);
    way.brought += count;
    way.brought_in_all += count;
    if (way.brought == way.bytes.size()) {
        way.bytes.clear();
        way.brought = 0;
    }
    if (way.brought_in_all >= faults_.reset_after) {
        fail_ends();
    } else if (ends_[from] != nullptr) {
        if (to == nullptr) {
            ends_[from]->break_output(UV_EPIPE);
        } else {
            ends_[from]->written(count);
        }
    }
}

void Wire::fail_ends() noexcept {
    for (std::size_t side = 0; side != 2; ++side) {
        ways_[side].bytes.clear();
        ways_[side].brought = 0;
        ways_[side].ended = false;
        if (ends_[side] != nullptr) {
            ends_[side]->fail(UV_ECONNRESET);
        }
    }
}

// As with sockets: bytes that this end has sent arrive; a peer that sends more to it gets an error.
void Wire::leave(std::size_t side, bool reset) noexcept {
    const bool unread = on_the_way(1 - side) != 0;
    ends_[side] = nullptr;
    if (reset || unread) {
        fail_ends();
    } else {
        end(side);
    }
}

}  // namespace

std::pair<ByteStream::Owner, ByteStream::Owner> memory_pair(Scheduler& scheduler,
                                                            const StreamOptions& options,
                                                            const MemoryFaults& faults) {
    Ref<Wire> wire(new Wire(scheduler, faults));
    ByteStream::Owner first(new MemoryStream(scheduler, options, wire, 0));
    ByteStream::Owner second(new MemoryStream(scheduler, options, wire, 1));
    wire->start_ways();
    return {std::move(first), std::move(second)};
}

}  // namespace weir
