// Memory runs out at each point of what is done with real plugins: the first allocation fails, then
// the second, and so on until it passes. Each time there is an error, nothing leaks, nothing hangs,
// and the same works afterwards.
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

// `./dev soak allocations` lets each fail, `./dev test` some of them.
std::uint64_t step() {
    return std::getenv("WEIR_ALL_ALLOCATIONS") != nullptr ? 1 : 7;
}

// What is tried, in a server with the plugins that are named.
struct Operation {
    std::vector<std::string> startup;
    // Fails for the lack of memory, or works; may be tried again.
    Task<> (*attempt)(SimulatedServer&) = nullptr;
    // Whether it has worked is seen here.
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
        Task<> attempting = operation.attempt(world);
        co_await attempting;
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
        Task<> loading = world.loader().load(name);
        co_await loading;
    }
    Task<> trying = try_once(world, operation, failure, course);
    co_await trying;
    if (!course.succeeded) {
        Task<> again = try_once(world, operation, nullptr, course);
        co_await again;
    }
    CHECK(course.succeeded);
    Task<> checking = operation.check(world);
    co_await checking;
}

// One attempt.
void attempt(const Operation& operation, AllocationFailure& failure) {
    INFO("allocation " << failure.nth());
    Course course;
    SimulatedServer world("{}");
    world.run(follow(world, operation, &failure, course));
    world.finish();
    INFO(failure.where());
    // What is not reported has not mattered: a cache that did not grow, a wait that did without.
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

// --- what is done

// As CHECK, where the test's own allocations would fail.
void require(bool holds) {
    if (!holds) {
        throw std::logic_error("something else came out");
    }
}

Task<> load_hello(SimulatedServer& world) {
    Task<> loading = world.loader().load("hello");
    co_await loading;
}

Task<Json> ask(std::string module, std::string function, Json parameters) {
    Task<ApiResult<Json>> calling =
        call(std::move(module), std::move(function), std::move(parameters), 10s);
    const ApiResult<Json> result = co_await calling;
    if (!result) {
        throw ApiException(result.error());
    }
    co_return result.value();
}

Task<> greet(SimulatedServer&) {
    Json ann{{"name", "Ann"}};
    Task<Json> asking = ask("hello", "greet", std::move(ann));
    const Json greeting = co_await asking;
    require(greeting.get<std::string>() == "Hello, Ann!");
}

Task<> load_lock(SimulatedServer& world) {
    Task<> loading = world.loader().load("lock");
    co_await loading;
}

// A call that fails is made once more; the failure is thrown all the same.
Task<Json> ask_twice(std::string function, Json parameters) {
    std::exception_ptr failure;
    Json answer;
    for (int i = 0; i != 2; ++i) {
        try {
            Task<Json> asking = ask("lock", function, parameters);
            answer = co_await asking;
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
    // If it cannot even be closed, it is over soon.
    Json name{{"name", "a session with a name that is not short"}, {"time_to_live", "1s"}};
    Task<Json> opening = ask("lock", "open_session", std::move(name));
    const Json opened = co_await opening;
    Json key{{"session", opened.at("session")}, {"key", "a key that needs memory of its own"}};
    Json session{{"session", opened.at("session")}};
    std::exception_ptr failure;
    try {
        Task<Json> acquiring = ask("lock", "acquire", std::move(key));
        const Json token = co_await acquiring;
        require(token.is_number());
    } catch (const std::exception&) {
        failure = std::current_exception();
    }
    Task<Json> closing = ask_twice("close_session", std::move(session));
    co_await closing;
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

// Two want the same lock, and the second has to wait.
Task<> take_in_turn(SimulatedServer& world) {
    Container container(world.scheduler());
    container.start(hold_for_a_while(world.scheduler()), {.name = "the first"});
    Task<> second = hold_for_a_while(world.scheduler());
    co_await second;
}

Task<> lock_is_free(SimulatedServer& world) {
    Lock lock(world.scheduler(), "key");
    const bool held = co_await lock.lock(1s);
    CHECK(held);
    lock.unlock();
}

Task<> unload_if_there(SimulatedServer& world, std::string name) {
    if (world.loader().state(name) == ModuleState::succeeded) {
        Task<> unloading = world.loader().unload(name);
        co_await unloading;
    } else if (world.loader().state(name) != ModuleState::unloaded) {
        Task<> unloading = world.loader().unload(name, true);
        co_await unloading;
    }
}

Task<> unload_lock(SimulatedServer& world) {
    Task<> unloading = unload_if_there(world, "lock");
    co_await unloading;
}

Task<> unload_everything(SimulatedServer& world) {
    Task<> unloading = unload_if_there(world, "everything");
    co_await unloading;
}

Task<> load_everything(SimulatedServer& world) {
    Task<> loading = world.loader().load("everything");
    co_await loading;
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
    Task<Json> asking = ask("everything", "weigh", std::move(parcel));
    const Json weight = co_await asking;
    require(weight.get<int>() == 7);
}

}  // namespace

TEST_CASE("without memory: a module is not loaded, and can be", "[allocations]") {
    fail_everywhere("loading hello", {.startup = {}, .attempt = load_hello, .check = greet});
}

TEST_CASE("without memory: a call ends with an error, and the next works", "[allocations]") {
    fail_everywhere("calling hello", {.startup = {"hello"}, .attempt = greet, .check = greet});
}

TEST_CASE("without memory: the locks are not loaded, and can be", "[allocations]") {
    fail_everywhere("loading lock", {.startup = {}, .attempt = load_lock, .check = take_in_turn});
}

TEST_CASE("without memory: a lock is not taken by the API, and nobody holds it", "[allocations]") {
    fail_everywhere("taking a lock by the API", {.startup = {"lock"}, .attempt = take_by_api});
}

TEST_CASE("without memory: a lock is not taken, and is free", "[allocations]") {
    fail_everywhere("locking and unlocking",
                    {.startup = {"lock"}, .attempt = take_in_turn, .check = lock_is_free});
}

TEST_CASE("without memory: the locks are not unloaded, and can be", "[allocations]") {
    fail_everywhere("unloading lock", {.startup = {"lock"}, .attempt = unload_lock});
}

TEST_CASE("without memory: the locks are not reloaded, and can be", "[allocations]") {
    fail_everywhere("reloading lock",
                    {.startup = {"lock"}, .attempt = reload_lock, .check = take_in_turn});
}

TEST_CASE("without memory: a module with one of everything is not loaded, and can be",
          "[allocations]") {
    fail_everywhere("loading everything",
                    {.startup = {}, .attempt = load_everything, .check = weigh});
}

TEST_CASE("without memory: a module with one of everything is not unloaded, and can be",
          "[allocations]") {
    fail_everywhere("unloading everything",
                    {.startup = {"everything"}, .attempt = unload_everything});
}

TEST_CASE("without memory: a module with one of everything is not reloaded, and can be",
          "[allocations]") {
    fail_everywhere("reloading everything",
                    {.startup = {"everything"}, .attempt = reload_everything, .check = weigh});
}

TEST_CASE("without memory: a module is not reloaded, and can be", "[allocations]") {
    fail_everywhere("reloading hello",
                    {.startup = {"hello"}, .attempt = reload_hello, .check = greet});
}

}  // namespace weir
