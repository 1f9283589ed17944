#pragma once

#include <chrono>
#include <concepts>
#include <new>
#include <utility>

#include "core/run/task.h"
#include "core/wait/condition.h"
#include "core/wait/timeout.h"

namespace weir::jobs {

// Awaits what `send` returns whenever there is something to send; `changed` says that there may be.
// Does not end. Without memory it tries again a bit later.
template <std::predicate HasSome, std::invocable Send>
Task<> keep_sending(Condition& changed, HasSome has_some, Send send) {
    for (;;) {
        while (!has_some()) {
            co_await changed.notified();  // needs no memory
        }
        bool has_memory = true;
        try {
            Task<> sending = send();
            co_await sending;
        } catch (const std::bad_alloc&) {
            has_memory = false;
        }
        if (!has_memory) {
            co_await sleep(std::chrono::milliseconds(5));
        }
    }
}

}  // namespace weir::jobs
