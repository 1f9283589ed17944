#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.h"

// Settings, parameters and results of the module `mail`.
namespace weir::mail {

enum class Tls { required, none };

inline config::EnumNames<Tls> names_of(Tls) {
    return {{"required", Tls::required}, {"none", Tls::none}};
}

struct MailSettings {
    std::string server;
    Tls tls = Tls::required;
    std::optional<std::string> ca_file;
    std::optional<std::string> user;
    std::optional<std::string> password_file;
    std::string from;
    std::chrono::milliseconds timeout = std::chrono::seconds(60);
    std::uint32_t at_once = 4;
    std::uint32_t waiting = 100;
    config::ByteSize max_size = config::mebibytes(1);

    static config::Settings<MailSettings> describe();
};

struct SendParameters {
    std::vector<std::string> to;
    std::vector<std::string> cc;
    std::vector<std::string> bcc;
    std::optional<std::string> from;
    std::optional<std::string> reply_to;
    std::string subject;
    std::string text;
    std::optional<std::string> html;
    std::map<std::string, std::string> headers;

    static config::Settings<SendParameters> describe();
};

struct SendReport {
    std::string id;
    double seconds = 0;

    static config::Settings<SendReport> describe();
};

}  // namespace weir::mail
