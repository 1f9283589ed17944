#pragma once

#include <cstddef>
#include <cstdlib>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "config/settings/catalogue.h"
#include "config/settings/changes.h"
#include "config/settings/testdata/sample_settings.h"
#include "config/text/utf8.h"

namespace weir::config::testing {

inline void require(bool holds) {
    if (!holds) std::abort();
}

/// Requires that every problem lies within the text and is safe to print.
inline void require_sound(const Problems& problems, std::string_view text) {
    for (const Problem& problem : problems) {
        const std::string line = to_text(problem);
        require(utf8_prefix(line) == line.size());
        require(line.find('\n') == std::string::npos);
        require(!problem.what.empty());
        if (problem.position.source && !problem.position.source->one_line) {
            require(problem.position.line <= text.size() + 1);
            require(problem.position.column <= text.size() + 1);
        }
    }
}

inline void require_positions(const Value& value) {
    require(value.position.source != nullptr);
    if (const auto* list = value.get<Value::List>()) {
        for (const Value& element : *list) require_positions(element);
    } else if (const auto* members = value.get<Value::Object>()) {
        for (const Member& member : *members) require_positions(member.value);
    }
}

/// Runs every function that works on configurations on one input, and aborts if an invariant is
/// violated. The first line of the input contains values for --set, separated by spaces; the rest
/// is a file.
inline void try_input(std::string_view input) {
    const std::size_t end = input.find('\n');
    std::istringstream sets{std::string(input.substr(0, end))};
    const std::string text(end == input.npos ? "" : input.substr(end + 1));

    Sources sources;
    sources.files = {{"fuzz.json", text}};
    for (std::string set; sets >> set;) sources.sets.push_back(set);
    sources.environment = {{"TEXT", "text"}, {"N", "5"}, {"LIST", "[1, {\"a\": null}]"}, {"E", ""}};
    sources.limits.values = 10'000;
    sources.limits.all_text_bytes = 1'000'000;

    Problems problems;
    const Configuration configuration = Configuration::load(sources, problems);
    const bool syntax_is_right = problems.empty();
    static const Catalogue catalogue = sample::catalogue();
    catalogue.check(configuration, problems);
    require_sound(problems, text);

    Problems again;
    catalogue.check(configuration, again);
    const auto lock = configuration.read<sample::LockSettings>("module.lock", again);
    const auto server = configuration.read<sample::ServerSettings>("server", again);
    require(syntax_is_right || !problems.empty());
    changes(sample::LockSettings(), lock);
    changes(sample::ServerSettings(), server);
    require(changes(lock, lock).empty());

    const std::optional<Value> all = configuration.value("");
    if (all && sources.sets.empty()) require_positions(*all);
    configuration.position("server.queues[0].event");
    configuration.names("module");

    // A value that is valid as written can be written again and stays the same.
    if (!all || !problems.empty() || !sources.sets.empty() || text.find('$') != text.npos) return;
    Sources written;
    written.files = {{"again.json", to_json(*all)}};
    Problems none;
    const Configuration second = Configuration::load(written, none);
    catalogue.check(second, none);
    require(none.empty());
    require(*second.value("") == *all);
}

}  // namespace weir::config::testing
