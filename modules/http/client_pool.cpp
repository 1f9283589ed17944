#include "modules/http/client_pool.h"

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

#include <uv.h>

#include "core/run/scheduler.h"
#include "core/wait/timeout.h"

namespace weir::http {

ClientPool::ClientPool(Scheduler& scheduler, Connector connector, std::size_t most,
                       Duration idle_time) noexcept
    : scheduler_(scheduler),
      connector_(std::move(connector)),
      most_(most),
      idle_time_(idle_time),
      closing_(scheduler) {
    assert(most_ != 0);
}

ClientPool::~ClientPool() = default;

ClientPool::Lease::Lease(ClientPool& pool, Origin& origin) noexcept
    : pool_(pool), origin_(origin), used_(origin.users), leased_(origin.leased) {}

ClientPool::Lease::~Lease() {
    try {
        if (stream != nullptr && is_reusable && stream->input().empty() && !stream->input_over() &&
            stream->pending() == 0) {
            pool_.keep(origin_, std::move(stream));
        }
        origin_.room.signal(SocketEvent::Type::changed);
    } catch (const std::bad_alloc&) {  // the connection is closed, or stays until it is used
    }
}

void ClientPool::keep(Origin& origin, ByteStream::Owner stream) {
    stream->start_reading();  // to notice its end
    origin.idle.push_back({std::move(stream), scheduler_.now()});
    if (closing_.routines().empty()) {
        closing_.start(close_idle(), {.name = "idle connections", .daemon = true});
    }
}

std::size_t ClientPool::connections() const noexcept {
    std::size_t count = idle();
    for (const auto& [name, origin] : origins_) {
        count += origin->leased;
    }
    return count;
}

std::size_t ClientPool::idle() const noexcept {
    std::size_t count = 0;
    for (const auto& [name, origin] : origins_) {
        count += origin->idle.size();
    }
    return count;
}

void ClientPool::drop_idle() {
    for (auto it = origins_.begin(); it != origins_.end();) {
        Origin& origin = *it->second;
        while (!origin.idle.empty() && scheduler_.now() - origin.idle.front().since >= idle_time_) {
            origin.idle.pop_front();
        }
        const bool is_unused = origin.idle.empty() && origin.users == 0;
        it = is_unused ? origins_.erase(it) : std::next(it);
    }
}

Task<> ClientPool::close_idle() {
    while (idle() != 0) {
        co_await sleep(std::max<Duration>(idle_time_, std::chrono::milliseconds(1)));
        drop_idle();
    }
}

std::unique_ptr<ClientPool::Lease> ClientPool::take_idle(Origin& origin) {
    while (!origin.idle.empty()) {
        Origin::Idle idle = std::move(origin.idle.back());
        origin.idle.pop_back();
        if (scheduler_.now() - idle.since < idle_time_ && !idle.stream->input_over() &&
            idle.stream->input().empty()) {
            auto lease = std::make_unique<Lease>(*this, origin);
            lease->stream = std::move(idle.stream);
            lease->is_reused = true;
            return lease;
        }
    }
    return nullptr;
}

Task<std::unique_ptr<ClientPool::Lease>> ClientPool::lease(const Url& url, Time deadline,
                                                           bool needs_new) {
    drop_idle();  // also origins of which nothing is left
    std::unique_ptr<Origin>& found = origins_[url.origin()];
    if (found == nullptr) {
        found = std::make_unique<Origin>(scheduler_);
    }
    Origin& origin = *found;
    const Counted used(origin.users);
    const MatcherOf<SocketEvent> changed = origin.room.matcher(SocketEvent::Type::changed);
    for (;;) {
        if (needs_new) {
            origin.idle.clear();  // they are as old as the one that had ended
        } else if (std::unique_ptr<Lease> lease = take_idle(origin)) {
            co_return lease;
        }
        if (origin.leased < most_) {
            break;
        }
        origin.room.want(SocketEvent::Type::changed);
        if (!co_await wait_with_timeout(time_until(deadline, scheduler_.now()), changed)) {
            throw StreamError("waiting for one of " + std::to_string(most_) + " connections",
                              UV_ETIMEDOUT);
        }
    }
    auto lease = std::make_unique<Lease>(*this, origin);
    auto stream =
        co_await execute_with_timeout(time_until(deadline, scheduler_.now()), connector_(url));
    if (!stream) {
        throw StreamError("connecting", UV_ETIMEDOUT);
    }
    lease->stream = std::move(*stream);
    co_return lease;
}

std::optional<Duration> time_until(Time deadline, Time now) noexcept {
    return deadline == no_deadline ? std::nullopt
                                   : std::optional(std::max(deadline - now, Duration()));
}

}  // namespace weir::http
