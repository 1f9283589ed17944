// Allocations fail while keys change. The module is linked in: the kit finds nlohmann::json, which
// cannot survive a failure, by names that a plugin does not show.

#include <chrono>
#include <new>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/database/test_file.h"
#include "modules/store/module_class.h"
#include "modules/system/call/json.h"
#include "modules/testing/allocations.h"
#include "modules/testing/simulated_server.h"

namespace weir::store {

namespace {

using namespace std::chrono_literals;

Task<Json> ask_store(std::string function, std::string parameters) {
    Json given = Json::parse(parameters);
    const ApiResult<Json> result = co_await call("store", function, std::move(given));
    if (!result) {
        throw ApiException(result.error());
    }
    co_return result.value();
}

// Changes a key while memory fails, then another one, and reads both.
Task<> change_keys(AllocationFailure& failure, Json& value) {
    Task<Json> first = ask_store("set", R"({"key": "a", "value": "old", "time_to_live": "1h"})");
    co_await first;
    failure.arm();
    try {
        Task<Json> second = ask_store("set", R"({"key": "a", "value": "new"})");
        co_await second;
        co_await sleep(1s);
    } catch (const std::exception&) {
        // The caller has learned it.
    }
    failure.disarm();
    Task<Json> third = ask_store("set", R"({"key": "b", "value": 1})");
    co_await third;
    Task<Json> reading = ask_store("get", R"({"key": "a"})");
    value = (co_await reading)["value"];
}

Task<> read_key(Json& value) {
    Task<Json> reading = ask_store("get", R"({"key": "a"})");
    value = (co_await reading)["value"];
}

}  // namespace

TEST_CASE(
    "a change for which there is no memory is made in memory and on the disk, or in neither") {
    const database::TestFile file("store_allocation_test");
    const std::string app =
        R"({"server": {"startup": ["store"]}, "module": {"store": {)" + file.setting() + "}}}";
    fail_each_allocation([&](AllocationFailure& failure) {
        file.remove();
        Json in_memory;
        {
            SimulatedServer world(app, Registry().add(store_class()));
            world.run(change_keys(failure, in_memory));
        }
        const AllocationPause pause;
        INFO(failure.where());
        CHECK((in_memory == "new" || (failure.happened() && in_memory == "old")));
        Json on_disk;
        SimulatedServer again(app, Registry().add(store_class()));
        again.run(read_key(on_disk));
        CHECK(on_disk == in_memory);
    });
}

}  // namespace weir::store
