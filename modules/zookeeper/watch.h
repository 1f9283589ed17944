#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/base/clock.h"
#include "core/base/list.h"
#include "core/run/task.h"
#include "modules/zookeeper/records.h"

namespace weir {

class SignalledWait;

}  // namespace weir

namespace weir::zookeeper {

class Watches;

// Waits until a node changes, once: a read that takes a watch arms it.
//
//     for (;;) {
//         Watch watch;
//         const Node node = co_await session.get("/config", watch);
//         use(node.data);
//         co_await watch.changed();
//     }
//
// A change between the read and the wait is not missed. The watch goes on when the connection is
// lost and found again; what has changed meanwhile fires it then. It must outlive the read that
// arms it.
class Watch : public Link<Watch, Watches> {
public:
    Watch() = default;
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

    // Whether a read has armed it and nothing has happened yet.
    bool armed() const noexcept { return linked(); }
    // What has happened to the node; nothing: it has not fired. WatchedChange::none: the session
    // has ended, so that nothing is known of the node any more.
    const std::optional<WatchedChange>& fired() const noexcept { return fired_; }

    // Waits until the watch fires; returns what has happened, or nothing at the deadline. Returns
    // at once if it has fired. Requires that it was armed. One routine waits at a time.
    Task<std::optional<WatchedChange>> changed(Time deadline = Time::max());

private:
    friend class Watches;
    class Waiting;

    void fire(WatchedChange change) noexcept;

    std::optional<WatchedChange> fired_;
    SignalledWait* waiting_ = nullptr;
};

// What a watch was armed by, which decides what fires it.
enum class WatchKind { data, existence, children };

// The armed watches of a session, by what they watch and by path. Paths are as the servers know
// them.
class Watches {
public:
    Watches() = default;
    Watches(const Watches&) = delete;
    Watches& operator=(const Watches&) = delete;
    ~Watches() { end(); }

    void arm(Watch& watch, WatchKind kind, const std::string& path);
    // Fires those that the change is for.
    void fire(const std::string& path, WatchedChange change);
    // Fires all with WatchedChange::none.
    void end() noexcept;
    // Lists what is watched, to be told to another server; each request at most so many bytes of
    // paths.
    std::vector<SetWatchesRequest> list(std::int64_t last_zxid, std::size_t most_bytes);

private:
    using Table = std::unordered_map<std::string, List<Watch, Watches>>;

    Table& table(WatchKind kind) noexcept { return tables_[static_cast<std::size_t>(kind)]; }

    std::array<Table, 3> tables_;
};

}  // namespace weir::zookeeper
