// Tests the examples of docs/configuration.md for people who run apps: each must be from a file
// that is run. The files are read here.

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "config/settings/catalogue.h"
#include "config/settings/testdata/sample_settings.h"
#include "tests/support/approved_text.h"

namespace weir::config {

namespace {

using namespace std::chrono_literals;

const std::string source_folder = WEIR_SOURCE_DIR;

// Makes the examples' folder the working folder, so that messages show short file names.
class InExamples {
public:
    InExamples() : before_(std::filesystem::current_path()) {
        std::filesystem::current_path(source_folder + "/config/settings/testdata/examples");
    }
    InExamples(const InExamples&) = delete;
    InExamples& operator=(const InExamples&) = delete;
    ~InExamples() { std::filesystem::current_path(before_); }

private:
    std::filesystem::path before_;
};

// One example in the page, and the file that it names as its source.
struct Example {
    std::string file;
    std::string text;
};

std::string without_indent(const std::string& text) {
    std::istringstream lines(text);
    std::vector<std::string> all;
    std::size_t indent = std::string::npos;
    for (std::string line; std::getline(lines, line);) {
        const std::size_t first = line.find_first_not_of(' ');
        if (first != std::string::npos) indent = std::min(indent, first);
        all.push_back(line);
    }
    std::string result;
    for (const std::string& line : all) {
        result += (line.size() >= indent ? line.substr(indent) : "") + "\n";
    }
    return result;
}

// Returns whether `whole` contains the lines of `part` consecutively, at any indentation.
bool contains(const std::string& whole, const std::string& part) {
    const std::string wanted = without_indent(part);
    const auto count = std::count(wanted.begin(), wanted.end(), '\n');
    std::vector<std::string> lines;
    std::istringstream stream(whole);
    for (std::string line; std::getline(stream, line);) lines.push_back(line);
    for (std::size_t begin = 0; begin + static_cast<std::size_t>(count) <= lines.size(); ++begin) {
        std::string window;
        for (std::size_t i = begin; i < begin + static_cast<std::size_t>(count); ++i) {
            window += lines[i] + "\n";
        }
        if (without_indent(window) == wanted) return true;
    }
    return false;
}

// Returns all fenced blocks of the page, each with the file named by the comment before it.
std::vector<Example> examples(const std::string& page) {
    std::vector<Example> result;
    std::istringstream lines(page);
    std::string line, file;
    while (std::getline(lines, line)) {
        if (line.rfind("<!-- from ", 0) == 0) file = line.substr(10, line.find(" -->") - 10);
        if (line.rfind("```", 0) != 0) continue;
        Example example{file, ""};
        while (std::getline(lines, line) && line != "```") example.text += line + "\n";
        result.push_back(std::move(example));
        file.clear();
    }
    return result;
}

}  // namespace

TEST_CASE("each example in the documentation is from a file that is run", "[documentation]") {
    const std::string page = testing::read_file(source_folder + "/docs/configuration.md");
    const std::vector<Example> all = examples(page);
    CHECK(all.size() > 5);
    for (const Example& example : all) {
        INFO(example.text);
        REQUIRE(example.file != "");
        INFO(example.file);
        CHECK(contains(testing::read_file(source_folder + "/" + example.file), example.text));
    }
}

TEST_CASE("the documentation's example app is valid", "[documentation]") {
    const InExamples folder;
    Problems problems;
    Sources sources;
    sources.files = {"lockd.json"};
    sources.environment = {{"LOCKD_PASSWORD", "hunter2"}, {"PORT", "7000"}};
    sources.sets = {"module.lock.semaphores={\"db.other\": 2}"};
    const Configuration configuration = Configuration::load(sources, problems);
    sample::catalogue().check(configuration, problems);
    const auto server = configuration.read<sample::ServerSettings>("server", problems);
    const auto lock = configuration.read<sample::LockSettings>("module.lock", problems);
    const auto resp = configuration.read<sample::RespSettings>("module.resp", problems);
    REQUIRE(problems.text() == "");
    CHECK(server.process_events == 1000);
    CHECK(server.poll_interval == 20ms);
    CHECK(lock.limits.per_key == 500);
    CHECK(lock.limits.total == 20'000);
    CHECK(lock.semaphores ==
          std::map<std::string, int>{{"db.*", 1}, {"db.main", 4}, {"db.other", 2}});
    CHECK(resp.listen == "127.0.0.1:7000");
    CHECK(resp.idle_timeout == 300s);
}

TEST_CASE("the documentation's example of mistakes has these mistakes", "[documentation]") {
    const InExamples folder;
    Problems problems;
    Sources sources;
    sources.files = {"wrong.json"};
    const Configuration configuration = Configuration::load(sources, problems);
    sample::catalogue().check(configuration, problems);
    testing::check_approved("example_wrong", problems.text());
}

}  // namespace weir::config
