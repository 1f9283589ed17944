#include "core/run/subscriber.h"

#include "core/run/scheduler.h"

namespace weir {

void Subscriber::set_daemon(bool daemon) noexcept {
    if (daemon_ != daemon) {
        daemon_ = daemon;
        if (registered_) {
            scheduler_->keeping_alive_ += daemon ? static_cast<std::size_t>(-1) : 1U;
        }
    }
}

}  // namespace weir
