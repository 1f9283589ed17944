#include "core/tls/tls_stream.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstring>
#include <new>
#include <utility>

#include "core/tls/tls_rules.h"
#include "core/tls/tls_session.h"

namespace weir {
namespace {

// Short writes are encrypted together, up to the size of a record.
constexpr std::size_t joined_record = 16 * 1024;

// How long a peer whose handshake has failed may take to read why.
constexpr Duration last_words_time = std::chrono::seconds(1);

// A stream of the plain bytes of a session, whose encrypted ones are the input and output of the
// stream below. The session never waits: pump() drives it whenever the stream below has news, or
// the user has made room.
class TlsStream final : public ByteStream, private ByteStream::Observer, private TlsCarrier {
public:
    TlsStream(Owner lower, std::shared_ptr<const TlsRules> rules, const std::string& host);

    Task<> open(Time deadline) override;

    std::string peer() const override;
    int descriptor() const noexcept override { return lower_->descriptor(); }
    const TlsInfo* tls() const noexcept override {
        return session_.established() ? &session_.info() : nullptr;
    }
    std::size_t unacknowledged() const noexcept override { return lower_->unacknowledged(); }

    void start_reading() noexcept override { pump(); }
    bool stopped() const noexcept override { return input_full(); }

    void queue_output(std::string bytes) override;
    std::size_t try_write(std::string_view bytes) override;
    void flush() override;
    void flush_later() noexcept override { lower_->flush_later(); }
    std::size_t pending() const noexcept override { return held_.size() + lower_->pending(); }
    void end_output() noexcept override;

private:
    ~TlsStream() override = default;
    void close_stream(bool reset) noexcept override;
    void room_made() noexcept override;
    void signalled(SocketEvent::Type type) noexcept override;
    void flush_now() noexcept override;

    template <class F>
    void guard(F&& work) noexcept;
    void pump() noexcept;
    void work();
    void decrypt();
    void encrypt(std::string_view bytes);
    void encrypt_held();
    void say_goodbye() noexcept;
    void count_sent() noexcept;
    Task<> let_peer_read();

    void stand_still(TlsStep step);
    void lower_ended();
    void fail(int code, std::string_view detail);

    std::optional<std::size_t> take(std::span<char> target) override;
    void give(std::string_view bytes) override { lower_->queue_output(std::string(bytes)); }

    Owner lower_;
    const std::shared_ptr<const TlsRules> rules_;  // shared with the context and its other streams
    TlsSession session_;
    std::string held_;  // bytes to encrypt: short ones, or before the handshake has ended
    std::uint64_t lower_sent_ = 0;
    bool failed_ = false;
    bool pumping_ = false;
    bool again_ = false;    // pump() was called by itself
    bool blocked_ = false;  // no room for what there is to decrypt
    bool ending_ = false;   // the output of the stream below ends when it is written
};

TlsStream::TlsStream(Owner lower, std::shared_ptr<const TlsRules> rules, const std::string& host)
    : ByteStream(lower->scheduler(), lower->options()),
      lower_(std::move(lower)),
      rules_(std::move(rules)),
      session_(rules_, host, *this) {
    lower_->set_observer(this);
}

std::string TlsStream::peer() const {
    const std::string below = lower_->peer();
    return below.starts_with("tcp://") ? "tls://" + below.substr(6) : "TLS on " + below;
}

Task<> TlsStream::open(Time deadline) {
    if (deadline == no_deadline) {
        deadline = scheduler().now() + rules_->handshake_timeout();
    }
    co_await lower_->open(deadline);
    pump();
    while (!session_.established() && !failed_) {
        co_await wait(SocketEvent::Type::changed, deadline, "TLS handshake with ");
    }
    if (failed_) {
        co_await let_peer_read();
        throw TlsError("TLS handshake with " + peer(), output_error(), failure_detail());
    }
}

// The peer may have sent more than the handshake: closing would reset the connection, and the
// alert that tells the peer why might be lost.
Task<> TlsStream::let_peer_read() {
    lower_->set_observer(nullptr);
    try {
        co_await lower_->finish(scheduler().now() + last_words_time);
    } catch (const StreamError&) {
        // It does not read.
    }
}

std::optional<std::size_t> TlsStream::take(std::span<char> target) {
    const std::string_view there = lower_->input();
    if (there.empty()) {
        return lower_->input_over() ? std::optional<std::size_t>(0) : std::nullopt;
    }
    const std::size_t count = std::min(there.size(), target.size());
    std::memcpy(target.data(), there.data(), count);
    lower_->consume(count);
    return count;
}

// --- the state machine

// Runs the work. Without memory for it, the stream fails instead of standing still.
template <class F>
void TlsStream::guard(F&& some_work) noexcept {
    try {
        some_work();
    } catch (...) {
        try {
            fail(UV_ENOMEM, {});
        } catch (...) {
            scheduler().log_exception("a TLS stream stands still");
        }
    }
}

void TlsStream::pump() noexcept {
    if (pumping_) {
        again_ = true;
        return;
    }
    pumping_ = true;
    do {
        again_ = false;
        guard([this] { work(); });
    } while (again_);
    pumping_ = false;
}

void TlsStream::work() {
    if (failed_) {
        return;
    }
    lower_->start_reading();
    if (!session_.established()) {
        if (const TlsStep step = session_.shake_hands(); step != TlsStep::done) {
            stand_still(step);
            return;
        }
        encrypt_held();
        signal(SocketEvent::Type::changed);
    }
    decrypt();
}

void TlsStream::decrypt() {
    blocked_ = false;
    while (!failed_ && !peer_is_over()) {
        const std::span<char> free = room();
        if (free.empty()) {
            if (!input_full()) {
                throw std::bad_alloc();
            }
            blocked_ = true;
            break;
        }
        std::size_t count = 0;
        if (const TlsStep step = session_.read(free, count); step != TlsStep::done) {
            stand_still(step);
            break;
        }
        has_received(count);
    }
    trim_room();
}

// The session has done nothing.
void TlsStream::stand_still(TlsStep step) {
    switch (step) {
        case TlsStep::done:
        case TlsStep::waiting:
            return;
        case TlsStep::ended:
            end_input(0);
            return;
        case TlsStep::cut:
            lower_ended();
            return;
        case TlsStep::failed:
            fail(UV_EPROTO, session_.failure());
            return;
    }
}

void TlsStream::lower_ended() {
    if (lower_->input_error() != 0) {
        fail(lower_->input_error(), {});
    } else if (!session_.established()) {
        fail(UV_EOF, "the peer closed the connection during the handshake");
    } else if (rules_->require_close_notify()) {
        end_input(UV_ECONNABORTED,
                  "the connection ended without close_notify, so that bytes may be missing");
    } else {
        end_input(0);
    }
}

void TlsStream::fail(int code, std::string_view detail) {
    failed_ = true;
    held_.clear();
    held_.shrink_to_fit();
    lower_->flush();  // an alert that tells the peer why
    end_input(code, detail);
    fail_output(code, detail);
}

// --- output

void TlsStream::queue_output(std::string bytes) {
    if (bytes.empty() || failed_) {
        return;
    }
    if (!session_.established()) {
        held_ += bytes;
        pump();
        return;
    }
    if (held_.size() + bytes.size() < joined_record) {
        held_ += bytes;
        flush_later();
        return;
    }
    encrypt_held();
    encrypt(bytes);
}

std::size_t TlsStream::try_write(std::string_view bytes) {
    if (!session_.established() || failed_ || bytes.size() < joined_record ||
        pending() >= options().write_buffer_size) {
        return 0;
    }
    encrypt_held();
    encrypt(bytes);
    return bytes.size();
}

void TlsStream::encrypt(std::string_view bytes) {
    if (!failed_) {
        stand_still(session_.write(bytes));
    }
}

void TlsStream::encrypt_held() {
    if (!held_.empty() && session_.established()) {
        const std::string bytes = std::exchange(held_, {});
        encrypt(bytes);
    }
}

void TlsStream::flush() {
    encrypt_held();
    lower_->flush();
    count_sent();
}

void TlsStream::flush_now() noexcept {
    guard([this] { encrypt_held(); });
}

void TlsStream::count_sent() noexcept {
    has_sent(static_cast<std::size_t>(lower_->sent() - std::exchange(lower_sent_, lower_->sent())));
}

void TlsStream::say_goodbye() noexcept {
    if (session_.established() && !failed_) {
        guard([this] { encrypt_held(); });
        session_.say_goodbye();
    }
}

void TlsStream::end_output() noexcept {
    assert(pending() == 0);
    say_goodbye();
    ending_ = true;
    guard([this] { lower_->flush(); });
    signalled(SocketEvent::Type::writable);
}

// --- the stream below

void TlsStream::signalled(SocketEvent::Type type) noexcept {
    guard([&] {
        if (type == SocketEvent::Type::readable) {
            pump();
            return;
        }
        count_sent();
        if (lower_->output_error() != 0) {
            failed_ = true;
            fail_output(lower_->output_error());
            end_input(lower_->output_error());
        } else if (lower_->pending() == 0) {
            if (std::exchange(ending_, false)) {
                lower_->end_output();
            }
            if (held_.empty()) {
                signal(SocketEvent::Type::writable);
            }
        }
    });
}

void TlsStream::room_made() noexcept {
    if (blocked_) {
        pump();
    }
}

void TlsStream::close_stream(bool reset) noexcept {
    disarm();
    set_observer(nullptr);
    if (!reset) {
        say_goodbye();
    }
    lower_->set_observer(nullptr);
    if (reset) {
        lower_.release()->reset();
    }
    delete this;
}

}  // namespace

ByteStream::Owner make_tls_stream(ByteStream::Owner lower, std::shared_ptr<const TlsRules> rules,
                                  const std::string& host) {
    return ByteStream::Owner(new TlsStream(std::move(lower), std::move(rules), host));
}

}  // namespace weir
