#include "modules/lock/plugin/json.h"

#include <chrono>

#include "modules/system/call/json.h"
#include "modules/system/call/long_turn.h"

namespace weir::lock_api {

namespace {

double seconds(Duration duration) {
    return std::chrono::duration<double>(duration).count();
}

Json uses_to_json(const std::vector<LockUse>& uses, bool hold) {
    Json result = Json::array();
    for (const LockUse& use : uses) {
        Json one = {{"owner", use.owner},
                    {"context", use.context},
                    {"seconds", seconds(use.since)},
                    {"reads", use.reads}};
        if (hold) {
            one["token"] = use.token;
        } else {
            one["position"] = use.position;
        }
        result.push_back(std::move(one));
    }
    return result;
}

Json listing_to_json(const LockListing& listing) {
    Json semaphore;
    if (const auto& made = listing.semaphore) {
        semaphore = {{"made_by", made->made_by},
                     {"seconds", seconds(made->age)},
                     {"idle_seconds", seconds(made->idle)}};
    }
    return {{"key", listing.key},         {"context", listing.context},
            {"size", listing.size},       {"semaphore", std::move(semaphore)},
            {"holding", listing.holding}, {"holders", uses_to_json(listing.holders, true)},
            {"waiting", listing.waiting}, {"waiters", uses_to_json(listing.waiters, false)}};
}

}  // namespace

Task<Json> to_json(std::vector<LockListing> listings, Ref<LongWork> long_work,
                   const Caller& caller) {
    Json result = Json::array();
    std::size_t done = 0;
    for (const LockListing& listing : listings) {
        result.push_back(listing_to_json(listing));
        done += 1 + listing.holders.size() + listing.waiters.size();
        if (done >= LongWork::per_round) {
            done = 0;
            co_await long_turn(long_work, caller, LongWork::per_round, LongWork::Piece::next);
        }
    }
    co_return result;
}

Json to_json(const std::vector<Deadlock>& deadlocks) {
    Json result = Json::array();
    for (const Deadlock& deadlock : deadlocks) {
        Json members = Json::array();
        for (const DeadlockMember& member : deadlock.members) {
            members.push_back({{"owner", member.owner},
                               {"context", member.context},
                               {"key", member.key},
                               {"seconds", seconds(member.waiting)},
                               {"holders", member.holders}});
        }
        result.push_back({{"description", deadlock.describe()}, {"members", std::move(members)}});
    }
    return result;
}

Json to_json(const Histogram& times) {
    Json buckets = Json::array();
    times.for_each([&](Duration upper, std::uint64_t count) {
        buckets.push_back(Json::array({seconds(upper), count}));
    });
    return {{"count", times.count()},
            {"mean", seconds(times.mean())},
            {"median", seconds(times.quantile(0.5))},
            {"p99", seconds(times.quantile(0.99))},
            {"longest", seconds(times.longest())},
            {"buckets", std::move(buckets)}};
}

Json to_json(const LockStatistics& statistics) {
    return {{"acquired", statistics.acquired},
            {"contended", statistics.contended},
            {"refused", statistics.refused},
            {"timed_out", statistics.timed_out},
            {"failed", statistics.failed},
            {"lost", statistics.lost},
            {"wait_seconds", to_json(statistics.wait_time)},
            {"hold_seconds", to_json(statistics.hold_time)}};
}

}  // namespace weir::lock_api
