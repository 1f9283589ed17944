#include "core/tls/tls_context.h"

#include <cassert>
#include <utility>

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "core/tls/tls_rules.h"
#include "core/tls/tls_session.h"
#include "core/tls/tls_stream.h"

namespace weir {
namespace {

[[noreturn]] void fail_setup(const std::string& what) {
    throw TlsError(what, UV_EINVAL, openssl::take_reason());
}

// To open a pipe would hold up the loop until a process writes to it.
void require_file(const std::string& path, const std::string& what) {
    struct stat file {};
    if (stat(path.c_str(), &file) == 0 && !S_ISREG(file.st_mode)) {
        throw TlsError(what + path, UV_EINVAL, "it is not a regular file");
    }
}

bool is_folder(const std::string& path) noexcept {
    struct stat file {};
    return stat(path.c_str(), &file) == 0 && S_ISDIR(file.st_mode);
}

std::string in_wire_format(const std::vector<std::string>& protocols) {
    std::string result;
    for (const std::string& protocol : protocols) {
        if (protocol.empty() || protocol.size() > 255) {
            throw TlsError("offering the protocol '" + protocol + "' in TLS", UV_EINVAL,
                           "a protocol's name has 1 to 255 bytes");
        }
        result += static_cast<char>(protocol.size());
        result += protocol;
    }
    return result;
}

}  // namespace

// --- Rules

TlsRules::TlsRules(const TlsOptions& options, bool server)
    : server_(server),
      require_close_notify_(options.require_close_notify),
      handshake_timeout_(options.handshake_timeout),
      protocols_(in_wire_format(options.protocols)) {
    ERR_clear_error();
    if (server && options.certificates.empty()) {
        throw TlsError("setting TLS up", UV_EINVAL, "a server needs a certificate and its key");
    }
    for (const TlsCertificate& certificate : options.certificates) {
        contexts_.push_back(make_context(options));
        use(*contexts_.back(), certificate);
    }
    if (contexts_.empty()) {
        contexts_.push_back(make_context(options));
    }
}

openssl::Owned<SSL_CTX> TlsRules::make_context(const TlsOptions& options) {
    openssl::Owned<SSL_CTX> context(
        SSL_CTX_new(server_ ? TLS_server_method() : TLS_client_method()));
    const int least =
        options.least_version == TlsVersion::tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
    if (context == nullptr || SSL_CTX_set_min_proto_version(context.get(), least) != 1) {
        fail_setup("setting TLS up");
    }
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                           SSL_OP_CIPHER_SERVER_PREFERENCE);
    // OpenSSL would ask the terminal for the passphrase of a key, and wait.
    SSL_CTX_set_default_passwd_cb(context.get(), [](char*, int, int, void*) { return -1; });
    // An idle connection keeps no buffers.
    SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
    verify_peers(*context, options);
    if (server_) {
        // Sessions are resumed by tickets alone, among the streams of one context.
        SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
        const unsigned char name[] = "weir";
        SSL_CTX_set_session_id_context(context.get(), name, sizeof(name) - 1);
        SSL_CTX_set_tlsext_servername_callback(context.get(), choose_certificate);
        SSL_CTX_set_tlsext_servername_arg(context.get(), this);
        if (!protocols_.empty()) {
            SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, this);
        }
    } else if (!protocols_.empty() &&
               SSL_CTX_set_alpn_protos(context.get(),
                                       reinterpret_cast<const unsigned char*>(protocols_.data()),
                                       static_cast<unsigned>(protocols_.size())) != 0) {
        fail_setup("setting TLS up");
    }
    return context;
}

void TlsRules::verify_peers(SSL_CTX& context, const TlsOptions& options) const {
    if (!options.authorities.empty()) {
        const bool folder = is_folder(options.authorities);
        if (!folder) {
            require_file(options.authorities, "reading the authorities in ");
        }
        const char* const path = options.authorities.c_str();
        if (SSL_CTX_load_verify_locations(&context, folder ? nullptr : path,
                                          folder ? path : nullptr) != 1) {
            fail_setup("reading the authorities in " + options.authorities);
        }
        if (server_ && !folder) {
            // Tells clients which certificates are asked for.
            SSL_CTX_set_client_CA_list(&context, SSL_load_client_CA_file(path));
        }
    } else if (!server_ && options.verify && SSL_CTX_set_default_verify_paths(&context) != 1) {
        fail_setup("reading the system's authorities");
    }
    int mode = SSL_VERIFY_NONE;
    if (server_ && !options.authorities.empty()) {
        mode = SSL_VERIFY_PEER | (options.verify ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
    } else if (!server_ && options.verify) {
        mode = SSL_VERIFY_PEER;
    }
    SSL_CTX_set_verify(&context, mode, nullptr);
}

void TlsRules::use(SSL_CTX& context, const TlsCertificate& files) {
    require_file(files.certificate, "reading the certificate ");
    require_file(files.key, "reading the key ");
    if (SSL_CTX_use_certificate_chain_file(&context, files.certificate.c_str()) != 1) {
        fail_setup("reading the certificate " + files.certificate);
    }
    if (SSL_CTX_use_PrivateKey_file(&context, files.key.c_str(), SSL_FILETYPE_PEM) != 1) {
        fail_setup("reading the key " + files.key);
    }
    if (SSL_CTX_check_private_key(&context) != 1) {
        fail_setup("using the key " + files.key + " for the certificate " + files.certificate);
    }
}

int TlsRules::choose_certificate(SSL* ssl, int*, void* rules) {
    const TlsRules& self = *static_cast<const TlsRules*>(rules);
    const char* const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name != nullptr) {
        for (const openssl::Owned<SSL_CTX>& context : self.contexts_) {
            X509* const certificate = SSL_CTX_get0_certificate(context.get());
            if (X509_check_host(certificate, name, 0, 0, nullptr) == 1) {
                SSL_set_SSL_CTX(ssl, context.get());
                break;
            }
        }
    }
    return SSL_TLSEXT_ERR_OK;
}

int TlsRules::choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                              const unsigned char* offered, unsigned int offered_size,
                              void* rules) {
    const std::string& ours = static_cast<const TlsRules*>(rules)->protocols_;
    unsigned char* found = nullptr;
    const int result = SSL_select_next_proto(
        &found, chosen_size, reinterpret_cast<const unsigned char*>(ours.data()),
        static_cast<unsigned>(ours.size()), offered, offered_size);
    *chosen = found;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

openssl::Owned<SSL> TlsRules::make() const {
    openssl::Owned<SSL> ssl(SSL_new(contexts_.front().get()));
    if (ssl == nullptr) {
        fail_setup("making a TLS connection");
    }
    if (server_) {
        SSL_set_accept_state(ssl.get());
    } else {
        SSL_set_connect_state(ssl.get());
    }
    return ssl;
}

namespace {

std::string time_text(const ASN1_TIME& time) {
    const openssl::Owned<BIO> memory(BIO_new(BIO_s_mem()));
    char* text = nullptr;
    if (memory == nullptr || ASN1_TIME_print(memory.get(), &time) != 1) {
        return "an unknown time";
    }
    const long size = BIO_get_mem_data(memory.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

}  // namespace

std::vector<std::string> TlsRules::certificates_not_valid_now(const TlsOptions& options) const {
    std::vector<std::string> wrong;
    for (std::size_t i = 0; i != options.certificates.size(); ++i) {
        const X509* const certificate = SSL_CTX_get0_certificate(contexts_[i].get());
        const ASN1_TIME* const begin = X509_get0_notBefore(certificate);
        const ASN1_TIME* const end = X509_get0_notAfter(certificate);
        const std::string name = "the certificate " + options.certificates[i].certificate;
        if (X509_cmp_current_time(end) < 0) {
            wrong.push_back(name + " has expired: it was valid until " + time_text(*end));
        } else if (X509_cmp_current_time(begin) > 0) {
            wrong.push_back(name + " is not valid yet, but from " + time_text(*begin) + " on");
        }
    }
    return wrong;
}

// --- TlsContext

TlsContext::TlsContext(TlsOptions options, bool server)
    : options_(std::move(options)),
      server_(server),
      rules_(std::make_shared<const TlsRules>(options_, server)) {}

TlsContext::~TlsContext() = default;

std::shared_ptr<TlsContext> TlsContext::server(TlsOptions options) {
    return std::shared_ptr<TlsContext>(new TlsContext(std::move(options), true));
}

std::shared_ptr<TlsContext> TlsContext::client(TlsOptions options) {
    return std::shared_ptr<TlsContext>(new TlsContext(std::move(options), false));
}

std::vector<std::string> TlsContext::certificates_not_valid_now() const {
    return rules_->certificates_not_valid_now(options_);
}

void TlsContext::reload() {
    rules_ = std::make_shared<const TlsRules>(options_, server_);
}

ByteStream::Owner TlsContext::accept(ByteStream::Owner lower) const {
    assert(server_);
    return make_tls_stream(std::move(lower), rules_, {});
}

ByteStream::Owner TlsContext::connect(ByteStream::Owner lower, const std::string& host) const {
    assert(!server_);
    return make_tls_stream(std::move(lower), rules_, host);
}

std::unique_ptr<TlsSession> TlsContext::connect(TlsCarrier& carrier,
                                                const std::string& host) const {
    assert(!server_);
    return std::make_unique<TlsSession>(rules_, host, carrier);
}

}  // namespace weir
