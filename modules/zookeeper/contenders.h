#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::zookeeper {

// The nodes below a lock, each of a client that holds it or waits for it. Their names are those of
// Curator, "_c_<id>-lock-0000000042", and kazoo's, "<id>__lock__0000000042" (kazoo takes ours with
// extra_lock_patterns=["-lock-"]): the number, which the servers append, decides who is first.

// Returns the begin of the name for a client with this id.
std::string contender_prefix(std::string_view id);

// Those of the names that are of contenders, the first in the order first.
class Contenders {
public:
    explicit Contenders(const std::vector<std::string>& names);

    std::size_t size() const noexcept { return names_.size(); }
    const std::string& operator[](std::size_t position) const { return names_[position]; }
    // Returns the positions of those that begin so, in order.
    std::vector<std::size_t> find(std::string_view prefix) const;

private:
    std::vector<std::string> names_;
};

}  // namespace weir::zookeeper
