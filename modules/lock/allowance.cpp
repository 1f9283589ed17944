#include "modules/lock/allowance.h"

#include "modules/lock/errors.h"

namespace weir {

Ref<LockAllowances::Account> LockAllowances::account(const std::string& client) {
    if (const auto found = accounts_.find(client); found != accounts_.end()) {
        return Ref<Account>(found->second);
    }
    Ref<Account> made(new Account(*this, client));
    accounts_.emplace(client, made.get());
    return made;
}

LockAllowances::Share::Share(Ref<Account> account, std::size_t bytes) {
    LockAllowances& all = *account->all_;
    const auto refuse = [](const std::string& taken, std::size_t most, const std::string& limit) {
        throw LockLimitReached(taken + ", which take as much memory as is allowed, " +
                               std::to_string(most) + " bytes (" + limit + ")");
    };
    if (bytes > all.most_in_all_ || all.used_ > all.most_in_all_ - bytes) {
        refuse("clients hold locks, or wait for them", all.most_in_all_, "max_held");
    }
    if (bytes > all.most_of_one_ || account->used_ > all.most_of_one_ - bytes) {
        refuse(account->client_ + " holds locks, or waits for them", all.most_of_one_,
               "max_held_of_one");
    }
    all.used_ += bytes;
    account->used_ += bytes;
    account_ = std::move(account);
    bytes_ = bytes;
}

LockAllowances::Share::~Share() {
    if (account_ != nullptr) {
        account_->used_ -= bytes_;
        account_->all_->used_ -= bytes_;
    }
}

}  // namespace weir
