#include "core/tls/tls_session.h"

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "core/tls/openssl.h"
#include "core/tls/tls_rules.h"

namespace weir {
namespace {

// A record of TLS holds at most so many bytes.
constexpr std::size_t record_size = 16 * 1024;

}  // namespace

// --- what OpenSSL reads and writes

class TlsSession::Bio {
public:
    static BIO* make(TlsSession& session) {
        BIO* const bio = BIO_new(method());
        if (bio == nullptr) {
            throw std::bad_alloc();
        }
        BIO_set_data(bio, &session);
        BIO_set_init(bio, 1);
        return bio;
    }

private:
    static const BIO_METHOD* method() {
        static const BIO_METHOD* const made = [] {
            BIO_METHOD* fresh =
                BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "weir carrier");
            if (fresh == nullptr) {
                throw std::bad_alloc();
            }
            BIO_meth_set_read(fresh, read);
            BIO_meth_set_write(fresh, write);
            BIO_meth_set_ctrl(fresh, control);
            return fresh;
        }();
        return made;
    }

    static int read(BIO* bio, char* target, int size) {
        TlsSession& session = *static_cast<TlsSession*>(BIO_get_data(bio));
        BIO_clear_retry_flags(bio);
        const std::optional<std::size_t> count =
            session.carrier_.take({target, static_cast<std::size_t>(size)});
        if (!count) {
            BIO_set_retry_read(bio);
            return -1;
        }
        session.carrier_ended_ = *count == 0;
        return static_cast<int>(*count);
    }

    static int write(BIO* bio, const char* bytes, int size) {
        BIO_clear_retry_flags(bio);
        try {
            static_cast<TlsSession*>(BIO_get_data(bio))
                ->carrier_.give({bytes, static_cast<std::size_t>(size)});
            return size;
        } catch (...) {
            return -1;  // no memory
        }
    }

    static long control(BIO*, int command, long, void*) {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }
};

// --- the session

void TlsSession::Free::operator()(ssl_st* ssl) const noexcept {
    SSL_free(ssl);
}

TlsSession::TlsSession(std::shared_ptr<const TlsRules> rules, const std::string& host,
                       TlsCarrier& carrier)
    : rules_(std::move(rules)), carrier_(carrier), ssl_(rules_->make().release()) {
    BIO* const bio = Bio::make(*this);
    SSL_set_bio(ssl_.get(), bio, bio);
    if (!host.empty() &&
        X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_.get()), host.c_str()) != 1) {
        ERR_clear_error();
        if (SSL_set1_host(ssl_.get(), host.c_str()) != 1 ||
            SSL_set_tlsext_host_name(ssl_.get(), host.c_str()) != 1) {
            throw TlsError("connecting to " + host, UV_EINVAL, openssl::take_reason());
        }
    }
}

TlsSession::~TlsSession() = default;

TlsStep TlsSession::shake_hands() {
    ERR_clear_error();
    if (const int result = SSL_do_handshake(ssl_.get()); result != 1) {
        return not_done(result);
    }
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
    return TlsStep::done;
}

TlsStep TlsSession::read(std::span<char> target, std::size_t& count) {
    assert(!target.empty());
    ERR_clear_error();
    const int result = SSL_read(ssl_.get(), target.data(), static_cast<int>(target.size()));
    if (result <= 0) {
        return not_done(result);
    }
    count = static_cast<std::size_t>(result);
    return TlsStep::done;
}

TlsStep TlsSession::write(std::string_view bytes) {
    assert(established_);
    while (!bytes.empty()) {
        ERR_clear_error();
        const std::size_t part = std::min(bytes.size(), record_size);
        const int result = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(part));
        if (result <= 0) {
            // The carrier takes all bytes, so that there is nothing to wait for.
            const TlsStep step = not_done(result);
            if (step != TlsStep::failed) {
                failure_ = "the connection takes no more";
            }
            return TlsStep::failed;
        }
        bytes.remove_prefix(static_cast<std::size_t>(result));
    }
    return TlsStep::done;
}

void TlsSession::say_goodbye() noexcept {
    if (established_) {
        ERR_clear_error();
        SSL_shutdown(ssl_.get());
    }
}

// OpenSSL has done nothing: it waits, or no more comes, or it has failed.
TlsStep TlsSession::not_done(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
        case SSL_ERROR_WANT_READ:
        case SSL_ERROR_WANT_WRITE:
            return TlsStep::waiting;
        case SSL_ERROR_ZERO_RETURN:
            return TlsStep::ended;
        default:
            break;
    }
    if (carrier_ended_) {
        return TlsStep::cut;
    }
    const long verified = SSL_get_verify_result(ssl_.get());
    failure_ = !established_ && verified != X509_V_OK ? X509_verify_cert_error_string(verified)
                                                      : openssl::take_reason();
    return TlsStep::failed;
}

}  // namespace weir
