#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "modules/zookeeper/session.h"

namespace weir::zookeeper {

// Follows the data of one node, such as a configuration, through lost connections and expired
// sessions:
//
//     NodeFollower configuration(session, "/config");
//     for (;;) {
//         const std::optional<Node> node = co_await configuration.next();
//         use(node ? node->data : "defaults");
//     }
//
// It returns the newest state; states between two calls that were replaced since are skipped.
class NodeFollower {
public:
    NodeFollower(Session& session, std::string path);

    // Returns the node when it is another than the last one that was returned; nothing: it is not
    // there. The first call returns what there is. Throws ClosedError, and RefusedError if the
    // servers do not allow it.
    Task<std::optional<Node>> next();

private:
    Session& session_;
    const std::string path_;
    std::optional<std::int64_t> last_;  // its mzxid; 0: it was not there
};

}  // namespace weir::zookeeper
