#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "core/run/event_handler.h"
#include "core/wait/timeout.h"
#include "modules/database/database.h"
#include "modules/database/test_file.h"
#include "modules/store/rows.h"
#include "modules/system/call/json.h"
#include "modules/system/event/event_json.h"
#include "modules/testing/simulated_server.h"
#include "modules/testing/writes.h"

namespace weir {

namespace {

using namespace std::chrono_literals;

std::string app(const std::string& settings = "{}") {
    return R"({"server": {"startup": ["store"]}, "module": {"store": )" + settings + "}}";
}

// A function of the store, as text: its result, or its error.
Task<std::string> ask(std::string function, std::string parameters) {
    Json given = Json::parse(parameters);
    const ApiResult<Json> result = co_await call("store", function, std::move(given));
    co_return result ? result.value().dump() : to_text(result.error());
}

using Asked = std::vector<std::pair<std::string, std::string>>;

Task<> ask_all(Asked questions, std::vector<std::string>& answers) {
    for (auto& [function, parameters] : questions) {
        Task<std::string> asking = ask(function, parameters);
        answers.push_back(co_await asking);
    }
}

std::vector<std::string> answers_of(SimulatedServer& world, Asked questions) {
    std::vector<std::string> answers;
    world.run(ask_all(std::move(questions), answers));
    return answers;
}

std::string entry(const std::string& key, const std::string& value, int version) {
    return R"({"expires_in":null,"key":")" + key + R"(","value":)" + value + R"(,"version":)" +
           std::to_string(version) + "}";
}

using Answers = std::vector<std::string>;

}  // namespace

TEST_CASE("keys have values with versions, which only grow") {
    SimulatedServer world(app());
    CHECK(answers_of(world, {{"get", R"({"key": "a"})"},
                             {"set", R"({"key": "a", "value": {"x": [1, 2.5]}})"},
                             {"set", R"({"key": "b", "value": "two"})"},
                             {"get", R"({"key": "a"})"},
                             {"delete", R"({"key": "a"})"},
                             {"delete", R"({"key": "a"})"},
                             {"set", R"({"key": "a", "value": 3})"}}) ==
          Answers{entry("a", "null", 0), entry("a", R"({"x":[1,2.5]})", 1),
                  entry("b", R"("two")", 2), entry("a", R"({"x":[1,2.5]})", 1), "true", "false",
                  entry("a", "3", 4)});
    CHECK(world.log() == "");
}

TEST_CASE("a change is made only if nothing else has changed the key") {
    SimulatedServer world(app());
    CHECK(answers_of(world, {{"set", R"({"key": "a", "value": 1, "if_version": 0})"},
                             {"set", R"({"key": "a", "value": 2, "if_version": 0})"},
                             {"set", R"({"key": "a", "value": 2, "if_version": 1})"},
                             {"delete", R"({"key": "a", "if_version": 1})"},
                             {"delete", R"({"key": "a", "if_version": 2})"}}) ==
          Answers{entry("a", "1", 1), "changed: the key has the version 1", entry("a", "2", 2),
                  "changed: the key has the version 2", "true"});
    CHECK(world.log() == "");
}

TEST_CASE("counters add, and lists keep their latest values") {
    SimulatedServer world(app());
    CHECK(answers_of(world, {{"add", R"({"key": "n"})"},
                             {"add", R"({"key": "n", "by": -5})"},
                             {"push", R"({"key": "l", "value": 1, "keep": 2})"},
                             {"push", R"({"key": "l", "value": {"a": 2}, "keep": 2})"},
                             {"push", R"({"key": "l", "value": 3, "keep": 2})"},
                             {"add", R"({"key": "l"})"},
                             {"push", R"({"key": "n", "value": 1})"},
                             {"set", R"({"key": "m", "value": 9223372036854775807})"},
                             {"add", R"({"key": "m"})"},
                             {"set", R"({"key": "u", "value": 18446744073709551615})"},
                             {"add", R"({"key": "u", "by": 1})"},
                             {"set", R"({"key": "u", "value": 9223372036854775808})"},
                             {"add", R"({"key": "u", "by": -2})"}}) ==
          Answers{entry("n", "1", 1), entry("n", "-4", 2), entry("l", "[1]", 3),
                  entry("l", R"([1,{"a":2}])", 4), entry("l", R"([{"a":2},3])", 5),
                  "wrong_type: the key has no integer", "wrong_type: the key has no list",
                  entry("m", "9223372036854775807", 6),
                  "out_of_range: the sum is no integer of 64 bits",
                  entry("u", "18446744073709551615", 7),
                  "out_of_range: the sum is no integer of 64 bits",
                  entry("u", "9223372036854775808", 8), entry("u", "9223372036854775806", 9)});
    CHECK(world.log() == "");
}

TEST_CASE("keys are listed by their beginning, in parts") {
    SimulatedServer world(app());
    const auto listed = answers_of(world, {{"set", R"({"key": "a/2", "value": 2})"},
                                           {"set", R"({"key": "b", "value": 0})"},
                                           {"set", R"({"key": "a/1", "value": 1})"},
                                           {"set", R"({"key": "a/3", "value": 3})"},
                                           {"scan", R"({"prefix": "a/", "limit": 2})"},
                                           {"scan", R"({"prefix": "a/", "after": "a/2"})"},
                                           {"scan", R"({"prefix": "c"})"}});
    CHECK(listed[4] == R"({"entries":[)" + entry("a/1", "1", 3) + "," + entry("a/2", "2", 1) +
                           R"(],"more":true})");
    CHECK(listed[5] == R"({"entries":[)" + entry("a/3", "3", 4) + R"(],"more":false})");
    CHECK(listed[6] == R"({"entries":[],"more":false})");
    CHECK(world.log() == "");
}

TEST_CASE("a key is gone when its time is over, and that is an event") {
    SimulatedServer world(app());
    std::vector<std::string> events;
    const auto run = [](SimulatedServer& own, std::vector<std::string>& seen) -> Task<> {
        const std::array<IndexValue, 1> path{IndexValue("store.Changed")};
        EventHandler handler(own.scheduler());
        handler.handle(Matcher(path),
                       [&seen](const Ref<Event>& event) { seen.push_back(event_json(*event)); });
        Task<std::string> setting =
            ask("set", R"({"key": "a", "value": 1, "time_to_live": "10s"})");
        co_await setting;
        co_await sleep(9s);
        Task<std::string> looking = ask("get", R"({"key": "a"})");
        const std::string before = co_await looking;
        CHECK(before == R"({"expires_in":"1s","key":"a","value":1,"version":1})");
        co_await sleep(1s);
        Task<std::string> again = ask("get", R"({"key": "a"})");
        const std::string after = co_await again;
        CHECK(after == entry("a", "null", 0));
        co_await sleep(1s);
    };
    world.run(run(world, events));
    CHECK(events == std::vector<std::string>{R"({"key":"a","value":1,"version":1})",
                                             R"({"key":"a","value":null,"version":2})"});
    CHECK(world.log() == "");
}

TEST_CASE("a key that has a short time is gone at its end, although others stay for long") {
    SimulatedServer world(app());
    std::vector<std::pair<std::string, Duration>> gone;
    const auto run = [](SimulatedServer& own, auto& seen) -> Task<> {
        const Time begin = own.scheduler().now();
        const std::array<IndexValue, 1> path{IndexValue("store.Changed")};
        EventHandler handler(own.scheduler());
        handler.handle(Matcher(path), [&](const Ref<Event>& event) {
            const Json changed = Json::parse(event_json(*event));
            if (changed["value"].is_null()) {
                seen.emplace_back(changed["key"], own.scheduler().now() - begin);
            }
        });
        for (const auto& [function, parameters] :
             Asked{{"set", R"({"key": "long", "value": 1, "time_to_live": "1h"})"},
                   {"set", R"({"key": "short", "value": 1, "time_to_live": "70ms"})"},
                   {"set", R"({"key": "shorter", "value": 1, "time_to_live": "30ms"})"}}) {
            Task<std::string> asking = ask(function, parameters);
            co_await asking;
        }
        co_await sleep(1s);
        Task<std::string> making_shorter =
            ask("set", R"({"key": "long", "value": 2, "time_to_live": "1s"})");
        co_await making_shorter;
        co_await sleep(2s);
    };
    world.run(run(world, gone));
    CHECK(gone == std::vector<std::pair<std::string, Duration>>{
                      {"shorter", 30ms}, {"short", 70ms}, {"long", 2s}});
    CHECK(world.log() == "");
}

TEST_CASE("what does not fit is refused, and changes nothing") {
    SimulatedServer world(app(R"({"max_key": 3, "max_value": 10, "max_size": 20})"));
    CHECK(answers_of(world, {{"set", R"({"key": "abcd", "value": 1})"},
                             {"set", R"({"key": "a", "value": "0123456789"})"},
                             {"set", R"({"key": "a", "value": "01234567"})"},
                             {"set", R"({"key": "b", "value": "01234567"})"},
                             {"set", R"({"key": "a", "value": "76543210"})"},
                             {"set", R"({"key": "a", "value": null})"}}) ==
          Answers{"too_large: the key is longer than max_key",
                  "too_large: the value is larger than max_value", entry("a", R"("01234567")", 1),
                  "limit_reached: the store has no room: max_size", entry("a", R"("76543210")", 2),
                  "bad_parameter: value: null is no value; delete the key"});
    CHECK(world.log() == "");
}

TEST_CASE("a store with a file has its keys and versions again when it is back") {
    const database::TestFile file("store_test");
    {
        SimulatedServer world(app("{" + file.setting() + "}"));
        answers_of(world, {{"set", R"({"key": "a", "value": {"x": "ä"}})"},
                           {"set", R"({"key": "b", "value": 2})"},
                           {"set", R"({"key": "c", "value": 3, "time_to_live": "1h"})"},
                           {"delete", R"({"key": "b"})"}});
        CHECK(world.log() == "");
    }
    SimulatedServer world(app("{" + file.setting() + "}"));
    const auto found = answers_of(world, {{"get", R"({"key": "a"})"},
                                          {"get", R"({"key": "b"})"},
                                          {"get", R"({"key": "c"})"},
                                          {"set", R"({"key": "d", "value": 4})"}});
    CHECK(found[0] == entry("a", R"({"x":"ä"})", 1));
    CHECK(found[1] == entry("b", "null", 0));
    CHECK(found[2] == R"({"expires_in":"1h","key":"c","value":3,"version":3})");
    CHECK(found[3] == entry("d", "4", 5));
    CHECK(world.log() == "");
}

TEST_CASE("a change that the disk refuses is undone") {
    const database::TestFile file("store_test");
    {
        SimulatedServer world(app("{" + file.setting() + "}"));
        const auto run = []() -> Task<> {
            Task<std::string> setting =
                ask("set", R"({"key": "a", "value": 1, "time_to_live": "10s"})");
            co_await setting;
            for (const auto& [function, parameters] :
                 Asked{{"set", R"({"key": "a", "value": 2})"},
                       {"delete", R"({"key": "a"})"},
                       {"set", R"({"key": "b", "value": 2})"}}) {
                const WriteFailure full(1);
                Task<std::string> asking = ask(function, parameters);
                const std::string answer = co_await asking;
                INFO(answer);
                CHECK(answer.starts_with("write_failed: /tmp/weir_store_test."));
            }
            Task<std::string> scanning = ask("scan", "{}");
            const std::string before = co_await scanning;
            CHECK(before == R"({"entries":[{"expires_in":"10s","key":"a","value":1,"version":1}],)"
                            R"("more":false})");
            const WriteFailure full(1);
            co_await sleep(30s);
            Task<std::string> looking = ask("scan", "{}");
            const std::string after = co_await looking;
            CHECK(after == R"({"entries":[],"more":false})");
        };
        world.run(run());
        const std::string& log = world.log();
        INFO(log);
        CHECK(log.find("leave everything as it was, until the file can be written again") !=
              std::string::npos);
        CHECK(log.find("keys whose time is over could not be deleted") != std::string::npos);
        CHECK(log.find(file.name() + " is written again; transactions that failed: 4\n") !=
              std::string::npos);
        CHECK(std::count(log.begin(), log.end(), '\n') == 3);
    }
    SimulatedServer world(app("{" + file.setting() + "}"));
    CHECK(answers_of(world, {{"scan", "{}"}}) == Answers{R"({"entries":[],"more":false})"});
}

TEST_CASE("a store whose file is damaged says which, and what to do") {
    const database::TestFile file("store_test");
    {
        database::Database other(file.name(), store::layout);
        other.write(store::changes_of({{"a", "no JSON", 1, 0}}));
    }
    SimulatedServer world(app("{" + file.setting() + "}"));
    answers_of(world, {});
    CHECK(world.server().startup_failure().find(file.name() + " is damaged (") !=
          std::string::npos);
}

TEST_CASE("a reload keeps all keys, and the file") {
    const database::TestFile file("store_test");
    const std::string in_file = "{" + file.setting() + "}";
    const std::string settings = GENERATE_COPY(std::string("{}"), in_file);
    {
        SimulatedServer world(app(settings));
        const auto run = [](SimulatedServer& own) -> Task<> {
            Task<std::string> setting = ask("set", R"({"key": "a", "value": {"x": "ä"}})");
            co_await setting;
            Task<std::string> short_lived =
                ask("set", R"({"key": "b", "value": 2, "time_to_live": "10s"})");
            co_await short_lived;
            std::vector<std::string> names{"store"};
            co_await own.loader().reload(std::move(names));
            Task<std::string> reading = ask("get", R"({"key": "a"})");
            const auto reading_result = co_await reading;
            CHECK(reading_result == entry("a", R"({"x":"ä"})", 1));
            co_await sleep(11s);
            Task<std::string> adding = ask("add", R"({"key": "c"})");
            const auto adding_result = co_await adding;
            CHECK(adding_result == entry("c", "1", 4));
        };
        world.run(run(world));
        CHECK(world.log() == "");
    }
    if (settings != "{}") {
        SimulatedServer world(app(settings));
        CHECK(answers_of(world, {{"scan", "{}"}}) ==
              Answers{R"({"entries":[)" + entry("a", R"({"x":"ä"})", 1) + "," + entry("c", "1", 4) +
                      R"(],"more":false})"});
    }
}

TEST_CASE("a file belongs to one program at a time") {
    const database::TestFile file("store_test");
    database::Database other(file.name(), store::layout);
    other.write(store::changes_of({{"a", "1", 1, 0}}));
    SimulatedServer world(app("{" + file.setting() + "}"));
    answers_of(world, {});
    CHECK(world.server().startup_failure().find(
              "database is locked: another program, or another module of this one, has it open") !=
          std::string::npos);
}

TEST_CASE("the file of another module is refused") {
    const database::TestFile file("store_test");
    { const database::Database queue(file.name(), {0x77517565, "queue", ""}); }
    SimulatedServer world(app("{" + file.setting() + "}"));
    answers_of(world, {});
    CHECK(world.server().startup_failure().find(
              file.name() + " is not a file of the module 'store': each module needs a file of its "
                            "own") != std::string::npos);
}

}  // namespace weir
