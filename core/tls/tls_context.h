#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/stream/byte_stream.h"
#include "core/stream/stream_error.h"

namespace weir {

// Thrown when TLS cannot be set up, or a handshake fails; what() names the file or the peer, and
// the reason.
class TlsError : public StreamError {
public:
    using StreamError::StreamError;
};

// A certificate with those that sign it, and its private key: two files in PEM format, or one file
// twice.
struct TlsCertificate {
    std::string certificate;
    std::string key;
};

enum class TlsVersion { tls_1_2, tls_1_3 };

struct TlsOptions {
    // Servers: at least one. A client that asks for a name (SNI) gets the first certificate that is
    // valid for it, or else the first of all. Clients: none, or one that they show to servers.
    std::vector<TlsCertificate> certificates = {};
    // A file in PEM format, or a folder as c_rehash makes it, with the authorities that sign the
    // peers' certificates. Empty: clients trust those of the system; servers ask for no
    // certificate.
    std::string authorities = {};
    // Clients: the server's certificate has to be signed by an authority, and to be valid for the
    // host. Servers with authorities: a client has to show a certificate.
    bool verify = true;
    // Protocols to agree on (ALPN), the preferred first: "h2", "http/1.1". Empty: any. A server
    // refuses a client that knows none of them.
    std::vector<std::string> protocols = {};
    // An input that ends without the peer's word for it (close_notify) is an error: an attacker may
    // have cut it. Protocols whose messages tell their own ends can do without.
    bool require_close_notify = true;
    // Peers that speak older versions only are refused.
    TlsVersion least_version = TlsVersion::tls_1_2;
    // How long a handshake may take, where its caller has no deadline of its own.
    Duration handshake_timeout = std::chrono::seconds(10);
};

// What a handshake has agreed on.
struct TlsInfo {
    std::string version;      // "TLSv1.3"
    std::string cipher;       // "TLS_AES_256_GCM_SHA384"
    std::string protocol;     // by ALPN; empty: none
    std::string server_name;  // that the client has asked for; empty: none
    std::string peer;         // the subject of the peer's certificate: "CN=ann"; empty: none
};

class TlsCarrier;
class TlsRules;
class TlsSession;

// Certificates and rules for the TLS streams of a server, or of clients. Peers cannot renegotiate.
// Make one and keep it: reading the system's authorities takes milliseconds.
class TlsContext {
public:
    // Read the files. Throw TlsError.
    static std::shared_ptr<TlsContext> server(TlsOptions options);
    static std::shared_ptr<TlsContext> client(TlsOptions options = {});
    TlsContext(const TlsContext&) = delete;
    TlsContext& operator=(const TlsContext&) = delete;
    ~TlsContext();

    const TlsOptions& options() const noexcept { return options_; }

    // Returns what peers will object to in the own certificates at this time: "the certificate
    // server.pem has expired: it was valid until Nov  5 10:00:00 2026 GMT". Empty: nothing.
    std::vector<std::string> certificates_not_valid_now() const;

    // Reads the files again. New streams use them, open ones go on with what they have. If that
    // fails, throws TlsError and has changed nothing.
    void reload();

    // Returns a stream over another, which must be new or at the begin of TLS in its input. Await
    // its open() before anything else, or write at once: bytes wait for the handshake.
    ByteStream::Owner accept(ByteStream::Owner lower) const;
    // `host`: the server's name, or its IP address, for verification and for SNI.
    ByteStream::Owner connect(ByteStream::Owner lower, const std::string& host) const;
    // Returns the client's end of a connection that is no stream, for programs without a
    // scheduler. The carrier must outlive it.
    std::unique_ptr<TlsSession> connect(TlsCarrier& carrier, const std::string& host) const;

private:
    TlsContext(TlsOptions options, bool server);

    const TlsOptions options_;
    const bool server_;
    std::shared_ptr<const TlsRules> rules_;  // what the files say; shared with its streams
};

}  // namespace weir
