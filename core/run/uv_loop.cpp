#include "core/run/uv_loop.h"

#include <stdexcept>

#include "core/run/scheduler.h"
#include "core/run/uv_poller.h"

namespace weir {

uv_loop_t& loop_of(Scheduler& scheduler) {
    auto* poller = dynamic_cast<UvPoller*>(&scheduler.poller());
    if (poller == nullptr) {
        throw std::logic_error(
            "sockets and descriptors need a scheduler that runs on libuv, with a UvPoller");
    }
    return poller->loop();
}

}  // namespace weir
