#pragma once

#include <algorithm>

#include "core/simulation/boot_clock.h"

namespace weir::zookeeper {

// Until when a session is certainly alive, whatever happens in the network from now on.
//
// The leader of the servers lets a session expire when it has not heard of it for the session's
// timeout T. It hears of a session by the server that the client is connected to, each half tick,
// T/4 at most. A server that is cut off from the leader goes on answering reads and pings: these
// prove nothing. An acknowledged write has passed through the leader and a majority; if the one
// before was sent at most T/4 earlier, the leader has heard of the session at most T/4 before this
// one was sent. The session then lives for 3/4 T from the time of *sending*: the answer may have
// travelled for long. After a longer silence the leader may have heard of the session last at the
// time of the write before, and only T from there is certain.
class Validity {
public:
    // A session was made, which is a write of the servers.
    void begin(BootTime sent, Duration timeout) noexcept {
        timeout_ = timeout;
        before_ = sent;
        until_ = sent + three_quarters();
    }
    // The session has ended: `until` is the epoch.
    void end() noexcept { *this = Validity(); }

    // Another server has taken the session over, and has asked the leader for that. This is no
    // proof, because the leader may be a deposed one, but the leader has heard of the session.
    void taken_over(BootTime sent, Duration timeout) noexcept {
        if (timeout < timeout_) {
            until_ = std::min(until_, sent + timeout * 3 / 4);
        }
        timeout_ = timeout;
        before_ = std::max(before_, sent);
    }
    // A write that was sent then is acknowledged.
    void acknowledged(BootTime sent) noexcept {
        until_ = std::max(until_, std::min(sent + three_quarters(), before_ + timeout_));
        before_ = std::max(before_, sent);
    }

    BootTime until() const noexcept { return until_; }
    // When the last write was sent that was acknowledged, or the session was taken over.
    BootTime last_sent() const noexcept { return before_; }
    Duration timeout() const noexcept { return timeout_; }

private:
    Duration three_quarters() const noexcept { return timeout_ * 3 / 4; }

    Duration timeout_{};
    BootTime before_{};
    BootTime until_{};
};

}  // namespace weir::zookeeper
