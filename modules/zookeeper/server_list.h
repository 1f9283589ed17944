#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/base/clock.h"
#include "core/net/address.h"
#include "core/run/poller.h"

namespace weir::zookeeper {

// The order in which a session tries its servers, and how long it pauses before each. The order is
// random, so that clients spread over the servers. So are the pauses, so that the clients of a
// server that has failed do not all come at one moment.
class ServerList {
public:
    // Texts as "tcp://host:2181", "tls://host:2281", or "host", which is "tcp://host:2181". Throws
    // AddressError for a wrong one, and std::invalid_argument if there is none.
    ServerList(const std::vector<std::string>& servers, Duration longest_pause, Poller& poller);

    // Returns how long to wait before the next() attempt: a moment; longer and longer when all have
    // failed in turn.
    Duration pause();
    // Returns each server once in a round, in a random order.
    const Address& next();
    // An attempt has succeeded.
    void succeeded() noexcept { rounds_ = 0; }
    // How often all have been tried in vain since the last success.
    std::size_t fruitless_rounds() const noexcept {
        return rounds_ + (next_ == servers_.size() ? 1 : 0);
    }

    std::size_t size() const noexcept { return servers_.size(); }
    // Returns all of them, for messages.
    std::string text() const;

private:
    void shuffle() noexcept;

    std::vector<Address> servers_;
    const Duration longest_pause_;
    Poller& poller_;
    std::size_t next_ = 0;
    std::size_t rounds_ = 0;  // in which no attempt has succeeded
};

}  // namespace weir::zookeeper
