#include "modules/redis/plugin/api.h"

namespace weir::redis::api {

using config::setting;
using config::settings;
using std::chrono::hours;
using std::chrono::milliseconds;

namespace {

constexpr const char* repeat_sentence =
    "Whether it may be executed twice, so that it is sent again when the connection is lost; "
    "otherwise it fails with `in_doubt` then";
constexpr const char* timeout_sentence = "How long it may wait; null: command_timeout";

}  // namespace

config::Settings<CommandParameters> CommandParameters::describe() {
    using S = CommandParameters;
    return settings<S>(
        "Executes a command; returns its reply, as JSON that keeps the types",
        setting("arguments", &S::arguments,
                "The command and its arguments: texts as they are, any other JSON as JSON text")
            .required(),
        setting("safe_to_repeat", &S::safe_to_repeat, repeat_sentence),
        setting("timeout", &S::timeout, timeout_sentence).range(milliseconds(1), hours(24)));
}

config::Settings<ScriptParameters> ScriptParameters::describe() {
    using S = ScriptParameters;
    return settings<S>(
        "Executes a script in the server, which does all of it at one moment; returns its reply",
        setting("text", &S::text, "The script, in Lua").not_empty().required(),
        setting("keys", &S::keys, "What it finds in KEYS"),
        setting("arguments", &S::arguments,
                "What it finds in ARGV: texts as they are, any other JSON as JSON text"),
        setting("safe_to_repeat", &S::safe_to_repeat, repeat_sentence),
        setting("timeout", &S::timeout, timeout_sentence).range(milliseconds(1), hours(24)));
}

config::Settings<PublishParameters> PublishParameters::describe() {
    using S = PublishParameters;
    return settings<S>(
        "Sends a message to all that listen to a channel; returns how many clients that are",
        setting("channel", &S::channel, "The channel").not_empty().required(),
        setting("payload", &S::payload, "The message: a text as it is, any other JSON as JSON text")
            .required());
}

config::Settings<ConnectionInfo> ConnectionInfo::describe() {
    using S = ConnectionInfo;
    return settings<S>(
        "A connection", setting("connected", &S::connected, "Whether it is connected"),
        setting("version", &S::version, "Version of the protocol, 2 or 3; 0: not connected"),
        setting("connections", &S::connections, "How often it was connected"),
        setting("obstacle", &S::obstacle, "Why it is not connected; \"\": no attempt has failed"));
}

config::Settings<Status> Status::describe() {
    using S = Status;
    return settings<S>(
        "The connections", setting("server", &S::server, "The server"),
        setting("commands", &S::commands, "The connection for commands"),
        setting("messages", &S::messages, "The connection for messages; null: no channels"),
        setting("pending", &S::pending, "Commands that wait, to be sent or for a reply"));
}

}  // namespace weir::redis::api
