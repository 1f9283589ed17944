#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/wait.h>

#include "config/settings/catalogue.h"
#include "config/settings/testdata/sample_settings.h"
#include "tests/support/temporary_folder.h"

namespace weir::config {

namespace {

// Which of the schema and the checker accept a sample.
enum class Taken { by_both, by_none, by_schema_only, by_check_only };

struct Sample {
    Taken taken;
    std::string text;
};

const std::vector<Sample> samples = {
    {Taken::by_both, R"({})"},
    {Taken::by_both, R"({"$schema": "weir.schema.json"})"},
    {Taken::by_none, R"({"$schema": 5})"},
    {Taken::by_none, R"([])"},
    {Taken::by_none, R"({"servr": {}})"},
    {Taken::by_none, R"({"server": 5})"},
    {Taken::by_none, R"({"include": 5})"},
    // names, nested and dotted
    {Taken::by_both, R"({"server": {"debugging": true}})"},
    {Taken::by_both, R"({"server.debugging": true})"},
    {Taken::by_both, R"({"server.processevents": 5})"},
    {Taken::by_both, R"({"server": {"processevents": 5}})"},
    {Taken::by_both, R"({"module": {"lock.limits": {"total": 5}}})"},
    {Taken::by_both, R"({"module.lock.limits.total": 5})"},
    {Taken::by_both, R"({"module.lock": {}})"},
    {Taken::by_both, R"({"module.lock.contexts.web.timeout": 5})"},
    {Taken::by_both, R"({"module.lock.semaphores.db": 5})"},
    {Taken::by_both, R"({"module": {"default.service": true}})"},
    {Taken::by_both, R"({"server.queues": [{"event": "A", "index.key": 5}]})"},
    {Taken::by_none, R"({"server.debuging": true})"},
    {Taken::by_none, R"({"server": {"debuging": true}})"},
    {Taken::by_none, R"({"module.lokc": {}})"},
    {Taken::by_none, R"({"module": {"lokc": {}}})"},
    {Taken::by_none, R"({"module.lock.limits.totl": 5})"},
    {Taken::by_none, R"({"module.lock.semaphores.db.main": 5})"},
    {Taken::by_none, R"({"module.default": {"nonsense": 5}})"},
    {Taken::by_none, R"({"server.debugging.x": true})"},
    {Taken::by_none, R"({"serverXdebugging": true})"},
    {Taken::by_none, R"({"server": {"processevents": 0}})"},
    // values
    {Taken::by_none, R"({"server": {"debugging": "true"}})"},
    {Taken::by_none, R"({"server": {"debugging": null}})"},
    {Taken::by_both, R"({"server": {"process_events": null}})"},
    {Taken::by_both, R"({"server": {"process_events": 5.0}})"},
    {Taken::by_none, R"({"server": {"process_events": 5.5}})"},
    {Taken::by_none, R"({"server": {"process_events": 1000001}})"},
    {Taken::by_none, R"({"server": {"process_events": "5"}})"},
    {Taken::by_both, R"({"server": {"poll_interval": "50ms"}})"},
    {Taken::by_both, R"({"server": {"poll_interval": 0.05}})"},
    {Taken::by_none, R"({"server": {"poll_interval": 11}})"},
    {Taken::by_none, R"({"server": {"poll_interval": "50 ms"}})"},
    {Taken::by_none, R"({"server": {"poll_interval": "-50ms"}})"},
    {Taken::by_none, R"({"server": {"poll_interval": null}})"},
    {Taken::by_schema_only, R"({"server": {"poll_interval": "20s"}})"},
    {Taken::by_none, R"({"server": {"plugin_path": []}})"},
    {Taken::by_none, R"({"server": {"plugin_path": [5]}})"},
    {Taken::by_none, R"({"server": {"plugin_path": "x"}})"},
    {Taken::by_both, R"({"server": {"queues": [{"event": "A", "kind": "auto", "limit": null}]}})"},
    {Taken::by_none, R"({"server": {"queues": [{"event": "A", "kind": "lifo"}]}})"},
    {Taken::by_none, R"({"server": {"queues": [{"event": ""}]}})"},
    {Taken::by_none, R"({"server": {"queues": [{}]}})"},
    {Taken::by_both, R"({"server": {"queues": [{"event": "A", "queues": [{"event": "B"}]}]}})"},
    {Taken::by_none, R"({"server": {"queues": [{"event": "A", "queues": [{"evnt": "B"}]}]}})"},
    {Taken::by_both, R"({"server": {"queues": [{"event": "A", "index": {"a": 1, "b": "x"}}]}})"},
    {Taken::by_none, R"({"server": {"queues": [{"event": "A", "index": {"a": true}}]}})"},
    {Taken::by_both, R"({"module.lock": {"semaphores": {"a.b": 1}, "labels": [1, {"x": null}]}})"},
    {Taken::by_none, R"({"module.lock": {"semaphores": {"a.b": 0}}})"},
    {Taken::by_schema_only,
     R"({"module.lock": {"semaphores": {"a.b": null}, "contexts.x": null}})"},
    {Taken::by_none, R"({"module.lock": {"limits": {"total": 4294967296}}})"},
    {Taken::by_none, R"({"module.lock": {"limits": {"total": -1}}})"},
    {Taken::by_none, R"({"module.default": {"limits": {"total": -1}}})"},
    {Taken::by_both, R"({"module.resp": {"max_argument": "1.5MiB", "load_factor": 1}})"},
    {Taken::by_both, R"({"module.resp": {"max_argument": 4096, "load_factor": 0.5}})"},
    {Taken::by_none, R"({"module.resp": {"max_argument": 63}})"},
    {Taken::by_none, R"({"module.resp": {"max_argument": "1 MiB"}})"},
    {Taken::by_schema_only, R"({"module.resp": {"max_argument": "63B"}})"},
    {Taken::by_none, R"({"module.resp": {"load_factor": 1.01}})"},
    {Taken::by_both, R"({"module.resp": {"password": null, "backlog_mode": null}})"},
    {Taken::by_both, R"({"module.resp": {"password": "long enough", "backlog_mode": "wait"}})"},
    {Taken::by_none, R"({"module.resp": {"password": "abc"}})"},
    {Taken::by_none, R"({"module.resp": {"backlog_mode": "waits"}})"},
    {Taken::by_schema_only, R"({"module.resp": {"listen": "nowhere"}})"},
    {Taken::by_schema_only, R"({"server": {"debugging": true}, "server.debugging": true})"},
    // the environment
    {Taken::by_both, R"({"server": {"process_events": "${FIVE}", "debugging": "${NO:-true}"}})"},
    {Taken::by_both, R"({"server": {"poll_interval": "${FIVE}ms"}})"},
    {Taken::by_both, R"({"module.resp": {"password": "${A_LONG_PASSWORD:-FROM_SOMEWHERE)"
                     R"(_OR_OTHER_THAT_HAS_A_VERY_LONG_NAME}"}})"},
    {Taken::by_both, R"({"server": {"queues": [{"event": "A", "kind": "${KIND}"}]}})"},
    {Taken::by_none, R"({"server": {"process_events": "x${FIVE}"}})"},
    {Taken::by_schema_only, R"({"server": {"process_events": "${KIND}"}})"},
    {Taken::by_schema_only, R"({"server": {"process_events": "${UNSET}"}})"},
    {Taken::by_check_only, R"({"server": {"startup": "${LIST}"}})"},
};

bool check_takes(const std::string& text) {
    Problems problems;
    Sources sources;
    sources.files = {{"app.json", text}};
    sources.environment = {{"FIVE", "5"}, {"KIND", "auto"}, {"LIST", "[\"lock\"]"}};
    sample::catalogue().check(Configuration::load(sources, problems), problems);
    return problems.empty();
}

}  // namespace

TEST_CASE("the checker accepts the samples marked for it", "[schema]") {
    for (const auto& [taken, text] : samples) {
        INFO(text);
        CHECK(check_takes(text) == (taken == Taken::by_both || taken == Taken::by_check_only));
    }
}

TEST_CASE("the schema is valid and accepts the samples marked for it", "[schema]") {
    const testing::TemporaryFolder folder;
    Value texts = Value::list();
    for (const Sample& sample : samples) texts.add(sample.text);
    folder.write("schema.json", to_json(sample::catalogue().schema()));
    folder.write("samples.json", to_json(texts));

    const std::string command =
        "python3 " WEIR_SOURCE_DIR
        "/config/settings/testdata/validate.py schema.json samples.json 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    REQUIRE(pipe);
    std::string output;
    for (int character = fgetc(pipe); character != EOF; character = fgetc(pipe)) {
        output += static_cast<char>(character);
    }
    const int status = pclose(pipe);
    if (WIFEXITED(status) && (WEXITSTATUS(status) == 3 || WEXITSTATUS(status) == 127)) {
        WARN("skipped: needs Python with jsonschema (Debian: python3-jsonschema)");
        return;
    }
    INFO(output);
    REQUIRE(status == 0);
    REQUIRE(output.size() == samples.size() + 1);
    for (std::size_t index = 0; index < samples.size(); ++index) {
        const auto& [taken, text] = samples[index];
        INFO(text);
        CHECK((output[index] == '1') ==
              (taken == Taken::by_both || taken == Taken::by_schema_only));
    }
}

}  // namespace weir::config
