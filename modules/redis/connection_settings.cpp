#include "modules/redis/connection_settings.h"

#include <utility>

#include <unistd.h>

#include "config/text/quoted.h"
#include "core/system/secret_file.h"

namespace weir::redis {

std::string wrong_server(const std::string& address) {
    try {
        const Address parsed = Address::parse(address, std::uint16_t{0});
        return parsed.kind == Address::Kind::systemd ? "is no address of a server" : "";
    } catch (const AddressError& error) {
        return error.what();
    }
}

std::string wrong_connection(const ConnectionSettings& settings) {
    if (settings.password && settings.password_file) {
        return "has both password and password_file, of which one counts";
    }
    const auto unreadable = [](const std::optional<std::string>& file) {
        return file && ::access(file->c_str(), R_OK) != 0;
    };
    for (const auto& [name, file] :
         {std::pair("password_file", &settings.password_file),
          std::pair("certificate_authorities", &settings.certificate_authorities),
          std::pair("certificate", &settings.certificate), std::pair("key", &settings.key)}) {
        if (unreadable(*file)) {
            return std::string(name) + ": cannot be read: " + config::in_quotes(**file);
        }
    }
    try {
        settings.connection_options();  // reads what TLS needs, as a start does
    } catch (const TlsError& error) {
        return error.what();
    }
    return "";
}

ClientOptions ConnectionSettings::connection_options() const {
    ClientOptions options;
    options.server = server;
    options.connect_timeout = connect_timeout;
    options.command_timeout = command_timeout;
    options.longest_pause = longest_pause;
    if (server.starts_with("tls://")) {
        TlsOptions tls{.authorities = certificate_authorities.value_or("")};
        if (certificate) {
            tls.certificates.push_back({*certificate, key.value_or(*certificate)});
        }
        options.tls = TlsContext::client(std::move(tls));
    }
    return options;
}

Task<Login> read_login(ConnectionSettings settings) {
    Login login{settings.user, settings.password.value_or("")};
    if (!settings.password && settings.password_file) {
        Task<std::string> reading = read_secret_line(*settings.password_file, "password_file");
        login.password = co_await reading;
    }
    co_return login;
}

}  // namespace weir::redis
