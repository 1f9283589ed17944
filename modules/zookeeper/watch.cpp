#include "modules/zookeeper/watch.h"

#include <cassert>
#include <utility>

#include "core/wait/signalled_wait.h"

namespace weir::zookeeper {

class Watch::Waiting final : public SignalledWait {
public:
    Waiting(Watch& watch, Time deadline) noexcept : SignalledWait(deadline), watch_(watch) {
        assert(watch.waiting_ == nullptr);
        watch.waiting_ = this;
    }
    ~Waiting() { watch_.waiting_ = nullptr; }

    bool await_ready() const noexcept { return watch_.fired_.has_value(); }
    void await_resume() { finish(); }
    std::string describe() const override { return "the change of a node in ZooKeeper"; }

private:
    Watch& watch_;
};

Task<std::optional<WatchedChange>> Watch::changed(Time deadline) {
    assert(fired_ || armed());
    co_await Waiting(*this, deadline);
    co_return fired_;
}

void Watch::fire(WatchedChange change) noexcept {
    if (armed()) {
        unlink();
    }
    fired_ = change;
    if (waiting_ != nullptr) {
        waiting_->end();
    }
}

// --- Watches

void Watches::arm(Watch& watch, WatchKind kind, const std::string& path) {
    watch.fired_.reset();
    table(kind)[path].push_back(watch);
}

// A node that is deleted fires all kinds. One that is made fires those of its data too: an
// `existence` watch becomes one of data when it is told to another server, and the reverse.
void Watches::fire(const std::string& path, WatchedChange change) {
    const auto fire_all = [&](WatchKind kind) {
        Table& watched = table(kind);
        if (const auto found = watched.find(path); found != watched.end()) {
            while (!found->second.empty()) {
                found->second.front().fire(change);
            }
            watched.erase(found);
        }
    };
    if (change != WatchedChange::children) {
        fire_all(WatchKind::data);
        fire_all(WatchKind::existence);
    }
    if (change == WatchedChange::children || change == WatchedChange::deleted) {
        fire_all(WatchKind::children);
    }
}

void Watches::end() noexcept {
    for (Table& watched : tables_) {
        for (auto& [path, watches] : watched) {
            while (!watches.empty()) {
                watches.front().fire(WatchedChange::none);
            }
        }
        watched.clear();
    }
}

std::vector<SetWatchesRequest> Watches::list(std::int64_t last_zxid, std::size_t most_bytes) {
    std::vector<SetWatchesRequest> requests;
    std::size_t bytes = most_bytes;
    const auto add = [&](WatchKind kind, std::vector<std::string> SetWatchesRequest::*paths) {
        std::erase_if(table(kind), [](const auto& entry) { return entry.second.empty(); });
        for (const auto& [path, watches] : table(kind)) {
            if (bytes + path.size() > most_bytes) {
                requests.push_back({last_zxid, {}, {}, {}});
                bytes = 0;
            }
            bytes += path.size() + 4;
            (requests.back().*paths).push_back(path);
        }
    };
    add(WatchKind::data, &SetWatchesRequest::data);
    add(WatchKind::existence, &SetWatchesRequest::existence);
    add(WatchKind::children, &SetWatchesRequest::children);
    return requests;
}

}  // namespace weir::zookeeper
