#include "modules/queue/ready_events.h"

#include <cstdint>
#include <vector>

#include "core/wait/send.h"
#include "modules/database/writer.h"
#include "modules/queue/api.h"
#include "modules/queue/keep_sending.h"
#include "modules/system/call/api_error.h"
#include "modules/system/event/listening_event.h"

namespace weir::jobs {

void ReadyEvents::begin() {
    routine_ = module_.start(
        keep_sending(
            changed_, [this] { return !jobs_.untold().empty(); }, [this] { return send_some(); }),
        {.name = "queue.ready", .daemon = true});
    listeners_.handle(match<ListenerBegins>(event_type<Ready>().name()).make(),
                      [this](const Ref<Event>&) {
                          jobs_.forget_told();
                          look();
                      });
}

void ReadyEvents::end() noexcept {
    listeners_.stop_all();
    if (routine_ != nullptr) {
        routine_->close();
    }
}

// A job that cannot be written is none. Changes are written in the order in which they came.
Task<> ReadyEvents::send_some() {
    const std::vector<std::uint64_t> some(jobs_.untold().begin(), jobs_.untold().end());
    try {
        Task<> writing = database::Writer::until_written(written_);
        co_await writing;
    } catch (const ApiException&) {
        // Its caller gets the error.
    }
    for (const std::uint64_t id : some) {
        if (jobs_.untold().contains(id)) {
            const Job& job = jobs_.job(id);
            const Ref<Event> ready = make_event<Ready>(job.queue, job.key, id);
            co_await send(ready);
            jobs_.tell(id);
        }
    }
}

}  // namespace weir::jobs
