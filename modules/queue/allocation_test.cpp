// Allocations fail while jobs are submitted and done. The module is linked in: the kit finds
// nlohmann::json, which cannot survive a failure, by names that a plugin does not show.

#include <chrono>
#include <set>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/database/test_file.h"
#include "modules/queue/module_class.h"
#include "modules/system/call/json.h"
#include "modules/testing/allocations.h"
#include "modules/testing/simulated_server.h"

namespace weir::jobs {

namespace {

using namespace std::chrono_literals;

Task<Json> ask_queue(std::string function, Json parameters) {
    const ApiResult<Json> result = co_await call("queue", function, std::move(parameters));
    if (!result) {
        throw ApiException(result.error());
    }
    co_return result.value();
}

Task<Json> submit_job(int data) {
    Json parameters{{"queue", "q"}, {"data", data}};
    return ask_queue("submit", std::move(parameters));
}

Task<Json> fetch_job() {
    Json parameters{{"queue", "q"}, {"wait", "10s"}};
    return ask_queue("fetch", std::move(parameters));
}

Task<Json> finish_job(const Json& job) {
    Json parameters{{"id", job["id"]}, {"receipt", job["receipt"]}};
    return ask_queue("finish", std::move(parameters));
}

// Submits 1, lets memory fail while 2 is submitted and a job is done, and submits 3. Notes what
// must be there at the end, and what must not.
Task<> work(AllocationFailure& failure, std::set<int>& there, std::set<int>& gone) {
    Task<Json> first = submit_job(1);
    co_await first;
    there.insert(1);
    failure.arm();
    try {
        Task<Json> second = submit_job(2);
        co_await second;
        {
            const AllocationPause pause;
            there.insert(2);
        }
        Task<Json> fetching = fetch_job();
        const Json job = co_await fetching;
        const int data = job["data"].get<int>();
        {
            const AllocationPause pause;
            there.erase(data);  // perhaps done, from here on
        }
        Task<Json> finishing = finish_job(job);
        co_await finishing;
        const AllocationPause pause;
        gone.insert(data);
    } catch (const std::exception&) {
        // The caller has learned it.
    }
    failure.disarm();
    Task<Json> third = submit_job(3);
    co_await third;
    there.insert(3);
}

// Does all jobs that are left.
Task<> do_all(std::multiset<int>& done) {
    for (;;) {
        Task<Json> fetching = fetch_job();
        const Json job = co_await fetching;
        if (job.is_null()) {
            co_return;
        }
        done.insert(job["data"].get<int>());
        Task<Json> finishing = finish_job(job);
        co_await finishing;
    }
}

}  // namespace

TEST_CASE("no job that was taken is lost, and none that was done comes again, without memory") {
    const database::TestFile file("queue_allocation_test");
    const std::string app = R"({"server": {"startup": ["queue"]}, "module": {"queue": {)" +
                            file.setting() + R"(, "queues": {"q": {"visibility": "1s"}}}}})";
    fail_each_allocation([&](AllocationFailure& failure) {
        file.remove();
        std::set<int> there;
        std::set<int> gone;
        {
            SimulatedServer world(app, Registry().add(queue_class()));
            world.run(work(failure, there, gone));
        }
        const AllocationPause pause;
        INFO(failure.where());
        std::multiset<int> done;
        SimulatedServer again(app, Registry().add(queue_class()));
        again.run(do_all(done));
        for (const int data : there) {
            CHECK(done.count(data) == 1);
        }
        for (const int data : gone) {
            CHECK(done.count(data) == 0);
        }
    });
}

}  // namespace weir::jobs
