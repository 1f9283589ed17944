#include "config/settings/catalogue.h"

#include <stdexcept>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "config/settings/testdata/sample_settings.h"
#include "tests/support/approved_text.h"

namespace weir::config {

namespace {

struct Given {
    std::string text;
    std::vector<std::string> sets = {};
};

std::string check(const Given& given, const Catalogue& catalogue = sample::catalogue()) {
    Problems problems;
    Sources sources;
    sources.files = {{"app.json", given.text}};
    sources.sets = given.sets;
    sources.environment = {{"PORT", "abc"}, {"N", "0"}, {"SECRET", "x"}};
    const Configuration configuration = Configuration::load(sources, problems);
    catalogue.check(configuration, problems);
    return problems.text();
}

}  // namespace

TEST_CASE("a valid configuration has no problems", "[catalogue]") {
    CHECK(check({"{}"}) == "");
    CHECK(check({R"({"$schema": "x", "server": {"processevents": 5},
                     "module": {"default": {"service": true, "priority": 5}, "lock": {}}})"}) ==
          "");
}

TEST_CASE("every mistake has a message", "[catalogue]") {
    std::string report;
    for (const Given& given : std::vector<Given>{
             // unknown names
             {R"({"servr": {"startup": []}})"},
             {R"({"server": {"processevent": 5}})"},
             {R"({"server.poll_intervall": 5})"},
             {R"({"server": {"utterly_unknown": 5}})"},
             {R"({"module": {"lokc": {"priority": 5}}})"},
             {R"({"module.lokc.priority": 5})"},
             {R"({"module.lock.limits.totl": 5})"},
             {R"({"module.lock.contexts.web.time_out": 5})"},
             {R"({"server": {"queues": [{"event": "A"}, {"event": "B", "prioritty": 5}]}})"},
             {R"({"module.default": {"servic": true}})"},
             {R"({"": 1, "a..b": 1, ".x": 1, "server.": 1, "server..startup": []})"},
             // one setting twice in one file
             {R"({"server": {"debugging": true}, "server.debugging": false})"},
             {R"({"server": {"process_events": 5, "processevents": 6}})"},
             {R"({"module.lock.limits": {"total": 5}, "module.lock": {"limits.total": 6}})"},
             {R"({"server": {"process_events": null}, "server.process_events": 6})"},
             {R"({"server": {"queues": []}, "server.queues": []})"},
             {R"({"module.lock.semaphores": {"a": 1}, "module.lock.semaphores.a": 2})"},
             // wrong types
             {R"({"server": 5})"},
             {R"({"module": []})"},
             {R"({"module.lock": null})"},
             {R"({"module.default": 5})"},
             {R"({"server": {"debugging": "yes"}})"},
             {R"({"server": {"process_events": "5"}})"},
             {R"({"server": {"process_events": 2.5}})"},
             {R"({"server": {"process_events": {"a": 1}}})"},
             {R"({"server": {"process_events.a.b": 1}})"},
             {R"({"server": {"startup": "lock"}})"},
             {R"({"server": {"startup": ["lock", 5]}})"},
             {R"({"server": {"poll_interval": "fast"}})"},
             {R"({"server": {"poll_interval": "50us"}})"},
             {R"({"server": {"poll_interval": null}})"},
             {R"({"server": {"queues": {"event": "A"}}})"},
             {R"({"server": {"queues": ["A"]}})"},
             {R"({"server": {"queues": [{"event": "A", "kind": 5}]}})"},
             {R"({"server": {"queues": [{"event": "A", "index": {"key": 2.5}}]}})"},
             {R"({"module.lock.semaphores": [4]})"},
             {R"({"module.lock.contexts": {"web": 5}})"},
             {R"({"module.resp": {"max_argument": "64 KiB", "load_factor": "0.5"}})"},
             {R"({"module.default": {"priority": "high"}})"},
             // out of range, or not allowed
             {R"({"server": {"process_events": 0}})"},
             {R"({"server": {"process_events": 1000001}})"},
             {R"({"server": {"process_events": 99999999999999999999}})"},
             {R"({"server": {"poll_interval": "20s"}})"},
             {R"({"server": {"poll_interval": 0}})"},
             {R"({"server": {"plugin_path": []}})"},
             {R"({"server": {"queues": [{"event": ""}]}})"},
             {R"({"server": {"queues": [{"event": "A", "kind": "prio"}]}})"},
             {R"({"server": {"queues": [{"event": "A", "kind": "lifo"}]}})"},
             {R"({"server": {"queues": [{"event": "A", "limit": 0}]}})"},
             {R"({"module.lock": {"limits": {"total": -1}, "semaphores": {"a.b": 0}}})"},
             {R"({"module.resp": {"max_argument": "1B", "load_factor": 1.5}})"},
             {R"({"module.resp": {"idle_timeout": "-1s", "backlog_mode": "refusee"}})"},
             {R"({"module.resp": {"listen": "localhost"}})"},
             {R"({"module.resp": {"load_factor": -0.5, "max_argument": -1}})"},
             // secrets are not shown
             {R"({"module.resp": {"password": "abc"}})"},
             {R"({"module.resp": {"password": 12345}})"},
             {R"({"module.resp": {"password": ["hunter2"]}})"},
             {R"({"module.resp": {"password": "${SECRET}"}})"},
             // missing
             {R"({"server": {"queues": [{}, {"priority": 5}]}})"},
             // the environment
             {R"({"server": {"process_events": "${PORT}"}})"},
             {R"({"server": {"process_events": "${N}"}})"},
             {R"({"server": {"process_events": "${NOWHERE}", "debugging": "${NOWHERE}"}})"},
             {R"({"server": {"queues": [{"event": "A", "kind": "${PORT}"}]}})"},
             // --set
             {"{}",
              {"server.process_events=many", "server.proces_events=5", "module.lokc=5",
               "server.startup=lock", "module.resp.password=abc", "server={\"debugging\": 5}",
               "module.default.servic=1"}},
             // mistakes that a later layer hides
             {R"({"server": {"process_events": 0}})", {"server.process_events=5"}},
             // names that a hostile user would choose
             {"{\"server\": {\"a\\u001b[31m\\n\": 1}, \"\\u202e\": 2}"},
             // all at once, with a mistake in the syntax
             {"{\n  \"server\": {\n    \"procesevents\": 5,\n    \"debugging\": \"no\"\n  },\n"
              "  \"module\": {\n    \"lokc\": {},\n    \"lock\": {\"priority\": -1,}\n  }\n}"},
         }) {
        const std::string problems = check(given);
        INFO(given.text);
        CHECK(problems != "");
        report += given.text;
        for (const std::string& set : given.sets) report += " --set " + set;
        report += "\n";
        for (std::size_t begin = 0; begin < problems.size();) {
            const std::size_t end = problems.find('\n', begin) + 1;
            report += "    " + problems.substr(begin, end - begin);
            begin = end;
        }
    }
    testing::check_approved("errors", report);
}

TEST_CASE("a module with unknown settings is known and not checked", "[catalogue]") {
    Catalogue catalogue = sample::catalogue();
    catalogue.add_module("manager");
    CHECK(check({R"({"module": {"manager": {"anything": 1}, "default": {"anything": 2}}})"},
                catalogue) == "");
    CHECK(check({R"({"module": {"manger": {}}})"}, catalogue) ==
          "app.json:1:13: module.manger: unknown module 'manger' (did you mean 'manager'?)\n");
    CHECK_THROWS_AS(catalogue.add_module("default"), std::invalid_argument);
}

TEST_CASE("missing required settings are reported at their section, or at the file",
          "[catalogue]") {
    const auto with_use = [](Use use) {
        Catalogue catalogue;
        catalogue.add<sample::QueueSettings>("module.queue", use);
        return catalogue;
    };
    CHECK(check({"{}"}, with_use(Use::running)) ==
          "app.json: module.queue.event: is missing and has no default\n");
    CHECK(check({"{\n\"module\": {\"queue\": {}}}"}, with_use(Use::running)) ==
          "app.json:2:21: module.queue.event: is missing and has no default\n");
    CHECK(check({"{}"}, with_use(Use::installed)) == "");
    CHECK(check({R"({"module.queue": {"queues": [{}]}})"}, with_use(Use::installed)) ==
          "app.json:1:30: module.queue.queues[0].event: is missing and has no default\n");
}

TEST_CASE("two structs in one section must not describe the same name", "[catalogue]") {
    Catalogue catalogue;
    catalogue.add<sample::LockSettings>("module.lock");
    CHECK_THROWS_AS(catalogue.add<sample::LockSettings>("module.lock"), std::invalid_argument);
    CHECK_THROWS_AS(catalogue.add<sample::ModuleSettings>("module.default"), std::invalid_argument);
}

TEST_CASE("sections may be nested", "[catalogue]") {
    Catalogue catalogue;
    catalogue.add<sample::ServerSettings>("server");
    catalogue.add<sample::LimitSettings>("server.limits");
    CHECK(check({R"({"server": {"debugging": true, "limits": {"total": 5}}})"}, catalogue) == "");
    CHECK(check({R"({"server": {"debuging": true, "limits": {"totl": 5}}})"}, catalogue) ==
          "app.json:1:13: server.debuging: unknown setting 'debuging' (did you mean "
          "'debugging'?)\n"
          "app.json:1:42: server.limits.totl: unknown setting 'totl' (did you mean 'total'?)\n");
}

TEST_CASE("sections describe themselves", "[catalogue]") {
    testing::check_approved("describe", sample::catalogue().describe());
    testing::check_approved("describe_narrow", sample::catalogue().describe("module.resp", 60));
    CHECK(sample::catalogue().describe("module.other").empty());
}

TEST_CASE("the schema of the sample app is approved", "[catalogue]") {
    testing::check_approved("schema", to_json(sample::catalogue().schema(), 2) + "\n");
}

}  // namespace weir::config
