#pragma once

// The inside of TlsContext; only the .cpp files of this room include it.

#include <memory>
#include <string>
#include <vector>

#include "core/tls/openssl.h"
#include "core/tls/tls_context.h"

namespace weir {

// What a TlsContext has read: a context of OpenSSL for each certificate, and at least one. Never
// changes; lives as long as a stream uses it.
class TlsRules {
public:
    // Reads the files. Throws TlsError.
    TlsRules(const TlsOptions& options, bool server);
    TlsRules(const TlsRules&) = delete;
    TlsRules& operator=(const TlsRules&) = delete;

    // Returns a new connection, with nothing to read from or write to. Throws TlsError.
    openssl::Owned<SSL> make() const;
    // See TlsContext.
    std::vector<std::string> certificates_not_valid_now(const TlsOptions& options) const;
    bool require_close_notify() const noexcept { return require_close_notify_; }
    Duration handshake_timeout() const noexcept { return handshake_timeout_; }

private:
    openssl::Owned<SSL_CTX> make_context(const TlsOptions& options);
    void verify_peers(SSL_CTX& context, const TlsOptions& options) const;
    static void use(SSL_CTX& context, const TlsCertificate& certificate);

    static int choose_certificate(SSL* ssl, int* alert, void* rules);
    static int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                               const unsigned char* offered, unsigned int offered_size,
                               void* rules);

    const bool server_;
    const bool require_close_notify_;
    const Duration handshake_timeout_;
    std::string protocols_;  // as ALPN has them: each behind its length
    std::vector<openssl::Owned<SSL_CTX>> contexts_;
};

}  // namespace weir
