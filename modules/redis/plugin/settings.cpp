#include "modules/redis/plugin/settings.h"

#include <algorithm>
#include <utility>

namespace weir::redis {

using config::setting;

namespace {

std::string wrong_channels(const std::vector<std::string>& names) {
    return std::ranges::find(names, "") == names.end() ? "" : "has an empty name";
}

}  // namespace

config::Settings<RedisSettings> RedisSettings::describe() {
    using S = RedisSettings;
    using std::chrono::hours;
    using std::chrono::milliseconds;
    return describe_connection<S>(
        "A client of a server of the Redis protocol",
        setting("database", &S::database, "The number of the database").range(0, 1'000'000).fixed(),
        setting("ping_interval", &S::ping_interval,
                "A server that says nothing for so long is asked whether it is there")
            .range(milliseconds(1), hours(1))
            .fixed(),
        setting("max_pending", &S::max_pending,
                "How many commands may wait, to be sent or for a reply; more are refused")
            .range(1, 10'000'000)
            .unit("commands")
            .fixed(),
        setting("max_reply", &S::max_reply, "The largest reply; a larger one ends the connection")
            .range(config::kibibytes(1), config::mebibytes(1024))
            .fixed(),
        setting("channels", &S::channels,
                "Each message in these channels is an event redis.Message")
            .check(wrong_channels),
        setting("patterns", &S::patterns,
                "The same for channels whose names match, with *, ? and [...]")
            .check(wrong_channels),
        setting("max_messages", &S::max_messages,
                "While so many messages wait to be events, or max_reply of their bytes, the server "
                "keeps further ones, up to its own limit")
            .range(1, 1'000'000)
            .unit("messages")
            .fixed());
}

ClientOptions RedisSettings::options(std::string name) const {
    ClientOptions options = connection_options();
    options.name = std::move(name);
    options.database = database;
    options.ping_interval = ping_interval;
    options.max_pending = max_pending;
    options.limits.max_size = max_reply.bytes;
    options.max_messages = max_messages;
    return options;
}

}  // namespace weir::redis
