// Locks that are granted only with a slot of a backend.
//
// The line of a key says which waiters would have the key if there were no other process: as many
// as slots are free here, from the front (or all that read, up to the first that does not). For
// each of these the table asks the backend for a slot. A waiter stays in the line until it has
// both, and so all that holds for waiters (timeouts, limits, listings, deadlocks) holds for it,
// too; when it leaves the line, its slot is given up. A process therefore has no more requests at
// the backend than it could hold locks, however many wait.

#include <algorithm>
#include <cassert>
#include <new>

#include "modules/lock/errors.h"
#include "modules/lock/events.h"
#include "modules/lock/queue.h"
#include "modules/lock/table.h"

namespace weir {

void LockTable::set_backend(std::unique_ptr<LockBackend> backend) {
    assert(holding_ == 0 && waiting_ == 0);
    backend_ = std::move(backend);
    const bool bounds = backend_ != nullptr;
    for_each_key([bounds](LockKey& key) {
        key.bounds_holds_ = bounds || key.longest_hold_ > Duration::zero();
    });
}

void LockTable::serve_with_backend(LockKey& key) noexcept {
    std::size_t free = unlimited;  // for all of the line so far
    std::size_t asked = 0;
    const auto first = [&]() -> LockRequest* {
        free = unlimited;
        asked = 0;
        return key.waiting_ == 0 ? nullptr : &key.waiters_.front();
    };
    for (LockRequest* request = first(); request != nullptr;) {
        free = std::min(free, key.slots_for(request->state().reads));
        if (asked >= free) {
            break;
        }
        bool again = false;
        try {
            if (request->state().held()) {
                // The same Lock is waited for twice: this wait ends when the holder's does.
                request->remote_.reset();
                request = key.waiters_.next(*request);
                continue;
            }
            again = ask_backend(*request, key) && take_with_backend(*request, key);
        } catch (...) {
            request->fail(std::current_exception());
            again = true;
        }
        if (again) {  // code that has run since may have changed the line
            request = first();
        } else {
            ++asked;
            request = key.waiters_.next(*request);
        }
    }
    key.waited_ = key.waited_ || key.waiting_ != 0;
}

// Returns whether the waiter has a slot of the backend, which is asked for if it was not yet.
bool LockTable::ask_backend(LockRequest& request, LockKey& key) {
    if (request.remote_ != nullptr) {
        const BootTime until = request.remote_->valid_until();
        if (until > boot_time(scheduler_.poller())) {
            return true;
        }
        if (until == BootTime()) {
            return false;  // the backend tells when it is granted, or lost
        }
        // A late grant is not taken. Given up, because it might become certain again without a
        // word.
        request.remote_.reset();
    }
    const bool reads = request.state().reads && !key.is_semaphore();
    request.remote_ =
        backend_->ask(key.context() == nullptr ? std::string_view() : key.context()->name(),
                      key.key(), reads ? unlimited : key.size_, request.only_tries(), *this);
    request.remote_->waiter = &request;
    return false;
}

// Takes the key for a waiter that has a slot of the backend; returns whether it was free here, too.
bool LockTable::take_with_backend(LockRequest& request, LockKey& key) {
    const Matcher refused = take(request.state(), request.owner_, &request);
    if (refused) {
        key.wait_for(refused);  // the event of the holder before has not left its queue yet
        return false;
    }
    request.granted();
    return true;
}

void LockTable::serve_next(LockKey& key) noexcept {
    try {
        serve_later(key);
    } catch (const std::bad_alloc&) {
        serve(key);  // there is no memory for doing it later
    }
}

// --- what the backend tells

void LockTable::slot_granted(RemoteSlot& slot) noexcept {
    assert(slot.waiter != nullptr);
    serve_next(*slot.waiter->state().place);
}

void LockTable::fail_later(LockRequest& request, std::exception_ptr error) noexcept {
    try {
        to_fail_.emplace_back(request.serial(), error);
        request_call();
    } catch (const std::bad_alloc&) {
        request.fail(std::current_exception());
    }
}

void LockTable::slot_not_free(RemoteSlot& slot) noexcept {
    assert(slot.waiter != nullptr);
    fail_later(*slot.waiter, nullptr);
}

void LockTable::slot_refused(RemoteSlot& slot, std::exception_ptr error) noexcept {
    assert(slot.waiter != nullptr);
    fail_later(*slot.waiter, std::move(error));
}

void LockTable::slot_lost(RemoteSlot& slot, const std::string& reason) noexcept {
    if (slot.holder != nullptr) {
        take_away(*slot.holder, reason);
        return;
    }
    // It was granted, and the waiter could not take the key yet: it asks anew.
    LockRequest& request = *slot.waiter;
    LockKey& key = *request.state().place;
    request.remote_.reset();
    serve_next(key);
}

}  // namespace weir
