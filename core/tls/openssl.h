#pragma once

// What the .cpp files of this room share of OpenSSL; no other file includes it.

#include <memory>
#include <string>

#include <openssl/ssl.h>

namespace weir::openssl {

struct Free {
    void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
    void operator()(X509* certificate) const noexcept { X509_free(certificate); }
    void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

// Takes this thread's errors, and returns the reason of the first, which is the cause of the
// others; "no reason given" if there is none.
std::string take_reason();

// Returns the subject of a certificate: "CN=ann,O=Weir".
std::string subject_of(X509& certificate);

}  // namespace weir::openssl
