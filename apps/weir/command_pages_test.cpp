#include "apps/weir/command_pages.h"

#include <CLI/CLI.hpp>
#include <catch2/catch.hpp>

namespace weir::app {

namespace {

// A program with one command, that has an argument, an option and a flag.
class Program {
public:
    Program() {
        program_.footer("Exits with 0.");
        CLI::App& pour = *program_.add_subcommand("pour", "Pour tea");
        pour.add_option("CUP", cup_, "Into which")->required();
        pour.add_option("--sugar", sugar_, "So many lumps")->capture_default_str();
        pour.add_flag("--milk", milk_, "With milk");
    }

    const CLI::App& program() const { return program_; }
    const CLI::App& command() const { return *program_.get_subcommand("pour"); }

private:
    CLI::App program_{"makes tea", "tea"};
    std::string cup_;
    int sugar_ = 1;
    bool milk_ = false;
};

}  // namespace

TEST_CASE("a manual page says what --help says") {
    const Program tea;
    CHECK(manual_page(tea.program(), "tea 1.0") ==
          ".TH \"tea\" 1 \"\" \"tea 1.0\"\n"
          ".SH NAME\ntea \\- makes tea\n"
          ".SH SYNOPSIS\n.B tea\n[OPTIONS] COMMAND\n"
          ".SH COMMANDS\n.TP\n\\fBpour\\fR\nPour tea\n"
          ".SH OPTIONS\n.TP\n\\fB\\-h,\\-\\-help\\fR\nPrint this help message and exit\n"
          ".SH NOTES\nExits with 0.\n"
          ".SH SEE ALSO\n.BR tea\\-pour (1)\n");
    CHECK(manual_page(tea.command(), "tea 1.0") ==
          ".TH \"tea\\-pour\" 1 \"\" \"tea 1.0\"\n"
          ".SH NAME\ntea\\-pour \\- Pour tea\n"
          ".SH SYNOPSIS\n.B tea pour\n[OPTIONS] CUP\n"
          ".SH ARGUMENTS\n.TP\n\\fBCUP\\fR\nInto which\n"
          ".SH OPTIONS\n.TP\n\\fB\\-h,\\-\\-help\\fR\nPrint this help message and exit\n"
          ".TP\n\\fB\\-\\-sugar\\fR \\fIINT\\fR\nSo many lumps; default: 1\n"
          ".TP\n\\fB\\-\\-milk\\fR\nWith milk\n"
          ".SH NOTES\nExits with 0.\n"
          ".SH SEE ALSO\n.BR tea (1)\n");
}

TEST_CASE("the completion knows all commands and options") {
    const Program tea;
    const std::string text = bash_completion(tea.program());
    CHECK_THAT(text, Catch::Contains("'tea') words='pour --help' ;;\n"));
    CHECK_THAT(text, Catch::Contains("'tea pour') words='--help --sugar --milk' ;;\n"));
    CHECK_THAT(text, Catch::EndsWith("complete -o default -F _tea tea\n"));
}

}  // namespace weir::app
