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
//
// A contender that lets others hold the lock too says so in its name:
// "_c_<id>-of-3-lock-0000000042" wants one slot of three. Contenders of different sizes exclude
// each other, in the same order.

// Returns the begin of the name for a client with this id that wants one of `size` slots.
std::string contender_prefix(std::string_view id, std::size_t size = 1);

// Those of the names that are of contenders, the first in the order first.
class Contenders {
public:
    explicit Contenders(const std::vector<std::string>& names);

    std::size_t size() const noexcept { return names_.size(); }
    const std::string& operator[](std::size_t position) const { return names_[position]; }
    // Whether the lock is granted to it: it is one of the first `size`, and all before it want a
    // slot of as many.
    bool grants(std::size_t position) const;
    // Returns the positions of those that begin so, in order.
    std::vector<std::size_t> find(std::string_view prefix) const;

private:
    std::vector<std::string> names_;
};

}  // namespace weir::zookeeper
