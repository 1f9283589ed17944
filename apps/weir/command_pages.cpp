#include "apps/weir/command_pages.h"

#include <string_view>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>

#include "apps/weir/output.h"

namespace weir::app {

namespace {

std::vector<const CLI::App*> commands_of(const CLI::App& command) {
    return command.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); });
}

// "weir call" for separator ' '.
std::string full_name(const CLI::App& command, char separator) {
    const CLI::App* parent = command.get_parent();
    return parent == nullptr ? command.get_name()
                             : full_name(*parent, separator) + separator + command.get_name();
}

// Returns the text with the characters escaped that mean something to man(1).
std::string escaped(const std::string& text) {
    std::string result;
    bool line_begins = true;
    for (const char c : text) {
        if (line_begins && (c == '.' || c == '\'')) {
            result += "\\&";
        }
        if (c == '\\') {
            result += "\\e";
        } else if (c == '-') {
            result += "\\-";
        } else {
            result += c;
        }
        line_begins = c == '\n';
    }
    return result;
}

// Returns the text with each `word` replaced. (std::regex does that too, and takes long to
// compile.)
std::string replaced(std::string text, std::string_view word, std::string_view by) {
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at += by.size()) {
        text.replace(at, word.size(), by);
    }
    return text;
}

// Returns the name of an option's value, without its limits; "" for a flag.
std::string value_name(const CLI::Option& option) {
    if (option.get_type_size_max() == 0) {
        return {};
    }
    const std::string type = option.get_type_name();
    return type.substr(0, type.find(':'));
}

std::string synopsis(const CLI::App& command) {
    std::string text = ".B " + escaped(full_name(command, ' ')) + "\n[OPTIONS]";
    for (const CLI::Option* option : command.get_options()) {
        if (option->get_positional()) {
            const std::string name =
                option->get_name(true) + (option->get_expected_max() > 1 ? "..." : "");
            text += option->get_required() ? " " + escaped(name) : " [" + escaped(name) + "]";
        }
    }
    if (!commands_of(command).empty()) {
        text += " COMMAND";
    }
    return text + "\n";
}

std::string item(const std::string& name, const std::string& value, const std::string& meaning) {
    return ".TP\n\\fB" + escaped(name) + "\\fR" +
           (value.empty() ? "" : " \\fI" + escaped(value) + "\\fR") + "\n" + escaped(meaning) +
           "\n";
}

std::string options(const CLI::App& command) {
    std::string arguments;
    std::string options;
    for (const CLI::Option* option : command.get_options()) {
        if (option->get_positional()) {
            arguments += item(option->get_name(true), "", option->get_description());
            continue;
        }
        std::string meaning = option->get_description();
        if (!option->get_default_str().empty()) {
            meaning += "; default: " + option->get_default_str();
        }
        if (!option->get_envname().empty()) {
            meaning += "; or from the environment, " + option->get_envname();
        }
        options += item(option->get_name(false, true), value_name(*option), meaning);
    }
    return (arguments.empty() ? "" : ".SH ARGUMENTS\n" + arguments) + ".SH OPTIONS\n" + options;
}

// Returns all words that may follow a command.
std::string words(const CLI::App& command) {
    std::string result;
    for (const CLI::App* sub : commands_of(command)) {
        result += sub->get_name() + " ";
    }
    for (const CLI::Option* option : command.get_options()) {
        for (const std::string& name : option->get_lnames()) {
            result += "--" + name + " ";
        }
    }
    return result.empty() ? result : result.substr(0, result.size() - 1);
}

void add_cases(const CLI::App& command, std::string& cases) {
    cases += "        '" + full_name(command, ' ') + "') words='" + words(command) + "' ;;\n";
    for (const CLI::App* sub : commands_of(command)) {
        add_cases(*sub, cases);
    }
}

void write_pages(const CLI::App& command, const std::string& version,
                 const std::filesystem::path& folder) {
    const std::filesystem::path file = folder / (full_name(command, '-') + ".1");
    OutputFile out(file.string());
    out.stream() << manual_page(command, version);
    out.close();
    for (const CLI::App* sub : commands_of(command)) {
        write_pages(*sub, version, folder);
    }
}

}  // namespace

std::string manual_page(const CLI::App& command, const std::string& version) {
    std::string text = ".TH \"" + escaped(full_name(command, '-')) + "\" 1 \"\" \"" +
                       escaped(version) + "\"\n.SH NAME\n" + escaped(full_name(command, '-')) +
                       " \\- " + escaped(command.get_description()) + "\n.SH SYNOPSIS\n" +
                       synopsis(command);
    const std::vector<const CLI::App*> commands = commands_of(command);
    if (!commands.empty()) {
        text += ".SH COMMANDS\n";
        for (const CLI::App* sub : commands) {
            text += item(sub->get_name(), "", sub->get_description());
        }
    }
    text += options(command);
    if (const std::string footer = command.get_footer(); !footer.empty()) {
        text += ".SH NOTES\n" + escaped(footer) + "\n";
    }
    text += ".SH SEE ALSO\n";
    std::string separator;
    const CLI::App* parent = command.get_parent();
    for (const CLI::App* other : parent == nullptr ? commands : std::vector{parent}) {
        text += separator + ".BR " + escaped(full_name(*other, '-')) + " (1)";
        separator = ",\n";
    }
    return text + "\n";
}

std::string bash_completion(const CLI::App& program) {
    static const std::string text =
        R"bash(# Completion of NAME for bash, written by `NAME completion`.
_NAME() {
    local word=${COMP_WORDS[COMP_CWORD]} command=NAME words='' part
    for part in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        [[ $part == -* ]] || command+=" $part"
    done
    case $command in
CASES    esac
    if [[ $command == 'NAME describe' && $word != -* ]]; then
        words="server $(NAME modules 2>/dev/null | cut -d ' ' -f 1)"
    fi
    COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -F _NAME NAME
)bash";
    std::string cases;
    add_cases(program, cases);
    return replaced(replaced(text, "NAME", program.get_name()), "CASES", cases);
}

void write_manual_pages(const CLI::App& program, const std::string& version,
                        const std::filesystem::path& folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) {
        throw OutputError("cannot make the folder " + folder.string() + ": " + error.message());
    }
    write_pages(program, version, folder);
}

}  // namespace weir::app
