#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.h"
#include "modules/system/call/retry_settings.h"
#include "modules/webhook/signature.h"

// The settings at module.webhook, as an app file has them.
namespace weir::webhook {

// How requests are signed, and where the secret is.
struct SigningSettings {
    Scheme signature = Scheme::none;
    std::optional<std::string> secret;
    std::optional<std::string> secret_file;
};

// Where requests come in.
struct HookSettings : SigningSettings {
    std::string description;
    std::string path;
    std::chrono::seconds tolerance = std::chrono::minutes(5);
    std::vector<std::string> headers;
    config::ByteSize max_body = config::mebibytes(1);
    std::chrono::milliseconds patience = std::chrono::seconds(5);

    static config::Settings<HookSettings> describe();
};

// Where requests go.
struct ReceiverSettings : SigningSettings {
    std::string description;
    std::string url;
    std::string method = "POST";
    std::map<std::string, std::string> headers;
    std::chrono::milliseconds timeout = std::chrono::seconds(10);
    RetrySettings retry;
    std::uint32_t at_once = 1;
    std::uint32_t waiting = 1000;

    static config::Settings<ReceiverSettings> describe();
};

struct WebhookSettings {
    std::map<std::string, HookSettings> hooks;
    std::map<std::string, ReceiverSettings> receivers;

    static config::Settings<WebhookSettings> describe();
};

// Returns what is wrong with the headers of a request that is to be sent; "" if nothing is.
std::string wrong_headers(const std::map<std::string, std::string>& headers);

}  // namespace weir::webhook
