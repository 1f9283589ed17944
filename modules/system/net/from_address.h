#pragma once

#include <cstddef>
#include <map>
#include <string>

namespace weir {

// Counts the connections of one address while it lives. The address is that of login_source(): all
// of one /64 network of IPv6 are one.
class FromAddress {
public:
    using Counts = std::map<std::string, std::size_t, std::less<>>;

    // The counts must outlive this.
    FromAddress(Counts& counts, const std::string& address)
        : counts_(counts), entry_(counts.try_emplace(address, 0).first) {
        ++entry_->second;
    }
    FromAddress(const FromAddress&) = delete;
    FromAddress& operator=(const FromAddress&) = delete;
    ~FromAddress() {
        if (--entry_->second == 0) {
            counts_.erase(entry_);
        }
    }

    bool same_as(const FromAddress& other) const noexcept { return entry_ == other.entry_; }
    // Returns how many there are, with this one.
    std::size_t count() const noexcept { return entry_->second; }

private:
    Counts& counts_;
    const Counts::iterator entry_;
};

}  // namespace weir
