// Operations on real plugins run while memory runs out at each point: the first allocation fails,
// then the second, and so on until the operation succeeds. Each failure must be reported or
// harmless, nothing may leak or hang, and the same operation must work afterwards.
#include "modules/testing/allocations.h"

#include <cstdlib>

#include <catch2/catch.hpp>

#include "core/wait/timeout.h"
#include "modules/lock/guard.h"
#include "modules/lock/lock.h"
#include "modules/system/call/json.h"
#include "modules/testing/simulated_server.h"

namespace weir {

namespace {

using namespace std::chrono_literals;

// `./dev soak allocations` fails each allocation, `./dev test` some of them.
std::uint64_t step() {
    return std::getenv("WEIR_ALL_ALLOCATIONS") != nullptr ? 1 : 7;
}

// What to try, in a server with the named plugins.
struct Operation {
    std::vector<std::string> startup;
    // Throws if memory runs out, or succeeds. Can be tried again.
    Task<> (*attempt)(SimulatedServer&) = nullptr;
    // Checks that it succeeded.
    Task<> (*check)(SimulatedServer&) = [](SimulatedServer&) -> Task<> { co_return; };
};

struct Course {
    bool succeeded = false;
    std::string error;  // of the first attempt
};

std::string current_error() {
    try {
        throw;
    } catch (const std::exception& exception) {
        return exception.what();
    }
}

Task<> try_once(SimulatedServer& world, const Operation& operation, AllocationFailure* failure,
                Course& course) {
    if (failure != nullptr) {
        failure->arm();
    }
    try {
        co_await operation.attempt(world);
        course.succeeded = true;
    } catch (const QuitException&) {
        throw;
    } catch (...) {
        const AllocationPause no_failure;
        course.error = current_error();
    }
    if (failure != nullptr) {
        failure->disarm();
    }
}

Task<> follow(SimulatedServer& world, const Operation& operation, AllocationFailure* failure,
              Course& course) {
    for (const std::string& name : operation.startup) {
        co_await world.loader().load(name);
    }
    co_await try_once(world, operation, failure, course);
    if (!course.succeeded) {
        co_await try_once(world, operation, nullptr, course);
    }
    CHECK(course.succeeded);
    co_await operation.check(world);
}

// Makes one attempt.
void attempt(const Operation& operation, AllocationFailure& failure) {
    INFO("allocation " << failure.nth());
    Course course;
    SimulatedServer world("{}");
    world.run(follow(world, operation, &failure, course));
    world.finish();
    INFO(failure.where());
    // A failure that was not reported must have been harmless: a cache that did not grow, a wait
    // that managed without.
    CHECK(course.succeeded);
}

void fail_everywhere(const char* what, const Operation& operation) {
    INFO(what);
    const std::uint64_t points = fail_each_allocation(
        [&](AllocationFailure& failure) { attempt(operation, failure); }, step());
    CHECK(points > 10);
    if (step() == 1) {
        std::printf("%s: %llu allocations\n", what, static_cast<unsigned long long>(points));
    }
}

// --- the operations
//
// Like CHECK, in places where the test's own allocations would fail.

// Like CHECK, in places where the test's own allocations would fail.
void require(bool holds) {
    if (!holds) {
        throw std::logic_error("something else came out");
    }
}

Task<> load_hello(SimulatedServer& world) {
    co_await world.loader().load("hello");
}

Task<Json> ask(std::string module, std::string function, Json parameters) {
    const ApiResult<Json> result =
        co_await call(std::move(module), std::move(function), std::move(parameters), 10s);
    if (!result) {
        throw ApiException(result.error());
    }
    co_return result.value();
}

Task<> greet(SimulatedServer&) {
    Json ann{{"name", "Ann"}};
    const Json greeting = co_await ask("hello", "greet", std::move(ann));
    require(greeting.get<std::string>() == "Hello, Ann!");
}

Task<> load_lock(SimulatedServer& world) {
    co_await world.loader().load("lock");
}

// Makes a call that fails once more. Throws the failure in either case.
Task<Json> ask_twice(std::string function, Json parameters) {
    std::exception_ptr failure;
    Json answer;
    for (int i = 0; i != 2; ++i) {
        try {
            answer = co_await ask("lock", function, parameters);
            break;
        } catch (const std::exception&) {
            failure = std::current_exception();
        }
    }
    if (failure) {
        std::rethrow_exception(failure);
    }
    co_return answer;
}

Task<> take_by_api(SimulatedServer&) {
    // If even closing the session fails, it expires soon.
    Json name{{"name", "a session with a name that is not short"}, {"time_to_live", "1s"}};
    const Json opened = co_await ask("lock", "open_session", std::move(name));
    Json key{{"session", opened.at("session")}, {"key", "a key that needs memory of its own"}};
    Json session{{"session", opened.at("session")}};
    std::exception_ptr failure;
    try {
        const Json token = co_await ask("lock", "acquire", std::move(key));
        require(token.is_number());
    } catch (const std::exception&) {
        failure = std::current_exception();
    }
    co_await ask_twice("close_session", std::move(session));
    if (failure) {
        std::rethrow_exception(failure);
    }
}

Task<> reload_lock(SimulatedServer& world) {
    Task<> reloading = world.loader().reload({"lock"});
    co_await reloading;
}

Task<> hold_for_a_while(Scheduler& scheduler) {
    Lock lock(scheduler, "key");
    const LockGuard guard = co_await lock.acquire();
    co_await sleep(1ms);
}

// Two sessions want the same lock, so that the second one waits.
Task<> take_in_turn(SimulatedServer& world) {
    Container container(world.scheduler());
    container.start(hold_for_a_while(world.scheduler()), {.name = "the first"});
    co_await hold_for_a_while(world.scheduler());
}

Task<> lock_is_free(SimulatedServer& world) {
    Lock lock(world.scheduler(), "key");
    const bool held = co_await lock.lock(1s);
    CHECK(held);
    lock.unlock();
}

Task<> unload_if_there(SimulatedServer& world, std::string name) {
    if (world.loader().state(name) == ModuleState::succeeded) {
        co_await world.loader().unload(name);
    } else if (world.loader().state(name) != ModuleState::unloaded) {
        co_await world.loader().unload(name, true);
    }
}

Task<> unload_lock(SimulatedServer& world) {
    co_await unload_if_there(world, "lock");
}

Task<> unload_everything(SimulatedServer& world) {
    co_await unload_if_there(world, "everything");
}

Task<> load_everything(SimulatedServer& world) {
    co_await world.loader().load("everything");
}

Task<> reload_everything(SimulatedServer& world) {
    Task<> reloading = world.loader().reload({"everything"});
    co_await reloading;
}

Task<> reload_hello(SimulatedServer& world) {
    Task<> reloading = world.loader().reload({"hello"});
    co_await reloading;
}

Task<> weigh(SimulatedServer&) {
    Json parcel{{"number", 6}};
    const Json weight = co_await ask("everything", "weigh", std::move(parcel));
    require(weight.get<int>() == 7);
}

}  // namespace

TEST_CASE("without memory, loading a module fails and then works", "[allocations]") {
    fail_everywhere("loading hello", {.startup = {}, .attempt = load_hello, .check = greet});
}

TEST_CASE("without memory, a call returns an error and the next call works", "[allocations]") {
    fail_everywhere("calling hello", {.startup = {"hello"}, .attempt = greet, .check = greet});
}

TEST_CASE("without memory, loading the locks fails and then works", "[allocations]") {
    fail_everywhere("loading lock", {.startup = {}, .attempt = load_lock, .check = take_in_turn});
}

TEST_CASE("without memory, acquiring a lock through the API fails and no session holds it",
          "[allocations]") {
    fail_everywhere("taking a lock by the API", {.startup = {"lock"}, .attempt = take_by_api});
}

TEST_CASE("without memory, acquiring a lock fails and the lock is free", "[allocations]") {
    fail_everywhere("locking and unlocking",
                    {.startup = {"lock"}, .attempt = take_in_turn, .check = lock_is_free});
}

TEST_CASE("without memory, unloading the locks fails and then works", "[allocations]") {
    fail_everywhere("unloading lock", {.startup = {"lock"}, .attempt = unload_lock});
}

TEST_CASE("without memory, reloading the locks fails and then works", "[allocations]") {
    fail_everywhere("reloading lock",
                    {.startup = {"lock"}, .attempt = reload_lock, .check = take_in_turn});
}

TEST_CASE("without memory, loading a module with one of everything fails and then works",
          "[allocations]") {
    fail_everywhere("loading everything",
                    {.startup = {}, .attempt = load_everything, .check = weigh});
}

TEST_CASE("without memory, unloading a module with one of everything fails and then works",
          "[allocations]") {
    fail_everywhere("unloading everything",
                    {.startup = {"everything"}, .attempt = unload_everything});
}

TEST_CASE("without memory, reloading a module with one of everything fails and then works",
          "[allocations]") {
    fail_everywhere("reloading everything",
                    {.startup = {"everything"}, .attempt = reload_everything, .check = weigh});
}

TEST_CASE("without memory, reloading a module fails and then works", "[allocations]") {
    fail_everywhere("reloading hello",
                    {.startup = {"hello"}, .attempt = reload_hello, .check = greet});
}

}  // namespace weir
