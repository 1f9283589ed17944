// A call of a module's API and its reply, inside the process (W9): with C++ values, and with JSON.

#include <any>
#include <functional>
#include <string>
#include <unordered_map>

#include "core/run/container.h"
#include "core/simulation/simulation.h"
#include "modules/system/call/call.h"
#include "modules/system/call/json.h"
#include "modules/system/server/server.h"
#include "tests/support/bare_coroutine.h"
#include "tests/support/benchmark.h"

namespace weir {

namespace {

using benchmark::Bare;
using benchmark::NextRound;
using benchmark::ReadyRing;
using config::setting;
using config::settings;

struct Sum {
    int a = 0;
    int b = 0;

    static config::Settings<Sum> describe() {
        return settings<Sum>("Adds two numbers", setting("a", &Sum::a, "The first"),
                             setting("b", &Sum::b, "The second"));
    }
};

struct Total {
    int total = 0;

    static config::Settings<Total> describe() {
        return settings<Total>("A sum", setting("total", &Total::total, "What came out"));
    }
};

class Desk : public Module {
public:
    using Module::Module;

    static auto declare() {
        return declare_module<Desk>("desk", "Answers questions")
            .function("sum", &Desk::sum)
            .function("sum_in_coroutine", &Desk::sum_in_coroutine);
    }

private:
    Total sum(const Sum& sum) { return {sum.a + sum.b}; }
    Task<Total> sum_in_coroutine(Sum sum) { co_return Total{sum.a + sum.b}; }
};

void expect(long got, long wanted) {
    if (got != wanted) {
        std::fprintf(stderr, "the calls gave %ld instead of %ld\n", got, wanted);
        std::exit(1);
    }
}

// The names are hashed once, as in code that calls a function often.
Task<> call_typed(long count, long& sum) {
    const ApiName name("desk", "sum");
    for (long i = 0; i != count; ++i) {
        const Sum parameters{.a = 1, .b = 2};
        ApiResult<Total> result = co_await call<Total>(name, parameters);
        sum += result.value().total;
    }
}

Task<> call_coroutine(long count, long& sum) {
    const ApiName name("desk", "sum_in_coroutine");
    for (long i = 0; i != count; ++i) {
        const Sum parameters{.a = 1, .b = 2};
        ApiResult<Total> result = co_await call<Total>(name, parameters);
        sum += result.value().total;
    }
}

Task<> call_json(long count, long& sum) {
    const ApiName name("desk", "sum");
    for (long i = 0; i != count; ++i) {
        Json parameters{{"a", 1}, {"b", 2}};
        ApiResult<Json> result = co_await call(name, std::move(parameters));
        sum += result.value().at("total").get<long>();
    }
}

// Runs so many callers at once, each with so many calls.
double calls(long callers, long count, Task<> (*ask)(long, long&)) {
    config::Sources sources;
    sources.files.push_back(
        {"app.json", R"({"server": {"startup": ["desk"], "log": {"level": "warning"}}})"});
    config::Problems problems;
    Simulation simulation;
    Server server(simulation, config::Configuration::load(sources, problems),
                  {.registry = Registry().add<Desk>()});
    Container container(server.scheduler());
    long sum = 0;
    const double taken = benchmark::time([&] {
        for (long i = 0; i != callers; ++i) {
            container.start(ask(count, sum));
        }
        server.run();
    });
    expect(sum, 3 * count * callers);
    return taken;
}

// Functions by module and name. Each call is a turn for the callee and one for the caller.
class BareDesk {
public:
    BareDesk() {
        typed_["desk"]["sum"] = [](const std::any& given) {
            const Sum& sum = std::any_cast<const Sum&>(given);
            return std::any(Total{sum.a + sum.b});
        };
        coroutines_["desk"]["sum"] = [](Sum sum, Total& total) -> Bare {
            total.total = sum.a + sum.b;
            co_return;
        };
        json_["desk"]["sum"] = [](const Json& given) {
            return Json{{"total", given.at("a").get<int>() + given.at("b").get<int>()}};
        };
    }

    Bare call_typed(long count) {
        for (long i = 0; i != count; ++i) {
            const std::any parameters = Sum{.a = 1, .b = 2};
            co_await NextRound{ring_};
            const std::any result = typed_.find("desk")->second.find("sum")->second(parameters);
            co_await NextRound{ring_};
            sum_ += std::any_cast<const Total&>(result).total;
        }
    }
    Bare call_coroutine(long count) {
        for (long i = 0; i != count; ++i) {
            const Sum parameters{.a = 1, .b = 2};
            co_await NextRound{ring_};
            Total result;
            coroutines_.find("desk")->second.find("sum")->second(parameters, result);
            co_await NextRound{ring_};
            sum_ += result.total;
        }
    }
    Bare call_json(long count) {
        for (long i = 0; i != count; ++i) {
            const Json parameters{{"a", 1}, {"b", 2}};
            co_await NextRound{ring_};
            const Json result = json_.find("desk")->second.find("sum")->second(parameters);
            co_await NextRound{ring_};
            sum_ += result.at("total").get<long>();
        }
    }

    double calls(long callers, long count, Bare (BareDesk::*ask)(long)) {
        const double taken = benchmark::time([&] {
            for (long i = 0; i != callers; ++i) {
                (this->*ask)(count);
            }
            ring_.run();
        });
        expect(sum_, 3 * count * callers);
        return taken;
    }

private:
    template <class Value>
    using Functions = std::unordered_map<std::string, std::function<Value(const Value&)>>;

    ReadyRing ring_;
    long sum_ = 0;
    std::unordered_map<std::string, Functions<std::any>> typed_;
    std::unordered_map<std::string,
                       std::unordered_map<std::string, std::function<Bare(Sum, Total&)>>>
        coroutines_;
    std::unordered_map<std::string, Functions<Json>> json_;
};

}  // namespace

}  // namespace weir

int main(int argc, char** argv) {
    using namespace weir;
    const auto options = benchmark::options(argc, argv);
    const long count = options.quick ? 10'000 : 100'000;
    using benchmark::Kind;
    const auto compare = [&](const char* name, Task<> (*ask)(long, long&),
                             Bare (BareDesk::*bare)(long)) {
        benchmark::compare(
            options, name, static_cast<double>(count),
            {{"weir", [=] { return calls(1, count, ask); }},
             {"baseline", [=] { return BareDesk().calls(1, count, bare); }, Kind::baseline}});
    };
    compare("W9 a call and its reply, C++ values", call_typed, &BareDesk::call_typed);
    compare("W9 a call of a coroutine and its reply, C++ values", call_coroutine,
            &BareDesk::call_coroutine);
    compare("W9 a call and its reply, JSON", call_json, &BareDesk::call_json);

    const auto each = [](long callers, auto run) {
        const long calls_of_each = std::max(1L, 10'000 / callers);
        return run(callers, calls_of_each) / static_cast<double>(callers * calls_of_each);
    };
    benchmark::sweep(options, "W9 a call and its reply, by callers at once", 100'000,
                     {{"weir",
                       [=](long callers) {
                           return each(callers,
                                       [](long n, long m) { return calls(n, m, call_typed); });
                       }},
                      {"baseline",
                       [=](long callers) {
                           return each(callers, [](long n, long m) {
                               return BareDesk().calls(n, m, &BareDesk::call_typed);
                           });
                       },
                       Kind::baseline}});
}
