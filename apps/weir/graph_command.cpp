#include "apps/weir/graph_command.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "apps/weir/exit_code.h"
#include "apps/weir/output.h"
#include "modules/system/server/checked_app.h"

namespace weir::app {

namespace {

// A text within quotes: Mermaid has entities for what it would take for its own.
std::string label(const std::string& text) {
    std::string result = "\"";
    for (const char character : text) {
        switch (character) {
            case '"':
                result += "#quot;";
                break;
            case '#':
                result += "#35;";
                break;
            case '<':
                result += "#lt;";
                break;
            case '>':
                result += "#gt;";
                break;
            default:
                result += character;
        }
    }
    return result + "\"";
}

std::string shape(const Flow::End& end) {
    switch (end.kind) {
        case Flow::Kind::event:
            return "([" + label(end.name) + "])";
        case Flow::Kind::function:
            return "[[" + label(end.name) + "]]";
        case Flow::Kind::thing:
            break;
    }
    return "[" + label(end.name) + "]";
}

}  // namespace

std::string mermaid(const std::vector<Flow>& flows) {
    std::vector<Flow::End> ends;
    const auto node = [&ends](const Flow::End& end) {
        const auto found = std::ranges::find(ends, end);
        const auto position = found - ends.begin();
        if (found == ends.end()) {
            ends.push_back(end);
        }
        return "n" + std::to_string(position);
    };
    std::vector<std::string> arrows;
    std::set<std::string> known;
    for (const Flow& flow : flows) {
        const std::string from = node(flow.from);
        const std::string to = node(flow.to);
        const std::string arrow =
            from + (flow.label.empty() ? " --> " : " -->|" + label(flow.label) + "| ") + to;
        if (known.insert(arrow).second) {
            arrows.push_back(arrow);
        }
    }
    std::string text = "flowchart LR\n";
    for (std::size_t i = 0; i != ends.size(); ++i) {
        text += "    n" + std::to_string(i) + shape(ends[i]) + "\n";
    }
    for (const std::string& arrow : arrows) {
        text += "    " + arrow + "\n";
    }
    return text;
}

int run_graph_command(const AppFiles& app) {
    config::Problems problems;
    config::Configuration configuration = load_configuration(app, problems);
    const CheckedApp checked(std::move(configuration), {}, problems);
    if (!problems.empty()) {
        std::fputs(problems.text().c_str(), stderr);
        return wrong_usage;
    }
    print(mermaid(checked.flows()));
    return success;
}

}  // namespace weir::app
