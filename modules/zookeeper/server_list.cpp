#include "modules/zookeeper/server_list.h"

#include <algorithm>
#include <stdexcept>

namespace weir::zookeeper {
namespace {

constexpr std::uint16_t usual_port = 2181;
// The pause of the first round; each further one doubles it.
constexpr Duration first_pause = std::chrono::milliseconds(50);
constexpr std::size_t most_doublings = 16;

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
    const Duration most =
        std::min(first_pause * (1 << std::min(rounds_, most_doublings)), longest_pause_);
    return Duration(static_cast<Duration::rep>(poller_.random() %
                                               static_cast<std::uint64_t>(most.count() + 1)));
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
