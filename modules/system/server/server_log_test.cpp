// What a server logs: of which module, in which routine, and from which level on.
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "core/run/routine.h"
#include "core/wait/timeout.h"
#include "modules/testing/simulated_server.h"
#include "tests/support/temporary_folder.h"

namespace weir {

namespace {

using namespace std::chrono_literals;
using Texts = std::vector<std::string>;

// Counts how often it was turned into text.
struct Costly {
    int* times;
    friend std::string to_string(const Costly& value) {
        ++*value.times;
        return "costly";
    }
};

class Talker : public Module {
public:
    using Module::Module;

    static auto declare() { return declare_module<Talker>("talker", "Logs"); }

    void begin() override {
        log().info("begins");
        start(talk(), {.name = "talker.talk"});
    }

    static inline int formatted;  // reset where it matters

private:
    Task<> talk() {
        for (int i = 1;; ++i) {
            co_await sleep(10s);
            log().debug("debug {}, {}", i, Costly{&formatted});
            log().warning("warning {}", i);
            if (i == 3) {
                throw std::runtime_error("no more");
            }
        }
    }
};

class Silent : public Module {
public:
    using Module::Module;

    static auto declare() { return declare_module<Silent>("silent", "Logs at one level only"); }

    void begin() override {
        log().debug("is here");
        log().info("has begun");
    }
};

Registry registry() {
    return Registry().add<Talker>().add<Silent>();
}

Task<> change_later(Server& server, std::string configuration) {
    co_await sleep(15s);
    if (!configuration.empty()) {
        server.reconfigure(SimulatedServer::read(std::move(configuration)));
    }
    co_await sleep(45s);
}

// Runs the server for a minute, with another configuration from the 15th second on, if there is
// one; what is logged by modules, or in routines of theirs.
Texts logged_by_modules(std::string configuration, std::string second = "") {
    Texts logged;
    Simulation simulation;
    Server server(
        simulation, SimulatedServer::read(std::move(configuration)),
        {.registry = registry(), .log = [&](const LogRecord& record) {
             if (!record.source.empty()) {
                 logged.push_back(std::string(to_string(record.level)) + " [" +
                                  std::string(record.source) + "] " +
                                  (record.routine == nullptr ? "" : record.routine->name()) + ": " +
                                  std::string(record.text.substr(0, record.text.find(" started"))));
             }
         }});
    Container container(server.scheduler());
    container.start(change_later(server, std::move(second)));
    server.run();
    return logged;
}

std::string configuration(const std::string& server_log, const std::string& modules) {
    return R"({"server": {"startup": ["silent", "talker"], "log": )" + server_log +
           R"(}, "module": )" + modules + "}";
}

std::string content_of(const std::string& file) {
    std::ifstream stream(file);
    return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("server log: a module's lines say the module, and the routine that ran", "[log]") {
    CHECK(logged_by_modules(configuration("{}", "{}")) ==
          Texts{"info [silent] loading silent: has begun", "info [talker] loading talker: begins",
                "warning [talker] talker.talk: warning 1",
                "warning [talker] talker.talk: warning 2",
                "warning [talker] talker.talk: warning 3",
                // What the core says about a routine of the module.
                "error [talker] talker.talk: 'talker.talk'"});
}

TEST_CASE("server log: a module has its own level, or that for all modules, or the server's",
          "[log]") {
    CHECK(logged_by_modules(
              configuration(R"({"level": "error"})", R"({"silent": {"log_level": "debug"}})")) ==
          Texts{"debug [silent] loading silent: is here", "info [silent] loading silent: has begun",
                "error [talker] talker.talk: 'talker.talk'"});
    CHECK(logged_by_modules(configuration(
              R"({"level": "error"})",
              R"({"default": {"log_level": "info"}, "talker": {"log_level": "error"}})")) ==
          Texts{"info [silent] loading silent: has begun",
                "error [talker] talker.talk: 'talker.talk'"});
}

TEST_CASE("server log: levels change while the server runs", "[log]") {
    const Texts from_server = logged_by_modules(configuration(R"({"level": "error"})", "{}"),
                                                configuration(R"({"level": "warning"})", "{}"));
    CHECK(from_server == Texts{"warning [talker] talker.talk: warning 2",
                               "warning [talker] talker.talk: warning 3",
                               "error [talker] talker.talk: 'talker.talk'"});
    const Texts from_module =
        logged_by_modules(configuration("{}", R"({"default": {"log_level": "error"}})"),
                          configuration("{}", R"({"talker": {"log_level": "debug"}})"));
    CHECK(from_module == Texts{"debug [talker] talker.talk: debug 2, costly",
                               "warning [talker] talker.talk: warning 2",
                               "debug [talker] talker.talk: debug 3, costly",
                               "warning [talker] talker.talk: warning 3",
                               "error [talker] talker.talk: 'talker.talk'"});
}

TEST_CASE("server log: of a line below the level, no value is made text", "[log]") {
    Talker::formatted = 0;
    logged_by_modules(configuration("{}", "{}"));
    CHECK(Talker::formatted == 0);
    logged_by_modules(configuration(R"({"level": "debug"})", "{}"));
    CHECK(Talker::formatted == 3);
}

TEST_CASE("server log: lines are written to the configured file, and to another one after a change",
          "[log][threads]") {
    const config::testing::TemporaryFolder folder;
    {
        Simulation simulation;
        Server server(simulation,
                      SimulatedServer::read(R"({"server": {"log": {"file": "one.log"}}})"));
        server.scheduler().log(LogLevel::info, "first");
        server.scheduler().log(LogLevel::debug, "not seen");
        server.reconfigure(SimulatedServer::read(
            R"({"server": {"log": {"file": "two.log", "format": "json", "queue": 99}}})"));
        server.scheduler().log(LogLevel::info, "second");
        REQUIRE(server.flush_log());
        CHECK(server.dropped_log_lines() == 0);
    }
    const std::string one = content_of("one.log");
    CHECK_THAT(one, Catch::Contains("info    first\n") && !Catch::Contains("not seen") &&
                        Catch::Contains("info    server.log.format: \"text\" -> \"json\"\n") &&
                        Catch::Contains("warning server.log.queue: ") &&
                        Catch::Contains(" -> 99, takes effect when the server is started again\n"));
    const std::string two = content_of("two.log");
    CHECK_THAT(two, Catch::StartsWith("{") && Catch::EndsWith("\"message\":\"second\"}\n"));
    CHECK(two.find('\n') == two.size() - 1);
}

TEST_CASE("server log: a file that cannot be opened is a mistake of the configuration",
          "[log][threads]") {
    const config::testing::TemporaryFolder folder;
    Simulation simulation;
    CHECK_THROWS_WITH(
        Server(simulation, SimulatedServer::read(R"({"server": {"log": {"file": "."}}})")),
        Catch::StartsWith("app.json:1:29: server.log.file: ") && Catch::Contains("Is a directory"));
}

}  // namespace weir
