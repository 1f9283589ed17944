#include "modules/zookeeper/server_list.h"

#include <stdexcept>
#include <utility>

#include "core/run/backoff.h"

namespace weir::zookeeper {
namespace {

constexpr std::uint16_t usual_port = 2181;

}  // namespace

ServerList::ServerList(const std::vector<std::string>& servers, Duration longest_pause,
                       Poller& poller)
    : longest_pause_(longest_pause), poller_(poller) {
    for (const std::string& server : servers) {
        const bool has_scheme = server.find("://") != std::string::npos;
        servers_.push_back(Address::parse(has_scheme ? server : "tcp://" + server, usual_port));
    }
    if (servers_.empty()) {
        throw std::invalid_argument("a ZooKeeper session needs at least one server");
    }
    shuffle();
}

void ServerList::shuffle() noexcept {
    for (std::size_t i = servers_.size(); i > 1; --i) {
        std::swap(servers_[i - 1], servers_[poller_.random() % i]);
    }
}

Duration ServerList::pause() {
    return random_pause(rounds_, longest_pause_, poller_);
}

const Address& ServerList::next() {
    if (next_ == servers_.size()) {
        next_ = 0;
        ++rounds_;
        shuffle();
    }
    return servers_[next_++];
}

std::string ServerList::text() const {
    std::string text;
    for (const Address& server : servers_) {
        text += (text.empty() ? "" : ", ") + server.text();
    }
    return text;
}

}  // namespace weir::zookeeper
