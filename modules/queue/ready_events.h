#pragma once

#include <chrono>
#include <cstdint>
#include <new>
#include <optional>
#include <vector>

#include "core/run/event_handler.h"
#include "core/run/routine.h"
#include "core/wait/condition.h"
#include "core/wait/future.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/database/writer.h"
#include "modules/queue/api.h"
#include "modules/queue/jobs.h"
#include "modules/system/call/api_error.h"
#include "modules/system/event/listening_event.h"
#include "modules/system/module/module.h"

namespace weir::jobs {

// Sends an event Ready for each job that may be fetched, one after the other, when there is room
// for them: no call waits for the listeners' room, and ten thousand jobs flood nothing. A job that
// is fetched before its turn needs no event. When a listener begins that must miss nothing, it
// sends them again (ListenerBegins).
class ReadyEvents {
public:
    // Both must outlive it.
    ReadyEvents(Module& module, Jobs& jobs)
        : module_(module), jobs_(jobs), listeners_(module.scheduler()) {}

    void begin() {
        routine_ = module_.start(send_all(), {.name = "queue.ready", .daemon = true});
        listeners_.handle(match<ListenerBegins>(event_type<Ready>().name()).make(),
                          [this](const Ref<Event>&) {
                              jobs_.forget_told();
                              look();
                          });
    }
    void end() noexcept {
        listeners_.stop_all();
        if (routine_ != nullptr) {
            routine_->close();
        }
    }
    // Jobs may have become ready.
    void look() noexcept { changed_.notify(); }
    // A change is on its way to the disk.
    void written_by(const Future<>& written) { written_ = written; }

private:
    Task<> send_all() {
        for (;;) {
            while (jobs_.untold().empty()) {
                co_await changed_.notified();  // needs no memory
            }
            bool has_memory = true;
            try {
                Task<> sending = send_some();
                co_await sending;
            } catch (const std::bad_alloc&) {
                has_memory = false;
            }
            if (!has_memory) {
                co_await sleep(std::chrono::milliseconds(5));
            }
        }
    }

    // A job that cannot be written is none. Changes are written in the order in which they came.
    Task<> send_some() {
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

    Module& module_;
    Jobs& jobs_;
    std::optional<Future<>> written_;  // the last change
    Condition changed_;
    Ref<Routine> routine_;
    EventHandler listeners_;
};

}  // namespace weir::jobs
