#include "modules/zookeeper/node_follower.h"

#include <utility>

#include "modules/zookeeper/path.h"

namespace weir::zookeeper {

NodeFollower::NodeFollower(Session& session, std::string path)
    : session_(session), path_(std::move(path)) {
    check_path(path_);
}

Task<std::optional<Node>> NodeFollower::next() {
    for (;;) {
        try {
            Watch watch;
            // Both see one state: a change between them fires the watch.
            const std::optional<Stat> there = co_await session_.exists(path_, watch, no_deadline);
            if (last_ != (there ? there->mzxid : 0)) {
                std::optional<Node> node;
                if (there) {
                    node = co_await session_.get(path_, no_deadline);
                }
                last_ = node ? node->stat.mzxid : 0;
                co_return node;
            }
            co_await watch.changed();
        } catch (const RefusedError& error) {
            if (error.code() != Code::no_node) {
                throw;
            }
        } catch (const SessionExpiredError&) {
            // The next session tells.
        }
    }
}

}  // namespace weir::zookeeper
