#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/name_in.h"
#include "config/settings/settings.h"

// Parameters and results of the module `webhook`.
namespace weir::webhook {

inline config::NameIn name_of_receiver() {
    return {"receiver", "receivers"};
}
inline config::NameIn name_of_hook() {
    return {"hook", "hooks"};
}

struct SendParameters {
    std::string receiver;
    std::string path;
    std::string method;
    std::map<std::string, std::string> headers;
    config::Value body;
    std::optional<std::string> text;

    static config::Settings<SendParameters> describe();
};

struct AskParameters : SendParameters {
    bool must_succeed = true;

    static config::Settings<AskParameters> describe();
};

struct Answer {
    int status = 0;
    std::map<std::string, std::string> headers;
    config::Value body;

    static config::Settings<Answer> describe();
};

struct HookInfo {
    std::string name;
    std::string description;
    std::string path;
    std::uint64_t received = 0;
    std::uint64_t refused = 0;
    std::string last_refusal;

    static config::Settings<HookInfo> describe();
};

struct ReceiverInfo {
    std::string name;
    std::string description;
    std::uint64_t delivered = 0;
    std::uint64_t failed = 0;
    std::uint64_t retries = 0;
    std::size_t running = 0;
    std::size_t waiting = 0;

    static config::Settings<ReceiverInfo> describe();
};

struct WebhookList {
    std::vector<HookInfo> hooks;
    std::vector<ReceiverInfo> receivers;

    static config::Settings<WebhookList> describe();
};

}  // namespace weir::webhook
