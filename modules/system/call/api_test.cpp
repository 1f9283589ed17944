#include "modules/system/call/api.h"

#include <array>

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/system/call/json.h"
#include "modules/testing/simulated_server.h"

namespace weir {

namespace {

using config::setting;
using config::settings;
using std::chrono::milliseconds;
using std::chrono::seconds;

struct Sum {
    int a = 0;
    int b = 10;

    static config::Settings<Sum> describe() {
        return settings<Sum>("Adds two numbers",
                             setting("a", &Sum::a, "The first").range(0, 100).required(),
                             setting("b", &Sum::b, "The second").unit("apples"));
    }
};

struct Ticket {
    std::string name;
    std::uint64_t number = 0;

    static config::Settings<Ticket> describe() {
        return settings<Ticket>("A ticket", setting("name", &Ticket::name, "Whose"),
                                setting("number", &Ticket::number, "Which"));
    }
};

struct Pause {
    milliseconds time{100};

    static config::Settings<Pause> describe() {
        return settings<Pause>("Answers later", setting("time", &Pause::time, "How much later"));
    }
};

// Knows functions of all forms.
class Desk : public Module {
public:
    using Module::Module;

    static auto declare() {
        return declare_module<Desk>("desk", "Answers questions")
            .function("sum", &Desk::sum)
            .function("ticket", "Gives a ticket", &Desk::ticket)
            .function("wait", &Desk::wait)
            .function("refuse", "Never does anything", &Desk::refuse)
            .function("fail", "Fails", &Desk::fail)
            .function("echo", "Says what you say", &Desk::echo)
            .function("has_routine", "Whether a routine runs it", &Desk::has_routine)
            .function("has_routine_later", "Whether a routine runs it", &Desk::has_routine_later)
            .function("close", "Closes a routine", &Desk::close_routine)
            .function("close_later", "Closes a routine", &Desk::close_routine_later)
            .public_function("even", "Adds even numbers", &Desk::sum, &Desk::is_even);
    }

    int unwound = 0;
    Ref<Routine> to_close;

private:
    int sum(const Sum& sum) { return sum.a + sum.b; }
    bool is_even(const Sum& sum) const { return sum.a % 2 == 0; }
    Ticket ticket() { return {"bob", ++tickets_}; }
    Task<std::string> wait(Pause wait) {
        struct Unwound {
            int& count;
            bool done = false;
            ~Unwound() { count += done ? 0 : 1; }
        } guard{unwound};
        co_await sleep(wait.time);
        guard.done = true;
        co_return "waited";
    }
    ApiResult<int> refuse() { return ApiError{"closed", "the desk is closed"}; }
    void fail() { throw std::runtime_error("the pen is broken"); }
    Json echo(const Json& what) { return what; }
    bool has_routine() { return scheduler().current() != nullptr; }
    Task<bool> has_routine_later() { co_return scheduler().current() != nullptr; }
    std::string close_routine() {
        to_close->close();
        return std::string(100, 'x');
    }
    Task<std::string> close_routine_later() {
        to_close->close();
        co_await sleep(seconds(1));
        co_return std::string(100, 'x');
    }

    std::uint64_t tickets_ = 0;
};

class OddDesk : public Module {
public:
    using Module::Module;

    static auto declare() {
        return declare_module<OddDesk>("odd", "Takes what other modules do not")
            .public_function("even", "Adds odd numbers", &OddDesk::sum, &OddDesk::is_odd);
    }

private:
    int sum(const Sum& sum) { return -(sum.a + sum.b); }
    bool is_odd(const Sum& sum) const { return sum.a % 2 == 1; }
};

constexpr const char* with_desk = R"({"server": {"startup": ["desk"]}})";

Registry registry() {
    return Registry().add<Desk>().add<OddDesk>();
}

std::string text(const ApiResult<Json>& result) {
    return result ? result.value().dump() : to_text(result.error());
}

Task<> ask_in(std::string target, std::string function, Json parameters, std::string& answer,
              std::optional<Duration> timeout = default_call_timeout) {
    const ApiResult<Json> result =
        co_await call(std::move(target), std::move(function), std::move(parameters), timeout);
    answer = text(result);
}

std::string ask(std::string target, std::string function, Json parameters,
                std::string configuration = with_desk, const std::string& log = "") {
    SimulatedServer world(std::move(configuration), registry());
    std::string answer;
    world.run(ask_in(std::move(target), std::move(function), std::move(parameters), answer));
    CHECK(world.log() == log);
    return answer;
}

}  // namespace

TEST_CASE("api: functions of all forms answer in JSON") {
    CHECK(ask("desk", "sum", {{"a", 1}, {"b", 2}}) == "3");
    CHECK(ask("desk", "sum", {{"a", 1}}) == "11");
    CHECK(ask("desk", "ticket", {}) == R"({"name":"bob","number":1})");
    CHECK(ask("desk", "wait", {{"time", "2s"}}) == R"("waited")");
    CHECK(ask("desk", "echo", {{"any", {1, nullptr}}}) == R"({"any":[1,null]})");
}

TEST_CASE("api: errors have the function's own code, or a code that says what happened") {
    CHECK(ask("desk", "refuse", {}) == "closed: the desk is closed");
    CHECK(ask("desk", "fail", {}, with_desk,
              "error: the function desk.fail ended with an exception: the pen is broken\n") ==
          "failed: the pen is broken");
    CHECK(ask("desk", "summ", {}) ==
          "unknown_function: the module 'desk' has no function 'summ' (did you mean 'sum'?)");
    CHECK(ask("dekk", "sum", {}) ==
          "unknown_module: no module 'dekk' is loaded (did you mean 'desk'?)");
    CHECK(ask("odd", "even", {}) == "unknown_module: no module 'odd' is loaded");
    CHECK(ask("public", "what", {}) ==
          "unknown_function: no module has a public function 'what' that takes this call");
}

TEST_CASE("api: each wrong parameter is named") {
    CHECK(ask("desk", "sum", {}) == "bad_parameter: a: is missing and has no default");
    CHECK(ask("desk", "sum", {{"a", 1}, {"b", 2}, {"tims", 2}}) ==
          "bad_parameter: unknown parameter 'tims'");
    CHECK(ask("desk", "sum", {{"a", 101}, {"b", "x"}}) ==
          "bad_parameter: a: 101 is out of range: 0 to 100; "
          "b: expected an integer, found the string \"x\"");
    CHECK(ask("desk", "sum", {1, 2}) ==
          "bad_parameter: expected an object of parameters, found array");
    Json deep;
    for (int i = 0; i != 100; ++i) deep = Json{{"a", deep}};
    CHECK(ask("desk", "sum", deep) ==
          "bad_parameter: more than 64 lists and objects within each other");
}

namespace {

Task<> ask_with_text(std::string function, std::string parameters, std::string& answer) {
    JsonText text_of_client{std::move(parameters)};
    const ApiResult<Json> result = co_await call_for(
        Ref<Caller>(), ApiName("desk", std::move(function)), std::move(text_of_client));
    answer = text(result);
}

std::string ask_with_text(std::string function, std::string parameters) {
    SimulatedServer world(std::string(with_desk), registry());
    std::string answer;
    world.run(ask_with_text(std::move(function), std::move(parameters), answer));
    CHECK(world.log() == "");
    return answer;
}

}  // namespace

TEST_CASE("api: parameters as a client has written them are read as those in a tree") {
    CHECK(ask_with_text("sum", R"({"a": 1, "b": 2})") == "3");
    CHECK(ask_with_text("sum", R"( { "a" : 1 } )") == "11");
    CHECK(ask_with_text("sum", R"({"\u0061": 1, "b": 2e0})") == "3");
    CHECK(ask_with_text("wait", R"({"time": "2s"})") == R"("waited")");
    CHECK(ask_with_text("ticket", "") == R"({"name":"bob","number":1})");
    CHECK(ask_with_text("echo", R"({"any": [1, null]})") == R"({"any":[1,null]})");
    CHECK(ask_with_text("echo", "") == "null");
    CHECK(ask_with_text("even", R"({"a": 2})") == "12");
    CHECK(ask_with_text("even", R"({"a": 3})") ==
          "rejected: desk.even does not take a call with these parameters");
}

TEST_CASE("api: what is wrong with parameters as a client has written them is said") {
    CHECK(ask_with_text("sum", "") == "bad_parameter: a: is missing and has no default");
    CHECK(ask_with_text("sum", R"({"a": 1, "tims": 2})") ==
          "bad_parameter: unknown parameter 'tims'");
    CHECK(ask_with_text("sum", R"({"a": 101})") ==
          "bad_parameter: a: 101 is out of range: 0 to 100");
    CHECK(ask_with_text("sum", "[1, 2]") ==
          "bad_parameter: expected an object of parameters, found array");
    CHECK_THAT(
        ask_with_text("sum", R"({"a": 1)"),
        Catch::Matchers::StartsWith("bad_parameter: no JSON: parse error at line 1, column"));
    for (const char* function : {"sum", "echo"}) {
        CHECK(ask_with_text(function, std::string(100, '[') + std::string(100, ']')) ==
              "bad_parameter: more than 64 lists and objects within each other");
    }
}

TEST_CASE("api: a public call is executed by the module that takes its parameters") {
    const std::string both = R"({"server": {"startup": ["desk", "odd"]}})";
    CHECK(ask("public", "even", {{"a", 2}}, both) == "12");
    CHECK(ask("public", "even", {{"a", 3}}, both) == "-13");
    CHECK(ask("desk", "even", {{"a", 3}}, both) ==
          "rejected: desk.even does not take a call with these parameters");
}

TEST_CASE("api: a function that is no coroutine runs without a routine") {
    CHECK(ask("desk", "has_routine", {}) == "false");
    CHECK(ask("desk", "has_routine_later", {}) == "true");
}

namespace {

Task<> ask_and_be_closed(Server& server, std::string function, std::string& answer) {
    Container container(server.scheduler());
    co_await ask_in("desk", "ticket", Json(), answer);  // the module is loaded then
    answer.clear();
    auto* const desk = static_cast<Desk*>(server.loader().find("desk"));
    desk->to_close = container.start(ask_in("desk", std::move(function), {}, answer));
    co_await sleep(milliseconds(10));
    CHECK(desk->to_close->ended());
    CHECK(desk->calls().empty());
    desk->to_close.reset();
}

}  // namespace

TEST_CASE("api: a function may close its caller, and its result is dropped") {
    for (const char* function : {"close", "close_later"}) {
        SimulatedServer world(with_desk, registry());
        std::string answer;
        world.run(ask_and_be_closed(world.server(), function, answer));
        CHECK(answer.empty());
    }
}

namespace {

Task<> watch(std::string& seen) {
    const Matcher calls = match<ModuleApiCall>().make();
    const Matcher replies = match<ApiCall>().make();
    for (;;) {
        const Matched matched = co_await any_of(calls, replies);
        seen += matched.event->is<ModuleApiCall>()
                    ? "call " + std::string(matched.event->as<ModuleApiCall>().function.get()) + " "
                    : "reply ";
    }
}

Task<> ask_watched(Server& server, std::string& seen) {
    Container container(server.scheduler());
    container.start(watch(seen), {.daemon = true, .foreground = true});
    std::string answer;
    co_await ask_in("desk", "ticket", Json(), answer);
    seen += answer;
}

}  // namespace

TEST_CASE("api: a matcher sees calls and replies, and the caller has its result all the same") {
    SimulatedServer world(with_desk, registry());
    std::string seen;
    world.run(ask_watched(world.server(), seen));
    CHECK(seen == R"(call ticket reply {"name":"bob","number":1})");
}

namespace {

Task<> typed(std::vector<std::string>& answers) {
    auto sum = call<int>("desk", "sum", Sum{.a = 5});
    const ApiResult<int> eleven = co_await sum;
    answers.push_back(std::to_string(eleven.value()));
    auto ticket = call<Ticket>("desk", "ticket", NoParameters{});
    const ApiResult<Ticket> given = co_await ticket;
    answers.push_back(given.value().name);
    auto other = call<int>("desk", "sum", Ticket{});
    const ApiResult<int> no_sum = co_await other;
    answers.push_back(no_sum.error().code);
    auto wrong = call<std::string>("desk", "sum", Sum{.a = 5});
    const ApiResult<std::string> no_string = co_await wrong;
    answers.push_back(no_string.error().code);
}

}  // namespace

TEST_CASE("api: where both sides are C++, structs go from one to the other") {
    SimulatedServer world(with_desk, registry());
    std::vector<std::string> answers;
    world.run(typed(answers));
    CHECK(answers == std::vector<std::string>{"15", "bob", "bad_parameter", "bad_result"});
}

namespace {

Task<> time_out(Server& server, std::string& answer, int& unwound) {
    const Time begin = server.scheduler().now();
    Task<> asking = ask_in("desk", "wait", {{"time", "1h"}}, answer, seconds(3));
    co_await asking;
    CHECK(server.scheduler().now() - begin == seconds(3));
    unwound = static_cast<Desk*>(server.loader().find("desk"))->unwound;
}

}  // namespace

TEST_CASE("api: when the deadline of a call expires, what runs for it is unwound") {
    SimulatedServer world(with_desk, registry());
    std::string answer;
    int unwound = 0;
    world.run(time_out(world.server(), answer, unwound));
    CHECK(answer == "timeout: no answer from desk.wait within 3s");
    CHECK(unwound == 1);
}

namespace {

Task<> hog() {
    Task<> sending = send_call("desk", "wait", {{"time", "1s"}});
    co_await sending;
}

Task<> load_late(Server& server, std::string& answer) {
    Container container(server.scheduler());
    std::string early;
    container.start(ask_in("slow", "discover", {}, early));
    co_await sleep(milliseconds(10));
    CHECK(early == "unknown_module: no module 'slow' is loaded");
    container.start(server.loader().load("slow"));
    co_await sleep(milliseconds(10));
    Task<> asking = ask_in("slow", "discover", {}, answer);
    co_await asking;
}

class Slow : public Module {
public:
    using Module::Module;
    static auto declare() { return declare_module<Slow>("slow", "Takes its time"); }
    Task<> load() override { co_await sleep(seconds(1)); }
};

}  // namespace

TEST_CASE("api: a call waits for a module that is loading") {
    SimulatedServer world("{}", Registry().add<Slow>());
    std::string answer;
    world.run(load_late(world.server(), answer));
    CHECK(answer == R"({"discover":"Tells which functions there are"})");
}

TEST_CASE("api: a call is made although no caller waits for its answer") {
    SimulatedServer world(with_desk, registry());
    world.run(hog());
    CHECK(world.scheduler().now() >= Time(seconds(1)));
}

namespace {

Task<> unload_during_call(Server& server, std::string& answer) {
    Container container(server.scheduler());
    container.start(ask_in("desk", "wait", {{"time", "1h"}}, answer));
    co_await sleep(milliseconds(10));
    Task<> unloading = server.loader().unload("desk");
    co_await unloading;
    co_await sleep(milliseconds(10));
}

}  // namespace

TEST_CASE("api: a call under way is refused when its module is unloaded") {
    SimulatedServer world(with_desk, registry());
    std::string answer;
    world.run(unload_during_call(world.server(), answer));
    CHECK(answer == "rejected: the module 'desk' was unloaded during the call");
}

namespace {

// Declares a function of that name after others.
template <int which>
class Misnamed : public Module {
public:
    using Module::Module;

    static auto declare() {
        constexpr std::array<const char*, 4> names{"sum", "to sum", "", "discover"};
        return declare_module<Misnamed>("misnamed", "Is declared wrongly")
            .public_function("sum", "Adds even numbers", &Misnamed::sum, &Misnamed::is_even)
            .function("sum", "Adds the others", &Misnamed::sum)
            .function(names[which], "Adds again", &Misnamed::sum);
    }

private:
    int sum(const Sum& sum) { return sum.a + sum.b; }
    bool is_even(const Sum& sum) const { return sum.a % 2 == 0; }
};

}  // namespace

TEST_CASE("api: a function that could never be called is refused when it is declared") {
    CHECK_THROWS_WITH(
        module_class<Misnamed<0>>(),
        "the module 'misnamed' has two functions 'sum', and the first takes all calls");
    CHECK_THROWS_WITH(module_class<Misnamed<1>>(),
                      "the module 'misnamed' has a function 'to sum': a name is neither empty nor "
                      "has blanks");
    CHECK_THROWS_WITH(module_class<Misnamed<2>>(),
                      "the module 'misnamed' has a function '': a name is neither empty nor has "
                      "blanks");
    CHECK_THROWS_WITH(module_class<Misnamed<3>>(),
                      "the module 'misnamed' has two functions 'discover', and the first takes all "
                      "calls");
}

TEST_CASE("api: its description is a text for people, and JSON for programs") {
    CHECK(module_class<Desk>().api.describe(80) ==
          R"(sum(a, [b]) -> integer
    Adds two numbers

    setting  type     default   allowed   unit    meaning
    a        integer  required  0 to 100          The first
    b        integer  10                  apples  The second

ticket() -> object
    Gives a ticket

    The result:
    setting  type     default  meaning
    name     string   ""       Whose
    number   integer  0        Which

wait([time]) -> string
    Answers later

    setting  type      default  meaning
    time     duration  "100ms"  How much later

refuse() -> integer
    Never does anything

fail()
    Fails

echo(any) -> any
    Says what you say

has_routine() -> boolean
    Whether a routine runs it

has_routine_later() -> boolean
    Whether a routine runs it

close() -> string
    Closes a routine

close_later() -> string
    Closes a routine

even(a, [b]) -> integer, public
    Adds even numbers

    setting  type     default   allowed   unit    meaning
    a        integer  required  0 to 100          The first
    b        integer  10                  apples  The second

discover([details]) -> any, reads
    Tells which functions there are

    setting  type     default  meaning
    details  boolean  false    With parameters and results, for programs
)");
    CHECK(module_class<Desk>().api.to_json()["sum"].dump() ==
          R"({"description":"Adds two numbers","parameters":[)"
          R"({"allowed":"0 to 100","description":"The first","name":"a","required":true,)"
          R"("type":"integer"},)"
          R"({"default":10,"description":"The second","name":"b","type":"integer",)"
          R"("unit":"apples"}],"result":"integer"})");
}

}  // namespace weir
