// A store with a file is killed at each of its writes.

#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "modules/database/test_kills.h"
#include "modules/store/module_class.h"

namespace weir::store {

namespace {

Task<> read_store(database::Content& found) {
    Json all = Json::object();
    const ApiResult<Json> entries = co_await call("store", "scan", std::move(all));
    for (const Json& entry : entries.value()["entries"]) {
        found[entry["key"]] = entry["value"].dump() + " v" + entry["version"].dump();
    }
    // Each change has a version, also one of a key that is gone.
    Json probe = Json::parse(R"({"key": "probe", "value": true})");
    const ApiResult<Json> next = co_await call("store", "set", std::move(probe));
    found["next version"] = next.value()["version"].dump();
}

database::KillTest store_steps() {
    const std::string text = '"' + std::string(6000, 'x') + '"';  // on more than one page
    std::vector<std::vector<database::Step>> groups{
        {{"set", R"({"key": "a", "value": 1})", {{"a", "1 v1"}}}},
        {{"set", R"({"key": "b", "value": )" + text + "}", {{"b", text + " v2"}}}},
        {{"set", R"({"key": "c/1", "value": {"x": [1, null]}})", {{"c/1", R"({"x":[1,null]} v3)"}}},
         {"add", R"({"key": "n"})", {{"n", "1 v4"}}},
         {"push", R"({"key": "l", "value": 1, "keep": 2})", {{"l", "[1] v5"}}},
         {"set", R"({"key": "a", "value": 2, "if_version": 1})", {{"a", "2 v6"}}}},
        {{"add", R"({"key": "n", "by": 4})", {{"n", "5 v7"}}}},
        {{"delete", R"({"key": "b"})", {{"b", {}}}}},
        {{"delete", R"({"key": "a"})", {{"a", {}}}},
         {"set", R"({"key": "b", "value": "again"})", {{"b", R"("again" v10)"}}},
         {"set", R"({"key": "e", "value": 1, "time_to_live": "10s"})", {{"e", "1 v11"}}}},
        {{"sleep", "", {{"e", {}}}}},
        {{"push", R"({"key": "l", "value": 2, "keep": 2})", {{"l", "[1,2] v13"}}}},
        {{"reload", "", {}}},
        {{"push", R"({"key": "l", "value": 3, "keep": 2})", {{"l", "[2,3] v14"}}}},
        {{"set", R"({"key": "f", "value": )" + text + "}", {{"f", text + " v15"}}}}};
    int version = 1;
    for (auto& group : groups) {
        for (database::Step& step : group) {
            if (!step.changes.empty()) {
                step.changes.emplace_back("next version", std::to_string(++version));
            }
        }
    }
    return {"store", store_class(), "", {{"next version", "1"}}, std::move(groups), read_store};
}

}  // namespace

TEST_CASE(
    "a store that is killed at any write has what it has answered for, and no part of a change") {
    SECTION("before the write") {
        database::kill_at_each_write(store_steps(), Kill::before);
    }
    SECTION("in the middle of the write") {
        database::kill_at_each_write(store_steps(), Kill::halfway);
    }
    SECTION("and killed once more while it comes back, or ends") {
        database::kill_at_each_write(store_steps(), Kill::before, database::Again::yes);
    }
}

TEST_CASE("a store has what it has answered for when the machine loses power at any write") {
    database::kill_at_each_write(store_steps(), Kill::power_loss);
}

}  // namespace weir::store
