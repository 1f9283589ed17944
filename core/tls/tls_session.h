#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/tls/tls_context.h"

struct ssl_st;

namespace weir {

// Carries the encrypted bytes of a TlsSession: a stream, or a socket. Neither function waits.
class TlsCarrier {
public:
    // Copies bytes that the peer has sent to `target`, and returns how many; 0: no more will come;
    // nothing: none are there now.
    virtual std::optional<std::size_t> take(std::span<char> target) = 0;
    // Takes all of the bytes, for the peer.
    virtual void give(std::string_view bytes) = 0;

protected:
    ~TlsCarrier() = default;
};

// What a call of a TlsSession has done.
enum class TlsStep {
    done,
    waiting,  // for bytes of the peer: call again when the carrier has some
    ended,    // nothing: the peer has said that it sends no more (close_notify)
    cut,      // nothing: the carrier's bytes have ended, and the peer has not said that they would
    failed,   // nothing, for good: failure() says why
};

// One end of a TLS connection: plain bytes on one side, encrypted ones of a carrier on the other.
// It waits for nothing and knows no scheduler; TlsStream makes a ByteStream of it, and a program
// that polls its socket itself can use it as it is. TlsContext::connect() makes one.
class TlsSession {
public:
    // `host`: of clients, as TlsContext::connect() takes it. The carrier must outlive this. Throws
    // TlsError. The rules are shared with the context and its other sessions.
    TlsSession(std::shared_ptr<const TlsRules> rules, const std::string& host, TlsCarrier& carrier);
    TlsSession(const TlsSession&) = delete;
    TlsSession& operator=(const TlsSession&) = delete;
    ~TlsSession();

    // Goes on with the handshake; to be called first, until it is done.
    TlsStep shake_hands();
    bool established() const noexcept { return established_; }
    // What the handshake has agreed on.
    const TlsInfo& info() const noexcept { return info_; }

    // Decrypts bytes to `target`, which must not be empty. `count`: how many.
    TlsStep read(std::span<char> target, std::size_t& count);
    // Encrypts all of the bytes. Requires that the handshake is done.
    TlsStep write(std::string_view bytes);
    // Tells the peer that no more bytes come. It may still send.
    void say_goodbye() noexcept;

    // Why a step has failed, for people.
    const std::string& failure() const noexcept { return failure_; }

private:
    class Bio;

    TlsStep not_done(int result);

    struct Free {
        void operator()(ssl_st* ssl) const noexcept;
    };

    const std::shared_ptr<const TlsRules> rules_;
    TlsCarrier& carrier_;
    std::unique_ptr<ssl_st, Free> ssl_;
    TlsInfo info_;
    std::string failure_;
    bool established_ = false;
    bool carrier_ended_ = false;
};

}  // namespace weir
