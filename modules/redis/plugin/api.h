#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/settings/settings.h"
#include "modules/system/event/describe_event.h"

// Parameters and results of the functions of the module `redis`, and its event.
namespace weir::redis::api {

struct CommandParameters {
    std::vector<config::Value> arguments;
    bool safe_to_repeat = false;
    std::optional<std::chrono::milliseconds> timeout;

    static config::Settings<CommandParameters> describe();
};

struct ScriptParameters {
    std::string text;
    std::vector<config::Value> keys;
    std::vector<config::Value> arguments;
    bool safe_to_repeat = false;
    std::optional<std::chrono::milliseconds> timeout;

    static config::Settings<ScriptParameters> describe();
};

struct PublishParameters {
    std::string channel;
    config::Value payload;

    static config::Settings<PublishParameters> describe();
};

struct ConnectionInfo {
    bool connected = false;
    int version = 0;
    std::uint64_t connections = 0;
    std::string obstacle;

    static config::Settings<ConnectionInfo> describe();
};

struct Status {
    std::string server;
    ConnectionInfo commands;
    std::optional<ConnectionInfo> messages;
    std::uint64_t pending = 0;

    static config::Settings<Status> describe();
};

// A message has come in a channel that the settings name.
struct MessageEvent : Event {
    Index<std::string> channel;
    Index<std::string> module;
    std::string pattern;
    std::string payload;
    config::Value data;

    static auto declare() {
        return portable_event<MessageEvent>(
            "redis.Message", "A message has come in a channel",
            member("channel", &MessageEvent::channel, "The channel"),
            member("module", &MessageEvent::module, "Name of the module: which server it is"),
            member("pattern", &MessageEvent::pattern,
                   "The pattern by which it has come; \"\": the channel's name"),
            member("payload", &MessageEvent::payload, "The message as text"),
            member("data", &MessageEvent::data, "What the text is as JSON; null: it is none"));
    }
};

}  // namespace weir::redis::api
