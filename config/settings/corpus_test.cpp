// The fuzzer's initial inputs and findings: every run of the tests tries them all.

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "config/settings/testdata/fuzz_input.h"
#include "tests/support/approved_text.h"

namespace weir::config {

namespace {

std::vector<std::string> corpus() {
    std::vector<std::string> inputs;
    const std::string folder = WEIR_SOURCE_DIR "/tests/fuzz/config/corpus";
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        inputs.push_back(testing::read_file(entry.path().string()));
    }
    return inputs;
}

}  // namespace

TEST_CASE("the reader survives every input of the corpus", "[fuzz_corpus]") {
    const std::vector<std::string> inputs = corpus();
    CHECK(inputs.size() >= 7);
    for (const std::string& input : inputs) testing::try_input(input);
}

TEST_CASE("the reader survives every part of an input, and inputs with one byte changed",
          "[fuzz_corpus]") {
    std::mt19937 random(1);  // the same bytes in every run
    for (const std::string& input : corpus()) {
        for (std::size_t length = 0; length < input.size(); ++length) {
            testing::try_input(input.substr(0, length));
            std::string changed = input;
            changed[length] = static_cast<char>(random());
            testing::try_input(changed);
        }
    }
}

}  // namespace weir::config
