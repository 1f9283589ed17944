#include "modules/exec/settings.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <stdexcept>

#include <pwd.h>
#include <unistd.h>

#include "config/text/quoted.h"

namespace weir::exec {

using config::setting;
using config::settings;
using std::chrono::hours;
using std::chrono::milliseconds;

config::Settings<CommandSettings> CommandSettings::describe() {
    using S = CommandSettings;
    return settings<S>(
        "A command that may be run", setting("description", &S::description, "What it is for"),
        setting("command", &S::command,
                "The program and its arguments; no shell reads them, unless the program is one. A "
                "program without / is looked for in the PATH of the server; one that begins with "
                "./ lies in `folder`")
            .not_empty()
            .required(),
        setting("arguments", &S::arguments,
                "Whether a call may add arguments, which come last; they are texts of the caller"),
        setting("environment", &S::environment,
                "Variables that differ from the server's; null: removed"),
        setting("clear_environment", &S::clear_environment,
                "Whether the command has only these variables"),
        setting("folder", &S::folder, "Its working folder; \"\": the server's"),
        setting("user", &S::user,
                "As which user it runs, if the server runs as root; null: as the server's"),
        setting("timeout", &S::timeout,
                "It is stopped after so long, with all processes that it has started")
            .range(milliseconds(1), hours(24 * 7)),
        setting("patience", &S::patience, "How long it may take to end when it is stopped")
            .at_most(hours(1)),
        setting("output", &S::output,
                "How much of its output, and of its errors, is kept; the rest is dropped")
            .at_most(config::mebibytes(16)),
        setting("memory", &S::memory,
                "How much memory of its own each of its processes may have: asking for more fails "
                "in the process; null: as much as the server may")
            .at_least(config::mebibytes(1)),
        setting("at_once", &S::at_once, "How often it may run at a time; further calls wait")
            .range(1, 1000),
        setting("lines", &S::lines,
                "Whether each line is an event exec.Line as soon as it is written: as text, or as "
                "JSON if it is some"));
}

config::Settings<ExecSettings> ExecSettings::describe() {
    return settings<ExecSettings>(
        "Runs commands that the configuration names",
        setting("commands", &ExecSettings::commands, "The commands, by name"));
}

namespace {

// Returns the program that gives up all that root has and the user has not: setpriv of util-linux.
// Empty if the server runs as that user.
std::vector<std::string> becoming(const std::string& user) {
    std::array<char, 4096> memory{};
    passwd entry{};
    passwd* found = nullptr;
    if (::getpwnam_r(user.c_str(), &entry, memory.data(), memory.size(), &found) != 0 ||
        found == nullptr) {
        throw std::invalid_argument("there is no user " + config::in_quotes(user));
    }
    if (::geteuid() == entry.pw_uid) {
        return {};
    }
    return {"setpriv",
            "--reuid",
            std::to_string(entry.pw_uid),
            "--regid",
            std::to_string(entry.pw_gid),
            "--init-groups",
            "--"};
}

// Returns the program that limits memory: prlimit of util-linux. What counts is data that a process
// does not share; address space would stop programs that reserve much of it and use little.
std::vector<std::string> limiting(config::ByteSize memory) {
    return {"prlimit", "--data=" + std::to_string(memory.bytes), "--"};
}

}  // namespace

// The limit comes first, so that the user cannot raise it.
std::vector<std::string> command_line(const CommandSettings& settings) {
    std::vector<std::string> line;
    if (settings.memory) {
        line = limiting(*settings.memory);
    }
    if (settings.user) {
        std::ranges::move(becoming(*settings.user), std::back_inserter(line));
    }
    line.insert(line.end(), settings.command.begin(), settings.command.end());
    return line;
}

}  // namespace weir::exec
