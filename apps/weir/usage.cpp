#include "apps/weir/usage.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>

#include "apps/weir/page.h"
#include "config/text/nearest_name.h"
#include "config/text/quoted.h"

namespace weir::app {

namespace {

class HelpFormat final : public CLI::Formatter {
public:
    HelpFormat() { column_width(name_width); }

    std::string make_option(const CLI::Option* option, bool is_positional) const override {
        return entry(make_option_name(option, is_positional) + make_option_opts(option),
                     make_option_desc(option));
    }
    std::string make_subcommand(const CLI::App* command) const override {
        return entry(command->get_display_name(true), command->get_description());
    }
    std::string make_usage(const CLI::App* command, std::string name) const override {
        return broken_text(Formatter::make_usage(command, std::move(name)), page_width(), 4);
    }
    std::string make_description(const CLI::App* command) const override {
        return broken_text(Formatter::make_description(command), page_width(), 0);
    }
    std::string make_footer(const CLI::App* command) const override {
        return broken_text(Formatter::make_footer(command), page_width(), 0);
    }

private:
    static constexpr std::size_t name_width = 30;

    // The name, and beside it the meaning, or below it where that is not possible.
    static std::string entry(const std::string& name, const std::string& meaning) {
        const std::size_t width = page_width();
        const std::size_t indent = width >= 2 * name_width ? name_width : 4;
        std::string text = "  " + name;
        if (meaning.empty()) {
            return broken_text(text, width, 4) + '\n';
        }
        if (text.size() < indent) {
            text.resize(indent, ' ');
            return broken_text(text + meaning, width, indent) + '\n';
        }
        return broken_text(text, width, 4) + '\n' +
               broken_text(std::string(indent, ' ') + meaning, width, indent) + '\n';
    }
};

std::string number_text(double number) {
    char text[32];
    std::snprintf(text, sizeof text, "%.15g", number);
    return text;
}

// The command that the command line got to.
const CLI::App& reached(const CLI::App& program) {
    const CLI::App* command = &program;
    while (!command->get_subcommands().empty()) {
        command = command->get_subcommands().back();
    }
    return *command;
}

std::string full_name(const CLI::App& command) {
    const CLI::App* parent = command.get_parent();
    return parent == nullptr ? command.get_name() : full_name(*parent) + ' ' + command.get_name();
}

std::vector<std::string> command_names(const CLI::App& command) {
    std::vector<std::string> names;
    for (const CLI::App* sub : command.get_subcommands([](const CLI::App*) { return true; })) {
        names.push_back(sub->get_name());
    }
    return names;
}

std::vector<std::string> option_names(const CLI::App& command) {
    std::vector<std::string> names;
    for (const CLI::Option* option : command.get_options()) {
        for (const std::string& name : option->get_lnames()) {
            names.push_back("--" + name);
        }
    }
    return names;
}

// Commands of other programs, and what does the same here.
struct OtherName {
    std::string_view name;
    std::string_view instead;
};
constexpr std::array<OtherName, 9> other_names{
    {{"reload",
      "SIGHUP makes a server read its files again, as `systemctl reload` sends it; `weir call "
      "ADDRESS manager reload '{\"modules\": [\"NAME\"]}'` replaces modules by new versions"},
     {"load", "`weir call ADDRESS manager load '{\"module\": \"NAME\"}'` loads a module"},
     {"unload", "`weir call ADDRESS manager unload '{\"module\": \"NAME\"}'` unloads a module"},
     {"start", "`weir run FILE` runs an app"},
     {"stop", "SIGTERM ends a server, as `systemctl stop` sends it"},
     {"restart", "`systemctl restart` ends a server, and runs it again"},
     {"status", "`weir inspect ADDRESS` and `weir top ADDRESS` show what a server does"},
     {"validate", "`weir check FILE` reports all mistakes of an app's files"},
     {"init", "`weir new app NAME` makes an app"}}};

// Returns what of weir does what a command of that name would do, as a line; "" if it is not known.
std::string instead_of(std::string_view word) {
    const auto found = std::ranges::find(other_names, word, &OtherName::name);
    return found == other_names.end() ? "" : "\n" + std::string(found->instead) + '.';
}

// The first word that the command does not know; "" if there is none.
std::string unknown_word(const CLI::App& command) {
    const std::vector<std::string> names = command_names(command);
    for (const std::string& word : command.remaining(true)) {
        if (word.starts_with('-') && word != "-" && word != "--") {
            return config::unknown_name("option", word.substr(0, word.find('=')),
                                        option_names(command));
        }
        if (!names.empty()) {
            const std::string instead =
                command.get_parent() == nullptr ? instead_of(word) : std::string();
            return instead.empty() ? config::unknown_name("command", word, names)
                                   : "unknown command '" + std::string(word) + "'" + instead;
        }
    }
    return {};
}

}  // namespace

std::shared_ptr<CLI::FormatterBase> help_format() {
    return std::make_shared<HelpFormat>();
}

CLI::Validator number_between(double least, double most) {
    return CLI::Validator(
        [=](std::string& text) -> std::string {
            double number = 0;
            const char* const end = text.data() + text.size();
            const auto [stop, error] = std::from_chars(text.data(), end, number);
            if (error == std::errc() && stop == end && std::isfinite(number) &&
                !std::signbit(number) && number >= least && number <= most) {
                return {};
            }
            return config::in_quotes(text) + " is not a number from " + number_text(least) +
                   " to " + number_text(most);
        },
        "");
}

CLI::Validator whole_number_between(std::uint64_t least, std::uint64_t most) {
    return CLI::Validator(
        [=](std::string& text) -> std::string {
            std::uint64_t number = 0;
            const char* const end = text.data() + text.size();
            const auto [stop, error] = std::from_chars(text.data(), end, number);
            if (error == std::errc() && stop == end && number >= least && number <= most) {
                return {};
            }
            return config::in_quotes(text) + " is not a whole number from " +
                   std::to_string(least) + " to " + std::to_string(most);
        },
        "");
}

CLI::Validator existing_folder() {
    return CLI::Validator(
        [](std::string& path) -> std::string {
            std::error_code error;
            if (std::filesystem::is_directory(path, error)) {
                return {};
            }
            return config::in_quotes(path) + (error ? ": " + error.message() : " is no folder");
        },
        "");
}

std::string usage_mistake(const CLI::App& program, const CLI::Error& error) {
    const CLI::App& command = reached(program);
    const std::string unknown = unknown_word(command);
    const std::string name = full_name(command);
    return name + ": " + (unknown.empty() ? config::printable(error.what(), 1000) : unknown) +
           "\nSee `" + name + " --help`.\n";
}

}  // namespace weir::app
