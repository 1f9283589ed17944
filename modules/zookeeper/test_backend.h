#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "modules/lock/lock.h"
#include "modules/lock/table.h"
#include "modules/zookeeper/remote_locks.h"
#include "modules/zookeeper/test_world.h"
#include "modules/zookeeper/zookeeper_backend.h"

namespace weir::zookeeper {

// A process whose locks are decided by servers in memory.
struct BackendWorld : FakeWorld {
    explicit BackendWorld(std::uint64_t seed = 1, FakeOptions options = {},
                          LockSettings settings = {}, Duration timeout = 5s)
        : FakeWorld(seed, std::move(options)) {
        add_lock_queue(scheduler, std::move(settings));
        auto made = std::make_unique<ZooKeeperBackend>(scheduler, ensemble.options(timeout));
        backend = made.get();
        table().set_backend(std::move(made));
    }

    LockTable& table() { return LockTable::of(scheduler); }
    std::size_t nodes_of(const std::string& key) {
        const FakeTree::Node* const node = ensemble.tree().find("/weir/locks/default/" + key);
        return node == nullptr ? 0 : node->children.size();
    }
    // Ends the locks as the module does, when the task has ended.
    Task<> and_end(Task<> task) {
        co_await task;
        co_await end();
    }
    Task<> end() { co_await remove_lock_queue(scheduler, true); }

    ZooKeeperBackend* backend = nullptr;
};

// Another process, which takes locks by the recipe alone.
struct OtherProcess {
    explicit OtherProcess(FakeWorld& world, Duration timeout = 5s)
        : session(world.scheduler, world.ensemble.options(timeout)), locks(session) {}

    Session session;
    RemoteLocks locks;
};

}  // namespace weir::zookeeper
