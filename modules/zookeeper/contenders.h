#pragma once

#include <cstddef>
#include <limits>
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
//
// A contender that reads is one of any number of slots: Curator names it
// "_c_<id>-__READ__0000000042", kazoo "<id>__rlock__0000000042". Curator's readers take only nodes
// named "_c_<id>-__WRIT__0000000042" for writers, and its mutexes do not know these.

// The size that means: with all that read.
inline constexpr std::size_t readers = std::numeric_limits<std::size_t>::max();

// How those that want the lock alone are named.
enum class WriterName {
    lock,  // as by Curator's InterProcessMutex
    writ,  // as by the writers of its InterProcessReadWriteLock
};

// Returns the begin of the name for a client with this id that wants one of `size` slots.
std::string contender_prefix(std::string_view id, std::size_t size = 1,
                             WriterName writers = WriterName::lock);

// Those of the names that are of contenders, the first in the order first.
class Contenders {
public:
    explicit Contenders(const std::vector<std::string>& names);

    std::size_t size() const noexcept { return names_.size(); }
    const std::string& operator[](std::size_t position) const { return names_[position]; }
    // Whether the lock is granted to it: it is one of the first `size`, and all before it want a
    // slot of as many.
    bool grants(std::size_t position) const;
    // Returns how many stand before it that wait, too.
    std::size_t waiting_before(std::size_t position) const;
    // Returns the position of the contender that has to go before it may be granted. Requires that
    // it is not granted, and that it reads or wants the lock alone.
    std::size_t obstacle_of(std::size_t position) const;
    // Returns the positions of those that begin so, in order.
    std::vector<std::size_t> find(std::string_view prefix) const;

private:
    std::vector<std::string> names_;
};

}  // namespace weir::zookeeper
