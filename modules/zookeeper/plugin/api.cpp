#include "modules/zookeeper/plugin/api.h"

namespace weir::zookeeper::api {

using config::setting;
using config::settings;

config::Settings<Path> Path::describe() {
    return settings<Path>("A node", setting("path", &Path::path, "Its path, as /a/b").required());
}

config::Settings<Create> Create::describe() {
    return settings<Create>(
        "Makes a node; returns its path, with the digits of a sequential one",
        setting("path", &Create::path, "Its path, as /a/b").required(),
        setting("data", &Create::data, "Its data"),
        setting("mode", &Create::mode,
                "How long it stays: for ever, as long as the session (ephemeral), or as long as it "
                "has children (container); sequential: the servers append ten digits"));
}

config::Settings<Set> Set::describe() {
    return settings<Set>(
        "Writes the data of a node; returns its new version",
        setting("path", &Set::path, "Its path").required(),
        setting("data", &Set::data, "The data").required(),
        setting("version", &Set::version, "The version that the node must have; null: any"));
}

config::Settings<Remove> Remove::describe() {
    return settings<Remove>(
        "Deletes a node that has no children",
        setting("path", &Remove::path, "Its path").required(),
        setting("version", &Remove::version, "The version that the node must have; null: any"));
}

config::Settings<NodeInfo> NodeInfo::describe() {
    return settings<NodeInfo>(
        "A node", setting("data", &NodeInfo::data, "Its data"),
        setting("version", &NodeInfo::version, "How often its data was written"),
        setting("created", &NodeInfo::created,
                "Number of the transaction that has made it (czxid): grows with each, for all "
                "nodes"),
        setting("changed", &NodeInfo::changed,
                "Number of the transaction that has written it last (mzxid)"));
}

config::Settings<Status> Status::describe() {
    return settings<Status>(
        "The session",
        setting("state", &Status::state,
                "connecting, connected, disconnected, expired, closed or refused"),
        setting("session", &Status::session, "Its number; empty: there is none yet"),
        setting("server", &Status::server, "The server that it is connected to; empty: none"),
        setting("timeout", &Status::timeout, "What the servers have granted").unit("seconds"),
        setting("valid_for", &Status::valid_for,
                "How long it certainly lives, whatever happens from now on")
            .unit("seconds"));
}

}  // namespace weir::zookeeper::api
