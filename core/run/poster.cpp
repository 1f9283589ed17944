#include "core/run/poster.h"

#include <utility>

#include "core/run/mailbox.h"
#include "core/run/scheduler.h"

namespace weir {

// Shared by the copies of a Poster: when the last one is destroyed, the scheduler may end.
struct Poster::Keeper {
    explicit Keeper(std::shared_ptr<Mailbox> kept) : mailbox(std::move(kept)) {
        mailbox->keep_open();
    }
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;
    ~Keeper() { mailbox->release(); }

    std::shared_ptr<Mailbox> mailbox;
};

Poster::Poster(Scheduler& scheduler, bool daemon)
    : mailbox_(scheduler.mailbox()),
      keeper_(daemon ? nullptr : std::make_shared<const Keeper>(mailbox_)) {}

bool Poster::post(std::function<void()> function) const {
    return mailbox_->post(std::move(function));
}

}  // namespace weir
