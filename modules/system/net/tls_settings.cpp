#include "modules/system/net/tls_settings.h"

#include <utility>

#include "modules/system/module/app_check.h"
#include "modules/system/module/module_log.h"

namespace weir {

config::EnumNames<TlsVersion> names_of(TlsVersion) {
    return {{"1.2", TlsVersion::tls_1_2}, {"1.3", TlsVersion::tls_1_3}};
}

std::shared_ptr<TlsContext> TlsSettings::server_context(TlsOptions options) const {
    options.certificates = {{certificate, key}};
    options.authorities = client_ca.value_or("");
    options.least_version = least_version;
    options.handshake_timeout = handshake_timeout;
    return TlsContext::server(std::move(options));
}

config::Settings<TlsSettings> TlsSettings::describe() {
    using namespace config;
    using S = TlsSettings;
    return settings<S>(
        "Files in PEM format, which SIGHUP reads again, and rules of TLS",
        setting("certificate", &S::certificate,
                "File of the server's certificate, followed by those that sign it")
            .not_empty()
            .required(),
        setting("key", &S::key, "File of the certificate's private key, without a passphrase")
            .not_empty()
            .required(),
        setting("client_ca", &S::client_ca,
                "File, or folder as c_rehash makes it, of the authorities that sign certificates "
                "of clients; a client without one is refused; null: clients need none")
            .not_empty(),
        setting("least_version", &S::least_version, "Clients with older versions are refused"),
        setting("handshake_timeout", &S::handshake_timeout,
                "Closes a client that has not shaken hands after so long")
            .at_least(std::chrono::milliseconds(1)));
}

void check_tls(const AppCheck& app, const TlsSettings& settings, const config::Path& path) {
    try {
        for (const std::string& wrong : settings.server_context()->certificates_not_valid_now()) {
            app.warn(path, wrong);
        }
    } catch (const TlsError& error) {
        app.report_at_start(path, error.what());
    }
}

void read_certificates_again(TlsContext& context, const std::string& address,
                             const ModuleLog& log) {
    try {
        context.reload();
        log.info("{}: has read the certificate again", address);
    } catch (const TlsError& error) {
        log.error("{}: the old certificate stays: {}", address, error.what());
    }
}

}  // namespace weir
