// The steps of docs/writing-modules.md do what the page says.
#include <catch2/catch.hpp>
#include <weir/json.h>
#include <weir/module.h>
#include <weir/testing.h>

namespace weir {

namespace {

using namespace std::chrono_literals;
using Steps = std::vector<std::string>;

// A simulated server that loads the plugins of the given steps.
class Example {
public:
    Example(const Steps& steps, const std::string& startup, const Json& settings = Json::object())
        : world_(configuration(steps, startup, settings)) {}

    // Runs the task, as a routine, until it has ended.
    void run(Task<> task) {
        world_.run(std::move(task));
        CHECK(world_.log() == "");
    }
    std::chrono::seconds now() {
        return std::chrono::duration_cast<std::chrono::seconds>(
            world_.scheduler().now().time_since_epoch());
    }

private:
    static std::string configuration(const Steps& steps, const std::string& startup,
                                     const Json& settings) {
        Json folders = Json::array();
        for (const std::string& step : steps) {
            folders.push_back(std::string(WEIR_EXAMPLES "/") + step);
        }
        folders.push_back(WEIR_PLUGIN_PATH);
        return Json{{"server", {{"plugin_path", folders}, {"startup", {startup}}}},
                    {"module", {{"bakery", settings}}}}
            .dump();
    }

    SimulatedServer world_;
};

Task<> ask(std::string module, std::string function, Json parameters, std::string expected) {
    const ApiResult<Json> result = co_await call(module, function, std::move(parameters));
    const std::string answer = result ? result.value().dump() : to_text(result.error());
    CHECK(answer == expected);
}

Task<> ask_bakery(std::string function, std::string parameters, std::string expected) {
    Json json = Json::parse(parameters);
    co_await ask("bakery", std::move(function), std::move(json), std::move(expected));
}

Task<> buy_all() {
    co_await ask_bakery("buy", R"({"loaves": 3})", R"({"loaves":3,"to_pay":6})");
    co_await ask_bakery("buy", R"({"loaves": 9})", "sold_out: only 7 are left");
    co_await ask_bakery("buy", R"({"loaves": 0})",
                        "bad_parameter: loaves: 0 is out of range: 1 to 100");
}

Task<> look_after(Duration time, std::string function, std::string expected) {
    co_await sleep(time);
    co_await ask_bakery(std::move(function), "{}", std::move(expected));
}

Task<> order_and_look() {
    co_await ask_bakery("order", R"({"customer": "ann", "loaves": 3})", "null");
    co_await look_after(20s, "baked", "0");
    co_await look_after(20s, "baked", "3");
    co_await ask_bakery("order", "{}", "bad_parameter: customer: is missing and has no default");
}

Task<> order_much(Example& example) {
    // The routine receives the first order at once, and the queue holds two of one customer. The
    // fourth waits until the first is baked.
    for (const int second : {0, 0, 0, 50}) {
        co_await ask_bakery("order", R"({"customer": "ann", "loaves": 5})", "null");
        CHECK(example.now() == std::chrono::seconds(second));
    }
}

}  // namespace

TEST_CASE("learn 01: the smallest module answers") {
    Example example({"01-smallest"}, "bakery");
    example.run(ask_bakery("welcome", "{}", "\"Good morning!\""));
}

TEST_CASE("learn 02: the greeting is a setting") {
    Example example({"02-setting"}, "bakery", {{"greeting", "Hello!"}});
    example.run(ask_bakery("welcome", "{}", "\"Hello!\""));
    CHECK_THROWS_WITH(Example({"02-setting"}, "bakery", {{"greeting", ""}}),
                      Catch::Contains("module.bakery.greeting"));
}

TEST_CASE("learn 03: a function checks its parameters, and has errors of its own") {
    Example example({"03-function"}, "bakery", {{"price", 2}});
    example.run(buy_all());
}

TEST_CASE("learn 04: a routine bakes") {
    Example example({"04-routine"}, "bakery");
    example.run(look_after(51s, "shelf", "5"));
}

TEST_CASE("learn 05: orders are events, and none is lost") {
    Example example({"05-event"}, "bakery");
    example.run(order_and_look());
}

TEST_CASE("learn 06: a customer with too many orders waits in the queue") {
    Example example({"06-queue"}, "bakery");
    example.run(order_much(example));
}

TEST_CASE("learn 07: a module calls another one") {
    Example example({"06-queue", "07-dependency"}, "cafe");
    Json guest{{"guest", "Ann"}};
    example.run(ask("cafe", "breakfast", guest, "\"Enjoy your meal, Ann!\""));
}

TEST_CASE("learn 08: making coffee takes half a minute") {
    Example example({"06-queue", "08-lock"}, "cafe");
    Json guest{{"guest", "Ann"}};
    example.run(ask("cafe", "breakfast", guest, "\"Enjoy your meal, Ann!\""));
    CHECK(example.now() >= 30s);
}

}  // namespace weir
