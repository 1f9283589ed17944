// The program `weir`: runs apps, tells about modules, and talks to running servers.

#include <cstdlib>

#include <CLI/CLI.hpp>

#include "apps/weir/call_command.h"
#include "apps/weir/command_pages.h"
#include "apps/weir/describe_commands.h"
#include "apps/weir/exit_code.h"
#include "apps/weir/inspect_command.h"
#include "apps/weir/lock_command.h"
#include "apps/weir/new_command.h"
#include "apps/weir/run_command.h"
#include "apps/weir/top_command.h"
#include "apps/weir/top_frame.h"
#include "apps/weir/trace_command.h"

namespace weir::app {

namespace {

constexpr const char* version = WEIR_VERSION;

void add_plugins(CLI::App& command, std::vector<std::string>& folders) {
    command
        .add_option("--plugins", folders,
                    "A folder with plugins, before the program's own; may be given again")
        ->type_name("FOLDER")
        ->allow_extra_args(false);
}

void add_app_options(CLI::App& command, AppFiles& app) {
    command.add_option("FILE", app.files, "JSON files; a later one wins over those before it")
        ->required();
    command
        .add_option("--set", app.sets,
                    "A setting over all files, as server.process_events=100; may be given again")
        ->type_name("PATH=VALUE")
        ->allow_extra_args(false);
    add_plugins(command, app.plugins);
}

void add_run(CLI::App& program, AppFiles& app, int& code) {
    CLI::App& run = *program.add_subcommand("run", "Run an app");
    add_app_options(run, app);
    run.footer(
        "SIGINT and SIGTERM end it in order, a second one at once; SIGHUP reads the files\n"
        "again, applies what changed, and opens the file of the log anew.");
    run.callback([&] { code = run_app(app); });
    CLI::App& check = *program.add_subcommand("check", "Report all mistakes of an app's files");
    add_app_options(check, app);
    check.callback([&] { code = check_app(app); });
}

void add_describe(CLI::App& program, std::vector<std::string>& plugins, std::string& module,
                  int& code) {
    const auto add = [&](const char* name, const char* what) -> CLI::App& {
        CLI::App& command = *program.add_subcommand(name, what);
        add_plugins(command, plugins);
        return command;
    };
    add("modules", "List the installed modules").callback([&] { code = list_modules(plugins); });
    CLI::App& describe =
        add("describe", "Show the settings, functions, events, queues and needs of a module");
    describe.add_option("MODULE", module, "Its name, or 'server'")->required();
    describe.callback([&] { code = describe_module(module, plugins); });
    add("schema", "Print the JSON Schema of an app file, for editors").callback([&] {
        code = print_schema(plugins);
    });
}

void add_new(CLI::App& program, std::string& name, int& code) {
    CLI::App& command = *program.add_subcommand(
        "new", "Make a folder with a module, or an app, that builds and is tested");
    command.require_subcommand(1);
    for (const std::string kind : {"module", "app"}) {
        CLI::App& made = *command.add_subcommand(
            kind, kind == "app" ? "An app file and a module of its own" : "A module");
        made.add_option("NAME", name, "Of the module, and of the folder that is made here")
            ->required();
        made.callback([&, kind] { code = make_new(kind, name, "", own_templates()); });
    }
}

// For packaging, and people with another prefix.
void add_pages(CLI::App& program, std::string& folder, int& code) {
    CLI::App& completion = *program.add_subcommand(
        "completion", "Print the completion for bash: source <(weir completion)");
    completion.callback([&] { std::fputs(bash_completion(program).c_str(), stdout); });
    CLI::App& manual = *program.add_subcommand("manual", "Write the manual pages of all commands");
    manual.add_option("FOLDER", folder, "Where to write weir.1, weir-run.1, ...")->required();
    manual.callback([&] {
        write_manual_pages(program, std::string("weir ") + version, folder);
        code = success;
    });
}

struct Call {
    std::string address, module, function, parameters = "{}";
};

void add_call(CLI::App& program, Call& call, int& code) {
    CLI::App& command =
        *program.add_subcommand("call", "Call a function of a module of a running server");
    command.add_option("ADDRESS", call.address, "host:port, or unix:/path")->required();
    command.add_option("MODULE", call.module)->required();
    command.add_option("FUNCTION", call.function, "'discover' lists them")->required();
    command.add_option("JSON", call.parameters, "The parameters, an object");
    command.footer("The password, if the server has one, is taken from WEIR_PASSWORD.");
    command.callback([&] {
        code = run_call_command(call.address, call.module, call.function, call.parameters);
    });
}

struct Inspect {
    std::string address;
    bool json = false;
};

void add_inspect(CLI::App& program, Inspect& inspect, int& code) {
    CLI::App& command = *program.add_subcommand(
        "inspect", "Show what a running server does, and what waits for what");
    command.add_option("ADDRESS", inspect.address, "host:port, or unix:/path")->required();
    command.add_flag("--json", inspect.json, "All of it as JSON");
    command.footer(
        "Shown are modules with those that they depend on, queues with sizes and limits and who\n"
        "waits for a place, routines with what each waits for, blocked events and locks. The\n"
        "server needs the modules resp and manager. The password, if it has one, is taken from\n"
        "WEIR_PASSWORD.");
    command.callback([&] { code = run_inspect_command(inspect.address, inspect.json); });
}

void add_top(CLI::App& program, TopCommand& top, int& code) {
    CLI::App& command = *program.add_subcommand(
        "top", "Show what a running server does, live, with rates of events and locks");
    command.add_option("ADDRESS", top.address, "host:port, or unix:/path")->required();
    command.add_option("--view", top.view, "modules, queues, routines or locks")
        ->check(
            CLI::IsMember(std::vector<std::string>(top_view_names.begin(), top_view_names.end()))
                .description(""))
        ->type_name("VIEW")
        ->capture_default_str();
    command.add_option("--interval", top.interval, "Seconds between two looks")
        ->check(CLI::Range(0.1, 3600.0).description(""))
        ->capture_default_str();
    CLI::Option* batch =
        command.add_flag("--batch", top.batch, "Print frames; no terminal is needed");
    command.add_option("-n", top.count, "How many frames to print, then end")
        ->type_name("COUNT")
        ->needs(batch);
    command.footer(
        "Keys: q quits; m, u, r, l, or Tab, turn to modules, queues, routines, locks; < and >\n"
        "choose the column to sort by, R reverses it; arrows, page up and down, home and end\n"
        "scroll. EVENTS/S are those that left a queue, with all below it. When the server goes\n"
        "away it is tried again; with --batch that ends it. The server needs the modules resp and\n"
        "manager. The password, if it has one, is taken from WEIR_PASSWORD.");
    command.callback([&] { code = run_top_command(top); });
}

void add_trace(CLI::App& program, TraceCommand& trace, int& code) {
    CLI::App& command = *program.add_subcommand(
        "trace", "Record what a running server does, for Perfetto or chrome://tracing");
    command.add_option("ADDRESS", trace.address, "host:port, or unix:/path")->required();
    command.add_option("--seconds", trace.seconds, "How long to record")
        ->check(CLI::Range(0.001, 3600.0).description(""))
        ->capture_default_str();
    command.add_option("-o,--output", trace.output, "The file to write; -: standard output")
        ->type_name("FILE")
        ->capture_default_str();
    command.add_option("--records", trace.records, "How many to keep; others are counted")
        ->check(CLI::Range(1, 10'000'000).description(""))
        ->capture_default_str();
    command.footer(
        "The trace has a line for each routine, with the times in which it ran and for which\n"
        "event, and one for each queue, with the events that came and left and how many there\n"
        "are. The server keeps 40 bytes for a record, 3 or more for an event; one recording is\n"
        "possible at a time. Ctrl-C ends it early; what there is then is written. The server\n"
        "needs the modules resp and manager. The password, if it has one, is taken from\n"
        "WEIR_PASSWORD.");
    command.callback([&] { code = run_trace_command(trace); });
}

void add_lock(CLI::App& program, LockCommand& lock, int& code) {
    CLI::App& command =
        *program.add_subcommand("lock", "Run a command while holding a lock of a lockd");
    command.add_option("KEY", lock.key, "What to lock")->required();
    command.add_option("--server", lock.server, "host:port, or unix:/path")
        ->envname("WEIR_SERVER")
        ->capture_default_str();
    command.add_option("--context", lock.context, "Keys of different contexts are different");
    command.add_option("--timeout", lock.timeout, "Give up after so many seconds")
        ->check(CLI::NonNegativeNumber);
    command.add_option("--semaphore", lock.semaphore, "So many may hold it at a time")
        ->check(CLI::PositiveNumber);
    command.add_flag("--only-warn", lock.only_warn, "If the lock is lost, let the command go on");
    command.add_option("COMMAND", lock.command, "What to run; put -- before it")->required();
    command.footer(
        "The command finds the fencing token of the lock, a number that only grows, in\n"
        "WEIR_LOCK_TOKEN. Signals are passed on to it. Exits with what the command exits with, or\n"
        "124: not free in time, 125: no lock, or it was lost, 126: cannot be run, 127: not found,\n"
        "128 + n: ended by signal n. The password, if the server has one, is taken from\n"
        "WEIR_PASSWORD.");
    command.callback([&] {
        if (const char* password = std::getenv("WEIR_PASSWORD")) {
            lock.password = password;
        }
        code = run_lock_command(lock);
    });
}

}  // namespace

}  // namespace weir::app

int main(int argc, char** argv) {
    using namespace weir::app;
    CLI::App program("weir: events, queues, locks and modules", "weir");
    program.set_version_flag("--version", std::string("weir ") + version);
    program.require_subcommand(1);
    program.footer("Exits with 0: done, 1: failed, 2: wrong usage or configuration.");
    int code = success;
    AppFiles app;
    std::string module;
    Call call;
    Inspect inspect;
    TopCommand top;
    TraceCommand trace;
    LockCommand lock;
    add_run(program, app, code);
    add_describe(program, app.plugins, module, code);
    add_new(program, module, code);
    add_call(program, call, code);
    add_inspect(program, inspect, code);
    add_top(program, top, code);
    add_trace(program, trace, code);
    add_lock(program, lock, code);
    add_pages(program, module, code);
    try {
        program.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        const int shown = program.exit(error);
        return shown == 0 ? success : wrong_usage;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "weir: %s\n", error.what());
        return failure;
    }
    return code;
}
