#include "core/tls/tls_stream.h"

#include <algorithm>
#include <cassert>
#include <cstring>
#include <new>
#include <utility>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "core/tls/openssl.h"
#include "core/tls/tls_rules.h"

namespace weir {
namespace {

// A record of TLS holds at most so many bytes. Short writes are encrypted together.
constexpr std::size_t record_size = 16 * 1024;

// A stream whose bytes are those of OpenSSL, which reads the input of the stream below and writes
// to its output. OpenSSL never waits: this is a state machine that pump() drives whenever the
// stream below has news, or the user has made room.
class TlsStream final : public ByteStream, private ByteStream::Observer {
public:
    TlsStream(Owner lower, std::shared_ptr<const TlsRules> rules, const std::string& host);

    Task<> open(Time deadline) override;

    std::string peer() const override;
    int descriptor() const noexcept override { return lower_->descriptor(); }
    const TlsInfo* tls() const noexcept override { return established_ ? &info_ : nullptr; }
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
    bool shake_hands();
    void established_now();
    void decrypt();
    void encrypt(std::string_view bytes);
    void encrypt_held();
    void say_goodbye() noexcept;
    void count_sent() noexcept;

    void stand_still(int result);
    void lower_ended();
    void fail(int code, std::string_view detail);

    static const BIO_METHOD* bio_method();
    static int bio_read(BIO* bio, char* target, int size);
    static int bio_write(BIO* bio, const char* bytes, int size);
    static long bio_control(BIO* bio, int command, long, void*);

    Owner lower_;
    const std::shared_ptr<const TlsRules> rules_;  // shared with the context and its other streams
    openssl::Owned<SSL> ssl_;
    TlsInfo info_;
    std::string held_;  // bytes to encrypt: short ones, or before the handshake has ended
    std::uint64_t lower_sent_ = 0;
    bool established_ = false;
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
      ssl_(rules_->make()) {
    BIO* const bio = BIO_new(bio_method());
    if (bio == nullptr) {
        throw std::bad_alloc();
    }
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    if (!host.empty() &&
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), host.c_str()) != 1) {
        ERR_clear_error();
        if (SSL_set1_host(ssl_.get(), host.c_str()) != 1 ||
            SSL_set_tlsext_host_name(ssl_.get(), host.c_str()) != 1) {
            throw TlsError("connecting to " + host, UV_EINVAL, openssl::take_reason());
        }
    }
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
    while (!established_ && !failed_) {
        co_await wait(SocketEvent::Type::changed, deadline, "TLS handshake with ");
    }
    if (failed_) {
        throw TlsError("TLS handshake with " + peer(), output_error(), failure_detail());
    }
}

// --- what OpenSSL reads and writes

const BIO_METHOD* TlsStream::bio_method() {
    static const BIO_METHOD* const method = [] {
        BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir stream");
        if (made == nullptr) {
            throw std::bad_alloc();
        }
        BIO_meth_set_read(made, bio_read);
        BIO_meth_set_write(made, bio_write);
        BIO_meth_set_ctrl(made, bio_control);
        return made;
    }();
    return method;
}

int TlsStream::bio_read(BIO* bio, char* target, int size) {
    ByteStream& lower = *static_cast<TlsStream*>(BIO_get_data(bio))->lower_;
    BIO_clear_retry_flags(bio);
    const std::string_view there = lower.input();
    if (there.empty()) {
        if (lower.input_over()) {
            return 0;
        }
        BIO_set_retry_read(bio);
        return -1;
    }
    const std::size_t count = std::min(there.size(), static_cast<std::size_t>(size));
    std::memcpy(target, there.data(), count);
    lower.consume(count);
    return static_cast<int>(count);
}

int TlsStream::bio_write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    try {
        static_cast<TlsStream*>(BIO_get_data(bio))
            ->lower_->queue_output(std::string(bytes, static_cast<std::size_t>(size)));
        return size;
    } catch (...) {
        return -1;  // no memory
    }
}

long TlsStream::bio_control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
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
    if (!established_ && !shake_hands()) {
        return;
    }
    decrypt();
}

bool TlsStream::shake_hands() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_.get());
    if (result != 1) {
        stand_still(result);
        return false;
    }
    established_now();
    return true;
}

void TlsStream::established_now() {
    info_.version = SSL_get_version(ssl_.get());
    info_.cipher = SSL_get_cipher_name(ssl_.get());
    const unsigned char* protocol = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &protocol, &size);
    if (size != 0) {
        info_.protocol.assign(reinterpret_cast<const char*>(protocol), size);
    }
    if (const char* name = SSL_get_servername(ssl_.get(), TLSEXT_NAMETYPE_host_name)) {
        info_.server_name = name;
    }
    if (X509* certificate = SSL_get0_peer_certificate(ssl_.get())) {
        info_.peer = openssl::subject_of(*certificate);
    }
    established_ = true;
    encrypt_held();
    signal(SocketEvent::Type::changed);
}

void TlsStream::decrypt() {
    blocked_ = false;
    while (!failed_ && !peer_is_over()) {
        const std::span<char> free = room();
        if (free.empty()) {
            blocked_ = true;
            break;
        }
        ERR_clear_error();
        const int count = SSL_read(ssl_.get(), free.data(), static_cast<int>(free.size()));
        if (count <= 0) {
            stand_still(count);
            break;
        }
        has_received(static_cast<std::size_t>(count));
    }
    trim_room();
}

// OpenSSL has done nothing: there is nothing to read, or no more comes, or it has failed.
void TlsStream::stand_still(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            return;
        case SSL_ERROR_ZERO_RETURN:
            end_input(0);
            return;
        default:
            break;
    }
    if (lower_->input_over() && lower_->input().empty()) {
        lower_ended();
        return;
    }
    const long verified = SSL_get_verify_result(ssl_.get());
    const std::string reason = !established_ && verified != X509_V_OK
                                   ? X509_verify_cert_error_string(verified)
                                   : openssl::take_reason();
    fail(UV_EPROTO, reason);
}

void TlsStream::lower_ended() {
    if (lower_->input_error() != 0) {
        fail(lower_->input_error(), {});
    } else if (!established_) {
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
    if (!established_) {
        held_ += bytes;
        pump();
        return;
    }
    if (held_.size() + bytes.size() < record_size) {
        held_ += bytes;
        flush_later();
        return;
    }
    encrypt_held();
    encrypt(bytes);
}

std::size_t TlsStream::try_write(std::string_view bytes) {
    if (!established_ || failed_ || bytes.size() < record_size ||
        pending() >= options().write_buffer_size) {
        return 0;
    }
    encrypt_held();
    encrypt(bytes);
    return bytes.size();
}

void TlsStream::encrypt(std::string_view bytes) {
    while (!bytes.empty() && !failed_) {
        ERR_clear_error();
        const std::size_t part = std::min(bytes.size(), record_size);
        const int count = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(part));
        if (count <= 0) {
            stand_still(count);
            if (!failed_) {
                fail(UV_EPROTO, "the connection takes no more");
            }
            return;
        }
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
}

void TlsStream::encrypt_held() {
    if (!held_.empty() && established_) {
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
    if (established_ && !failed_) {
        guard([this] { encrypt_held(); });
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
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
