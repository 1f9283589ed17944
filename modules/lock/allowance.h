#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "core/base/ref.h"
#include "core/queue/queue.h"

namespace weir {

// How many bytes clients take by the locks that they hold or wait for: clients choose the names of
// keys and contexts, and how many locks they hold. A client is all sessions of one name.
class LockAllowances final : public RefCounted<LockAllowances> {
public:
    // Returns what a lock takes, roughly, with so many bytes of its key and its context.
    static constexpr std::size_t bytes_of_lock(std::size_t names) noexcept {
        return 1024 + 2 * names;
    }

    // The bytes of one client. Exists while a session or a lock of the client does.
    class Account final : public RefCounted<Account> {
    public:
        Account(LockAllowances& all, std::string client) : all_(&all), client_(std::move(client)) {}
        ~Account() { all_->accounts_.erase(client_); }

        const LockAllowances& of() const noexcept { return *all_; }

    private:
        friend class LockAllowances;

        const Ref<LockAllowances> all_;
        const std::string client_;
        std::size_t used_ = 0;
    };

    // A lock's part of an account, until it is destroyed.
    class Share {
    public:
        Share() = default;
        // Throws LockLimitReached if the client, or all together, would take too much.
        Share(Ref<Account> account, std::size_t bytes);
        Share(Share&& other) noexcept
            : account_(std::move(other.account_)), bytes_(std::exchange(other.bytes_, 0)) {}
        Share& operator=(Share&&) = delete;
        ~Share();

    private:
        Ref<Account> account_;
        std::size_t bytes_ = 0;
    };

    // What is taken already stays.
    void set_limits(std::size_t in_all, std::size_t of_one) noexcept {
        most_in_all_ = in_all;
        most_of_one_ = of_one;
    }
    std::size_t used() const noexcept { return used_; }
    Ref<Account> account(const std::string& client);

private:
    std::size_t most_in_all_ = unlimited;
    std::size_t most_of_one_ = unlimited;
    std::size_t used_ = 0;
    std::map<std::string, Account*> accounts_;
};

}  // namespace weir
