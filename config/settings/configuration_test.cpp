#include "config/settings/configuration.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include <catch2/catch.hpp>

#include "config/settings/testdata/sample_settings.h"

namespace weir::config {

using namespace std::chrono_literals;

namespace {

Configuration load(const std::vector<Input>& files, const std::vector<std::string>& sets = {},
                   const Environment& environment = {}) {
    Problems problems;
    Sources sources;
    sources.files = files;
    sources.sets = sets;
    sources.environment = environment;
    Configuration result = Configuration::load(sources, problems);
    CHECK(problems.text() == "");
    return result;
}

template <Described S>
S read(const Configuration& configuration, std::string_view section) {
    Problems problems;
    S result = configuration.read<S>(section, problems);
    CHECK(problems.text() == "");
    return result;
}

// What one may write in several ways, and what is checked as a whole.
struct ChosenSettings {
    std::variant<std::string, sample::LimitSettings, std::vector<int>> one_of_three;
    std::vector<std::string> names;

    static Settings<ChosenSettings> describe() {
        return settings<ChosenSettings>(
            "Choices", setting("one_of_three", &ChosenSettings::one_of_three, "What is chosen"),
            setting("names", &ChosenSettings::names, "Names")
                .check([](const std::vector<std::string>& given) {
                    return std::string(
                        std::ranges::find(given, "") == given.end() ? "" : "has an empty name");
                }));
    }
};

}  // namespace

TEST_CASE("a setting that no source gives has its default", "[configuration]") {
    const auto server = read<sample::ServerSettings>(Configuration(), "server");
    CHECK(server.poll_interval == 50ms);
    CHECK(server.plugin_path == std::vector<std::string>{"plugins"});
    CHECK(!server.process_events);
}

TEST_CASE("settings of all types are read", "[configuration]") {
    const Configuration configuration = load({{"app.json", R"({
        "server": {
            "startup": ["lock", "resp"],
            "process_events": 100,
            "poll_interval": "1s",
            "debugging": true,
            "queues": [
                {"event": "LockEvent", "priority": 990, "kind": "auto",
                 "index": {"key": "a", "n": 5}},
                {"event": "Other", "limit": 10, "queues": [{"event": "Inner"}]}
            ]
        },
        "module": {
            "lock": {
                "limits": {"total": 50},
                "semaphores": {"db.main": 4, "db.*": 2},
                "contexts": {"web": {"timeout": "2s"}, "batch": {}},
                "labels": {"team": ["a", 1, null]}
            },
            "resp": {"password": "hunter2", "max_argument": "64KiB", "load_factor": 1}
        }
    })"}});
    const auto server = read<sample::ServerSettings>(configuration, "server");
    CHECK(server.startup == std::vector<std::string>{"lock", "resp"});
    CHECK(server.process_events == 100);
    CHECK(server.poll_interval == 1s);
    CHECK(server.debugging);
    REQUIRE(server.queues.size() == 2);
    CHECK(server.queues[0].kind == sample::QueueKind::automatic);
    CHECK(std::get<std::string>(server.queues[0].index.at("key")) == "a");
    CHECK(std::get<std::int64_t>(server.queues[0].index.at("n")) == 5);
    CHECK(server.queues[1].limit == 10);
    CHECK(server.queues[1].priority == 400);
    CHECK(server.queues[1].queues.at(0).event == "Inner");

    const auto lock = read<sample::LockSettings>(configuration, "module.lock");
    CHECK(lock.limits.total == 50);
    CHECK(lock.limits.per_key == 1000);
    CHECK(lock.semaphores == std::map<std::string, int>{{"db.*", 2}, {"db.main", 4}});
    CHECK(lock.contexts.at("web").timeout == 2s);
    CHECK(!lock.contexts.at("batch").timeout);
    CHECK(to_json(lock.labels) == R"({"team":["a",1,null]})");

    const auto resp = read<sample::RespSettings>(configuration, "module.resp");
    CHECK(resp.password == "hunter2");
    CHECK(resp.max_argument == kibibytes(64));
    CHECK(resp.load_factor == 1.0);
}

TEST_CASE("names may be nested or dotted, in any mixture", "[configuration]") {
    for (const std::string text :
         {R"({"module": {"lock": {"limits": {"total": 5}}}})", R"({"module.lock.limits.total": 5})",
          R"({"module.lock": {"limits.total": 5}})", R"({"module": {"lock.limits": {"total": 5}}})",
          R"({"module": {"lock": {"priority": 1}}, "module.lock": {"limits.total": 5}})"}) {
        INFO(text);
        const auto lock = read<sample::LockSettings>(load({{"app.json", text}}), "module.lock");
        CHECK(lock.limits.total == 5);
    }
}

TEST_CASE("a dot in a map is part of the name", "[configuration]") {
    const auto lock = read<sample::LockSettings>(
        load({{"app.json", R"({"module.lock.semaphores": {"a.b": 1},
                               "module.lock.semaphores.c": 2,
                               "module.lock.contexts.web.timeout": "1s"})"}},
             {"module.lock.semaphores.c=3", "module.lock.semaphores={\"d.e\": 4}"}),
        "module.lock");
    CHECK(lock.semaphores == std::map<std::string, int>{{"a.b", 1}, {"c", 3}, {"d.e", 4}});
    CHECK(lock.contexts.at("web").timeout == 1s);
}

TEST_CASE("a value that is put above all sources wins, and its mistakes have its name",
          "[configuration]") {
    const Configuration before = load({{"app.json", R"({"server": {"poll_interval": "1s"}})"}},
                                      {"server.poll_interval=2s", R"(server.startup=["a"])"});
    const Configuration after = before.with("server.poll_interval", "3s", "the console");
    CHECK(read<sample::ServerSettings>(before, "server").poll_interval == 2s);
    CHECK(read<sample::ServerSettings>(after, "server").poll_interval == 3s);
    CHECK(read<sample::ServerSettings>(after, "server").startup == std::vector<std::string>{"a"});
    CHECK(after.files() == before.files());

    // The last value of a path counts, and others of the same source stay.
    const Configuration again = after.with("server.startup", Value::list(), "the console")
                                    .with("server.poll_interval", "4s", "the console");
    CHECK(read<sample::ServerSettings>(again, "server").poll_interval == 4s);
    CHECK(read<sample::ServerSettings>(again, "server").startup.empty());

    Problems problems;
    const Configuration wrong = again.with("server.startup", Value::list().add(7), "the console");
    (void)wrong.read<sample::ServerSettings>("server", problems);
    CHECK(problems.text() == "the console: server.startup[0]: expected a string, found 7\n");
}

TEST_CASE("later layers win, setting by setting", "[configuration]") {
    const Configuration configuration =
        load({{"one.json", R"({"server": {"process_events": 1, "poll_interval": "1s",
                               "startup": ["a", "b"]}})"},
              {"two.json", R"({"server.process_events": 2, "server": {"startup": ["c"]}})"}},
             {"server.process_events=3", "server.debugging=true"});
    const auto server = read<sample::ServerSettings>(configuration, "server");
    CHECK(server.process_events == 3);
    CHECK(server.poll_interval == 1s);
    CHECK(server.startup == std::vector<std::string>{"c"});
    CHECK(server.debugging);
}

TEST_CASE("null resets an optional setting and what lower layers give below it",
          "[configuration]") {
    const Configuration configuration = load(
        {{"one.json", R"({"server": {"process_events": 1}, "module.lock.contexts.a.timeout": 1})"}},
        {"server.process_events=null", "module.lock.contexts.a.timeout=null"});
    CHECK(!read<sample::ServerSettings>(configuration, "server").process_events);
    CHECK(!read<sample::LockSettings>(configuration, "module.lock").contexts.at("a").timeout);
}

TEST_CASE("null removes an entry of a map", "[configuration]") {
    const Configuration configuration =
        load({{"one.json", R"({"module.lock": {"semaphores": {"a": 1, "b": 2, "c": 3},
                               "contexts": {"x": {"timeout": "1s"}, "y": {"timeout": "2s"}}}})"},
              {"two.json", R"({"module.lock": {"semaphores": {"a": null, "c": null},
                               "contexts": {"x": null}}})"}},
             {"module.lock.semaphores.c=4"});
    const auto lock = read<sample::LockSettings>(configuration, "module.lock");
    CHECK(lock.semaphores == std::map<std::string, int>{{"b", 2}, {"c", 4}});
    REQUIRE(lock.contexts.size() == 1);
    CHECK(lock.contexts.at("y").timeout == 2s);
}

TEST_CASE("null for an entry that no layer below has is a mistake", "[configuration]") {
    Problems problems;
    Sources sources;
    sources.files = {{"one.json", R"({"module.lock": {"semaphores": {"printer": 1}}})"},
                     {"two.json",
                      "{\"module.lock\": {\"semaphores\": {\"printr\": null,\n"
                      "\"printer\": null}}}"}};
    sources.sets = {"module.lock.semaphores.printer=null", "module.lock.contexts.web=null"};
    const Configuration configuration = Configuration::load(sources, problems);
    configuration.read<sample::LockSettings>("module.lock", problems);
    CHECK(problems.text() ==
          "two.json:1:33: module.lock.semaphores.printr: null removes an entry of a layer below, "
          "and there is no 'printr' (did you mean 'printer'?)\n"
          "--set module.lock.semaphores.printer=...: module.lock.semaphores.printer: null removes "
          "an entry of a layer below, and there is no 'printer'\n"
          "--set module.lock.contexts.web=...: module.lock.contexts.web: null removes an entry of "
          "a layer below, and there is no 'web'\n");
}

TEST_CASE("an alias is another name for the setting", "[configuration]") {
    const Configuration configuration = load({{"one.json", R"({"server.processevents": 1})"},
                                              {"two.json", R"({"server.process_events": 2})"}},
                                             {"server.processevents=3"});
    CHECK(read<sample::ServerSettings>(configuration, "server").process_events == 3);
}

TEST_CASE("text from --set and the environment fits strings and all other types",
          "[configuration]") {
    const Configuration configuration = load(
        {{"app.json", R"({"module.resp": {"password": "${PASSWORD}", "listen": "127.0.0.1:${PORT}",
                          "idle_timeout": "${IDLE:-5}", "load_factor": "${LOAD:-0.5}"}})"}},
        {"server.startup=[\"lock\"]", "server.poll_interval=2s", "module.resp.backlog_mode=wait"},
        {{"PASSWORD", "12345"}, {"PORT", "7000"}});
    const auto resp = read<sample::RespSettings>(configuration, "module.resp");
    CHECK(resp.password == "12345");
    CHECK(resp.listen == "127.0.0.1:7000");
    CHECK(resp.idle_timeout == 5s);
    CHECK(resp.load_factor == 0.5);
    CHECK(resp.backlog_mode == "wait");
    const auto server = read<sample::ServerSettings>(configuration, "server");
    CHECK(server.startup == std::vector<std::string>{"lock"});
    CHECK(server.poll_interval == 2s);

    const auto set = [](const std::string& text) {
        return read<sample::RespSettings>(load({}, {"module.resp.password=" + text}), "module.resp")
            .password;
    };
    CHECK(set("12345") == "12345");
    CHECK(set("true") == "true");
    CHECK(set("1.50") == "1.50");
    CHECK(set("[1, 2]") == "[1, 2]");
    CHECK(set("\"quoted\"") == "quoted");
    CHECK(set("null") == std::nullopt);
}

TEST_CASE("text from --set is an object or a list rather than a string where it can be either",
          "[configuration]") {
    const auto set = [](const std::string& text) {
        return read<ChosenSettings>(load({}, {"own.one_of_three=" + text}), "own").one_of_three;
    };
    CHECK(std::get<sample::LimitSettings>(set(R"({"total": 7})")).total == 7);
    CHECK(std::get<std::vector<int>>(set("[1, 2]")) == std::vector<int>{1, 2});
    CHECK(std::get<std::string>(set(R"({"other": 7})")) == R"({"other": 7})");
    CHECK(std::get<std::string>(set("12")) == "12");
}

TEST_CASE("a variable that is not set is one mistake, also in a list that is checked",
          "[configuration]") {
    Problems problems;
    Sources sources;
    sources.files = {{"app.json", R"({"own": {"names": ["a", "${NOT_SET}"]}})"}};
    const Configuration configuration = Configuration::load(sources, problems);
    configuration.read<ChosenSettings>("own", problems);
    CHECK(problems.text() ==
          "app.json:1:25: own.names[1]: the environment variable NOT_SET is not set\n");
}

TEST_CASE("module.default applies to modules without a value of their own", "[configuration]") {
    const Configuration configuration = load(
        {{"one.json", R"({"module": {"lock": {"priority": 1}, "default": {"service": true}}})"},
         {"two.json", R"({"module.default": {"priority": 2, "limits": {"total": 7, "per_key": 8}},
                          "module.lock.limits.total": 9})"}},
        {"module.default.priority=3"});
    const auto lock = read<sample::LockSettings>(configuration, "module.lock");
    // Its own value wins, although the default comes from a later source.
    CHECK(lock.priority == 1);
    CHECK(lock.limits.total == 9);
    CHECK(lock.limits.per_key == 8);
    CHECK(read<sample::ModuleSettings>(configuration, "module.lock").service);
    CHECK(read<sample::ModuleSettings>(configuration, "module.resp").service);
    CHECK(read<sample::LockSettings>(configuration, "module.other").priority == 3);
}

TEST_CASE("later stages of a program read raw values and report at their positions",
          "[configuration]") {
    const Configuration configuration =
        load({{"app.json",
               "{\n"
               "  \"server\": {\"startup\": [\"lock\", \"lokc\"]},\n"
               "  \"server.queues\": [{\"event\": \"Nonsense\"}],\n"
               "  \"module\": {\n"
               "    \"lock\": {\"semaphores\": {\"a.b\": 1}},\n"
               "    \"default\": {\"service\": true}\n"
               "  }\n"
               "}"}},
             {"module.lock.semaphores={\"c\": 2}", "module.resp.listen=x:1"});
    CHECK(to_json(*configuration.value("server.queues[0]")) == R"({"event":"Nonsense"})");
    CHECK(to_json(*configuration.value("module.lock.semaphores")) == R"({"a.b":1,"c":2})");
    CHECK(to_json(*configuration.value("module.lock.service")) == "true");
    CHECK(!configuration.value("server.queues[1]"));
    CHECK(!configuration.value("nowhere"));
    CHECK(configuration.value("")->is_object());

    const auto at = [&](const Path& path) { return to_text(configuration.position(path)); };
    CHECK(at("server.startup[1]") == "app.json:2:34");
    CHECK(at("server.queues[0].event") == "app.json:3:31");
    CHECK(at("server.queues[0].kind") == "app.json:3:21");
    CHECK(at("module.lock.semaphores[\"a.b\"]") == "app.json:5:36");
    CHECK(at("module.lock.semaphores.c") == "--set module.lock.semaphores=...");
    CHECK(at("module.lock.service") == "app.json:6:28");
    CHECK(at("module.other") == "app.json:4:13");
    CHECK(at("nowhere") == "app.json");
    CHECK(to_text(Configuration().position("nowhere")) == "");
    CHECK(to_text(configuration.name_position("server.startup")) == "app.json:2:14");

    std::string names;
    for (const Name& name : configuration.names("module")) {
        names += name.text + " " + to_text(name.position) + "\n";
    }
    CHECK(names ==
          "default app.json:6:5\n"
          "lock --set module.lock.semaphores=...\n"
          "resp --set module.resp.listen=...\n");
    CHECK(configuration.files() == std::vector<std::string>{"app.json"});

    Problems problems;
    configuration.report("server.queues[0].event", "unknown event type 'Nonsense'", problems);
    CHECK(problems.text() ==
          "app.json:3:31: server.queues[0].event: unknown event type 'Nonsense'\n");
}

}  // namespace weir::config
