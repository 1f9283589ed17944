#include "modules/system/rights/access.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include "core/wait/execute_all.h"
#include "core/wait/timeout.h"
#include "modules/system/call/json.h"
#include "modules/testing/simulated_server.h"
#include "tests/support/temporary_folder.h"

using namespace weir;
using namespace std::chrono_literals;

namespace {

// The hash of "password", by a cost that makes tests quick.
constexpr std::string_view hash =
    "$scrypt$ln=4,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$5f/Vi+XRWGUNGScbsma6KJ4zLFIke/NJsrvr7lQLAyA";

std::string with_users(const std::string& users) {
    return R"({"server": {"users": )" + users + R"(, "roles": {"worker": {
        "may": ["lock.acquire", "bakery.*"], "keys": ["orders:*"]}}}})";
}

const std::string ann =
    R"({"ann": {"password_hash": ")" + std::string(hash) + R"(", "roles": ["worker"]}})";

// Logs in; returns the user, or the code of the error.
Task<std::string> outcome(Access& access, std::string user, std::string password,
                          std::string source = "10.0.0.1") {
    Login login{
        .user = std::move(user), .password = std::move(password), .source = std::move(source)};
    const ApiResult<Ref<Caller>> caller = co_await access.log_in(std::move(login));
    co_return caller ? caller.value()->user() : caller.error().code;
}

}  // namespace

TEST_CASE("a user logs in by the password whose hash the configuration has") {
    SimulatedServer world(with_users(ann));
    const auto test = [](Access& access) -> Task<> {
        CHECK(co_await outcome(access, "ann", "password") == "ann");
        CHECK(co_await outcome(access, "ann", "password") == "ann");  // by the digest
        CHECK(co_await outcome(access, "ann", "Password") == "wrong_login");
        CHECK(co_await outcome(access, "ann", "") == "wrong_login");
        CHECK(co_await outcome(access, "Ann", "password") == "wrong_login");
        CHECK(co_await outcome(access, "", "password") == "wrong_login");
        const std::string with_zero("ann\0", 4);
        CHECK(co_await outcome(access, with_zero, "password", "b") == "wrong_login");
        CHECK(co_await outcome(access, "an", "npassword", "b") == "wrong_login");
    };
    world.run(test(world.server().access()));
    CHECK(world.log().find("password") == std::string::npos);
    CHECK(world.log().find("a login of the user 'ann' from 10.0.0.1 failed") != std::string::npos);
    CHECK(world.log().find("'Ann'") == std::string::npos);
}

TEST_CASE("plain passwords come from the environment and from files") {
    setenv("WEIR_TEST_PASSWORD", "plain", 1);
    const std::string file = "/tmp/weir-access-test-" + std::to_string(getpid());
    std::ofstream(file) << "in a file\nmore\n";
    SimulatedServer world(with_users(
        R"({"env": {"password_variable": "WEIR_TEST_PASSWORD", "roles": ["admin"]},
            "file": {"password_file": ")" +
        file + R"(", "roles": ["guest"]}})"));
    const auto test = [](Access& access) -> Task<> {
        CHECK(co_await outcome(access, "env", "plain") == "env");
        CHECK(co_await outcome(access, "file", "in a file") == "file");
        CHECK(co_await outcome(access, "file", "plain") == "wrong_login");
    };
    world.run(test(world.server().access()));
    std::remove(file.c_str());
}

TEST_CASE("the hash is computed for a wrong user as well as for a wrong password") {
    SimulatedServer world(with_users(ann));
    const auto test = [](SimulatedServer& own) -> Task<> {
        Access& access = own.server().access();
        for (const char* user : {"ann", "nobody"}) {
            std::vector<Task<std::string>> tasks;
            tasks.push_back(outcome(access, user, "wrong"));
            const Time before = own.scheduler().now();
            const std::vector<std::string> answers =
                co_await execute_all(own.loader(), std::move(tasks));
            CHECK(answers.front() == "wrong_login");
            CHECK(own.scheduler().now() == before);  // neither waits for a timer
            CHECK(access.hashes() == (std::string_view(user) == "ann" ? 1 : 2));
        }
    };
    world.run(test(world));
}

TEST_CASE("guesses on many connections are slowed down, and another source is not") {
    SimulatedServer world(with_users(ann));
    const auto test = [](SimulatedServer& own) -> Task<> {
        Access& access = own.server().access();
        std::vector<Task<std::string>> guesses;
        for (int i = 0; i != 100; ++i) {
            guesses.push_back(outcome(access, "ann", std::to_string(i)));
        }
        guesses.push_back(outcome(access, "ann", "password", "the local user 0"));
        const Time before = own.scheduler().now();
        const std::vector<std::string> answers =
            co_await execute_all(own.loader(), std::move(guesses));
        CHECK(answers.back() == "ann");
        CHECK(std::count(answers.begin(), answers.end(), "wrong_login") == 9);
        CHECK(std::count(answers.begin(), answers.end(), "too_many_logins") == 91);
        CHECK(own.scheduler().now() - before == LoginLimiter::longest_wait);
        CHECK(access.hashes() == 10);
    };
    world.run(test(world));
    CHECK(world.log().find("91 more logins were refused") != std::string::npos);
}

TEST_CASE("a user who is removed while logging in is not let in, and loses all rights later") {
    SimulatedServer world(with_users(ann));
    const auto test = [](SimulatedServer& own) -> Task<> {
        Access& access = own.server().access();
        Login login{.user = "ann", .password = "password", .source = "a"};
        const ApiResult<Ref<Caller>> before = co_await access.log_in(std::move(login));
        const Ref<Caller> caller = before.value();
        CHECK(caller->may({"bakery", "order"}));
        own.server().reconfigure(SimulatedServer::read(with_users("{}")));
        CHECK_FALSE(caller->may({"bakery", "order"}));
        CHECK_FALSE(caller->has_roles());
        CHECK(co_await outcome(access, "ann", "password") == "wrong_login");
        own.server().reconfigure(SimulatedServer::read(with_users(ann)));
        CHECK(caller->may({"bakery", "order"}));
    };
    world.run(test(world));
}

TEST_CASE("mistakes of users and roles are reported where they are") {
    const auto problems = [](const std::string& text) {
        try {
            SimulatedServer world(text);
            return std::string();
        } catch (const std::invalid_argument& error) {
            return std::string(error.what());
        }
    };
    CHECK(problems(with_users(R"({"a": {"roles": ["guest"]}})"))
              .find("server.users.a: a user has exactly one of password_hash") !=
          std::string::npos);
    CHECK(problems(with_users(R"({"a": {"password_hash": "geheim", "roles": ["guest"]}})"))
              .find("server.users.a.password_hash: is no hash as") != std::string::npos);
    CHECK(problems(with_users(R"({"a": {"password_hash": "geheim", "roles": ["guest"]}})"))
              .find("geheim") == std::string::npos);
    CHECK(problems(with_users(R"({"a": {"password_variable": "NO_SUCH_X", "roles": ["guest"]}})"))
              .find("the environment variable NO_SUCH_X is not set") != std::string::npos);
    CHECK(problems(with_users(R"({"a": {"password_file": "/no/such", "roles": ["guest"]}})"))
              .find("no password can be read from the file /no/such") != std::string::npos);
    const config::testing::TemporaryFolder folder;
    REQUIRE(mkfifo("pipe", 0600) == 0);
    for (const std::string path : {"pipe", ".", "/dev/zero"}) {
        CHECK(problems(
                  with_users(R"({"a": {"password_file": ")" + path + R"(", "roles": ["guest"]}})"))
                  .find("no password can be read from the file " + path) != std::string::npos);
    }
    CHECK(problems(with_users(R"({"a": {"password_hash": ")" + std::string(hash) +
                              R"(", "roles": ["wroker"]}})"))
              .find("server.users.a.roles[0]: unknown role 'wroker' (did you mean 'worker'?)") !=
          std::string::npos);
    CHECK(problems(R"({"server": {"roles": {"x": {"may": ["lock"]}}}})")
              .find("server.roles.x.may: ") != std::string::npos);
}
