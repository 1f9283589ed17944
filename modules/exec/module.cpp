// The plugin `exec`: functions that run commands which the configuration names.

#include "modules/system/module/module.h"

#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "config/settings/name_in.h"
#include "core/system/run_program.h"
#include "core/wait/send.h"
#include "core/wait/slots.h"
#include "modules/exec/settings.h"
#include "modules/exec/streaming.h"
#include "modules/system/call/parse_value.h"
#include "modules/system/call/require_named.h"
#include "modules/system/event/describe_event.h"
#include "modules/system/module/app_check.h"
#include "modules/system/module/plugin.h"

namespace weir::exec {
namespace {

config::NameIn name_of_command() {
    return {"command", "commands"};
}

// A command has written a line.
struct Line : Event {
    Index<std::string> command;
    std::string tag;
    config::Value line;
    bool of_errors = false;

    static auto declare() {
        return portable_event<Line>(
            "exec.Line", "A command has written a line",
            member("command", &Line::command, "Its name").check(name_of_command()),
            member("tag", &Line::tag, "What the call has given"),
            member("line", &Line::line, "The line: a text, or JSON if the command writes that"),
            member("of_errors", &Line::of_errors, "Whether it was written to standard error"));
    }
};

struct RunParameters {
    std::string command;
    std::vector<std::string> arguments;
    std::string input;
    std::string tag;
    bool must_succeed = true;

    static config::Settings<RunParameters> describe() {
        using config::setting;
        using S = RunParameters;
        return config::settings<S>(
            "Runs a command to its end",
            setting("command", &S::command, "Its name in the configuration")
                .check(name_of_command())
                .required(),
            setting("arguments", &S::arguments, "Further arguments, if the command takes some")
                .check(config::AllowedBy{"command", "commands", "arguments"}),
            setting("input", &S::input, "What it reads from its standard input"),
            setting("tag", &S::tag, "What its events exec.Line have, to tell runs apart"),
            setting("must_succeed", &S::must_succeed,
                    "Whether the call fails, with the code `command_failed`, unless the command "
                    "ends in time with exit code 0"));
    }
};

struct RunReport {
    int code = 0;
    int signal = 0;
    std::string output;
    std::string errors;
    bool timed_out = false;
    bool cut = false;
    double seconds = 0;

    static config::Settings<RunReport> describe() {
        using config::setting;
        using S = RunReport;
        return config::settings<S>(
            "How a command has run", setting("code", &S::code, "Its exit code"),
            setting("signal", &S::signal, "The signal that has ended it; 0: none"),
            setting("output", &S::output, "What it has written to its standard output"),
            setting("errors", &S::errors, "What it has written to its standard error"),
            setting("timed_out", &S::timed_out, "Whether it was stopped when its time was over"),
            setting("cut", &S::cut, "Whether it has written more than is kept"),
            setting("seconds", &S::seconds, "How long it has run"));
    }
};

struct CommandInfo {
    std::string name;
    std::string description;
    std::uint64_t runs = 0;
    std::uint64_t failed = 0;
    std::size_t running = 0;
    std::size_t waiting = 0;

    static config::Settings<CommandInfo> describe() {
        using config::setting;
        using S = CommandInfo;
        return config::settings<S>(
            "A command", setting("name", &S::name, "Its name"),
            setting("description", &S::description, "What it is for"),
            setting("runs", &S::runs, "Runs that have ended, failed ones too"),
            setting("failed", &S::failed, "Runs that have not ended in time with exit code 0"),
            setting("running", &S::running, "Runs now"),
            setting("waiting", &S::waiting, "Calls that wait for a run"));
    }
};

// The end of a text, for a message: what a program says last tells most.
std::string last_line(const std::string& text) {
    const std::size_t end = text.find_last_not_of('\n');
    if (end == std::string::npos) {
        return "";
    }
    const std::size_t begin = text.rfind('\n', end);
    return text.substr(begin == std::string::npos ? 0 : begin + 1,
                       end - (begin == std::string::npos ? 0 : begin + 1) + 1);
}

class ExecModule final : public ModuleOf<ExecSettings> {
public:
    using ModuleOf::ModuleOf;

    static auto declare() {
        return declare_module<ExecModule>("exec", "Runs commands that the configuration names")
            .event<Line>()
            .checks(&ExecModule::check)
            .function("run", &ExecModule::run)
            .function("list", "Lists the commands, with what runs", &ExecModule::list)
            .counter("runs", "Commands that have ended",
                     &ExecModule::add_by_command<&CommandInfo::runs>)
            .counter("failed", "Commands that have not ended in time with exit code 0",
                     &ExecModule::add_by_command<&CommandInfo::failed>)
            .gauge("running", "Commands that run now",
                   &ExecModule::add_by_command<&CommandInfo::running>)
            .gauge("waiting", "Calls that wait for a run",
                   &ExecModule::add_by_command<&CommandInfo::waiting>)
            .reads({"list"});
    }

    Task<> load() override {
        use_settings();
        co_return;
    }

    using ModuleOf::settings_changed;
    void settings_changed(const ExecSettings&) override { use_settings(); }

private:
    // A command as it was when a call began: later settings do not change it.
    struct Command {
        Command(Scheduler& scheduler, CommandSettings given)
            : settings(std::move(given)),
              line(command_line(settings)),
              slots(scheduler, settings.at_once) {}

        const CommandSettings settings;
        const std::vector<std::string> line;
        Slots slots;
        CommandInfo info;
    };
    using Commands = std::map<std::string, std::shared_ptr<Command>>;

    class Running {
    public:
        explicit Running(Command& command) noexcept : command_(command) { ++command_.info.running; }
        Running(const Running&) = delete;
        Running& operator=(const Running&) = delete;
        ~Running() { --command_.info.running; }

    private:
        Command& command_;
    };

    // Returns the file of the program; "" if that depends on where, and with which PATH, the server
    // is started.
    static std::string known_file(const CommandSettings& command) {
        const std::string& program = command.command.front();
        if (program.starts_with('/')) {
            return program;
        }
        const bool is_in_folder = program.find('/') != std::string::npos;
        return is_in_folder && command.folder.starts_with('/') ? command.folder + '/' + program
                                                               : "";
    }

    static void check(const AppCheck& app) {
        const auto settings = app.settings<ExecSettings>();
        for (const auto& [command_name, command] : settings.commands) {
            config::Path path = app.section() / "commands";
            path.push(command_name);
            try {
                command_line(command);
            } catch (const std::invalid_argument& error) {
                app.report(path / "user", error.what());
            }
            if (const std::string file = known_file(command); !file.empty()) {
                if (const std::string why = why_not_executable(file); !why.empty()) {
                    app.warn(path / "command", why + ": each run of the command fails");
                }
            }
        }
    }

    // Commands that have not changed keep what waits for them.
    void use_settings() {
        Commands now;
        for (const auto& [command_name, command] : settings().commands) {
            const auto old = commands_.find(command_name);
            const bool same =
                old != commands_.end() &&
                config::description_of<CommandSettings>().equal(&old->second->settings, &command);
            now[command_name] =
                same ? old->second : std::make_shared<Command>(scheduler(), command);
        }
        commands_ = std::move(now);
    }

    std::shared_ptr<Command> find(const std::string& command_name) const {
        return require_named(commands_, "command", command_name)->second;
    }

    Task<RunReport> run(RunParameters parameters) {
        const std::shared_ptr<Command> command = find(parameters.command);
        if (!parameters.arguments.empty() && !command->settings.arguments) {
            throw ApiException(
                ApiError::bad_parameter,
                "arguments: the command '" + parameters.command + "' takes none from callers");
        }
        Slots::Ticket ticket(command->slots);
        Task<> waiting = ticket.granted();
        co_await waiting;
        const Running running(*command);
        const Time began = scheduler().now();
        ProcessOptions options = options_of(*command, std::move(parameters.arguments));
        RunLimits limits;
        limits.time = command->settings.timeout;
        limits.patience = command->settings.patience;
        limits.output = command->settings.output.bytes;
        Task<RunResult> program = run_and_tell(std::move(options), std::move(parameters.input),
                                               limits, teller(parameters, command->settings.lines));
        RunResult result;
        std::string not_run;
        try {
            result = co_await program;
        } catch (const SystemError& error) {
            not_run = error.what();
        }
        if (!not_run.empty()) {
            ++command->info.runs;
            ++command->info.failed;
            throw ApiException("command_failed", "the command '" + parameters.command +
                                                     "' cannot be run: " + not_run);
        }
        const bool success = result.exit.success() && !result.timed_out;
        ++command->info.runs;
        command->info.failed += success ? 0 : 1;
        if (parameters.must_succeed && !success) {
            refuse(parameters.command, *command, result);
        }
        const std::chrono::duration<double> seconds = scheduler().now() - began;
        co_return RunReport{result.exit.code,         result.exit.signal, std::move(result.output),
                            std::move(result.errors), result.timed_out,   result.cut,
                            seconds.count()};
    }

    static OnLine teller(const RunParameters& parameters, Lines form) {
        if (form == Lines::none) {
            return {};
        }
        return [name = parameters.command, tag = parameters.tag, form](std::string line,
                                                                       bool of_errors) {
            return tell(make_event<Line>(name, tag, line_value(line, form), of_errors));
        };
    }

    static Task<> tell(Ref<Event> event) { co_await send(std::move(event)); }

    static config::Value line_value(const std::string& line, Lines form) {
        std::optional<config::Value> json;
        if (form == Lines::json) {
            json = parse_value(line);
        }
        return json ? std::move(*json) : config::Value(line);
    }

    static ProcessOptions options_of(const Command& command, std::vector<std::string> arguments) {
        ProcessOptions options;
        options.command = command.line;
        for (std::string& argument : arguments) {
            options.command.push_back(std::move(argument));
        }
        options.environment = command.settings.environment;
        options.clear_environment = command.settings.clear_environment;
        options.folder = command.settings.folder;
        return options;
    }

    [[noreturn]] static void refuse(const std::string& command_name, const Command& command,
                                    const RunResult& result) {
        std::string message = "the command '" + command_name + "' ";
        message += result.timed_out
                       ? "was stopped after " + config::duration_text(command.settings.timeout)
                       : result.exit.text();
        const std::string last = last_line(result.errors);
        message += last.empty() ? "" : ": " + last;
        throw ApiException("command_failed", std::move(message));
    }

    std::vector<CommandInfo> list() const {
        std::vector<CommandInfo> result;
        for (const auto& [command_name, command] : commands_) {
            CommandInfo info = command->info;
            info.name = command_name;
            info.description = command->settings.description;
            info.waiting = command->slots.waiting();
            result.push_back(std::move(info));
        }
        return result;
    }

    template <auto Member>
    void add_by_command(MetricFamily& values) const {
        for (const CommandInfo& info : list()) {
            values.add(info.*Member, {{"command", info.name}});
        }
    }

    Commands commands_;  // shared with the calls under way
};

}  // namespace
}  // namespace weir::exec

WEIR_PLUGIN(exec, weir::exec::ExecModule)
