#include "apps/weir/rehearse_command.h"

#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <optional>

#include "apps/weir/exit_code.h"
#include "apps/weir/output.h"
#include "config/document/document.h"
#include "modules/system/call/api_error.h"
#include "modules/system/server/checked_app.h"

namespace weir::app {

namespace {

// Returns nothing if the file cannot be read.
std::optional<std::string> content_of(const std::string& file) {
    std::ifstream opened;
    if (file != "-") {
        opened.open(file);
    }
    std::istream& stream = file == "-" ? std::cin : opened;
    if (!stream) {
        return std::nullopt;
    }
    std::string content{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    return stream.bad() ? std::nullopt : std::optional(std::move(content));
}

std::optional<config::Value> read_input(const std::string& file, config::Problems& problems) {
    const std::string name = file == "-" ? "(standard input)" : file;
    const auto source = std::make_shared<const config::Source>(config::Source{.name = name});
    const std::optional<std::string> content = content_of(file);
    if (!content) {
        problems.add({source, 0, 0}, {}, "cannot be read");
        return std::nullopt;
    }
    const config::Limits limits;
    config::Allowance allowance(limits);
    return config::read_document(*content, source, allowance, problems);
}

}  // namespace

int run_rehearse_command(const RehearseCommand& command) {
    config::Problems problems;
    AppFiles app = command.app;
    app.files.push_back(command.file);
    config::Configuration configuration = load_configuration(app, problems);
    const CheckedApp checked(std::move(configuration), {}, problems);
    const std::optional<config::Value> input = read_input(command.input, problems);
    if (!problems.empty()) {
        std::fputs(problems.text().c_str(), stderr);
        return wrong_usage;
    }
    try {
        print(checked.rehearse(command.module, *input));
    } catch (const ApiException& exception) {
        std::fprintf(stderr, "weir: %s\n", to_text(exception.error()).c_str());
        return wrong_usage;
    }
    return success;
}

}  // namespace weir::app
