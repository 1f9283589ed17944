#include "apps/weir/command_line.h"

#include <algorithm>
#include <cstdio>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "apps/weir/call_command.h"
#include "apps/weir/command_pages.h"
#include "apps/weir/config_command.h"
#include "apps/weir/describe_commands.h"
#include "apps/weir/event_commands.h"
#include "apps/weir/exit_code.h"
#include "apps/weir/graph_command.h"
#include "apps/weir/inspect_command.h"
#include "apps/weir/lock_command.h"
#include "apps/weir/metrics_command.h"
#include "apps/weir/new_command.h"
#include "apps/weir/output.h"
#include "apps/weir/password_command.h"
#include "apps/weir/rehearse_command.h"
#include "apps/weir/run_command.h"
#include "apps/weir/top_command.h"
#include "apps/weir/top_frame.h"
#include "apps/weir/trace_command.h"
#include "apps/weir/usage.h"

namespace weir::app {

namespace {

constexpr const char* program_version = WEIR_VERSION;

void add_plugins(CLI::App& command, std::vector<std::string>& folders) {
    command
        .add_option("--plugins", folders,
                    "A folder with plugins, before the program's own; may be given again")
        ->check(existing_folder())
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
        "SIGINT and SIGTERM end it in order, a second one at once; SIGHUP reads the files again, "
        "applies what changed, and opens the file of the log anew.");
    run.callback([&] { code = run_app(app); });
    CLI::App& check = *program.add_subcommand("check", "Report all mistakes of an app's files");
    add_app_options(check, app);
    check.callback([&] { code = check_app(app); });
    CLI::App& graph = *program.add_subcommand(
        "graph", "Print a picture of an app's events, rules and functions, for Mermaid");
    add_app_options(graph, app);
    graph.callback([&] { code = run_graph_command(app); });
}

void add_rules(CLI::App& program, RehearseCommand& rehearse, int& code) {
    CLI::App& rules = *program.add_subcommand("rules", "Try the rules of an app");
    rules.require_subcommand(1);
    CLI::App& test = *rules.add_subcommand(
        "test", "Say which rules an event would let run, and what they would do");
    test.add_option("FILE", rehearse.file, "The JSON file of the app")->required();
    test.add_option("EVENT", rehearse.input,
                    "A file with {\"type\": ..., \"event\": ...}, as weir watch prints it; -: "
                    "standard input")
        ->required();
    test.add_option("--set", rehearse.app.sets, "A setting over the file; may be given again")
        ->type_name("PATH=VALUE")
        ->allow_extra_args(false);
    add_plugins(test, rehearse.app.plugins);
    test.footer("Does nothing of it, and starts nothing.");
    test.callback([&] { code = run_rehearse_command(rehearse); });
}

void add_config(CLI::App& program, ConfigCommand& config, int& code) {
    CLI::App& command = *program.add_subcommand(
        "config", "Show the settings that an app runs with, and where each comes from");
    add_app_options(command, config.app);
    command.add_flag("--given", config.given, "Leave out what has its default");
    command.add_flag("--json", config.json, "Print a list of JSON");
    command.footer(
        "The value of a secret is not shown; of a variable of the environment the name is.");
    command.callback([&] { code = run_config_command(config); });
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

void add_new(CLI::App& program, std::string& name, std::string& app, int& code) {
    CLI::App& command = *program.add_subcommand(
        "new", "Make a folder with a module, or an app, that builds and is tested");
    command.require_subcommand(1);
    for (const std::string kind : {"module", "app"}) {
        CLI::App& made = *command.add_subcommand(
            kind, kind == "app" ? "An app file and a module of its own" : "A module");
        made.add_option("NAME", name, "Of the module, and of the folder that is made here")
            ->required();
        made.callback([&, kind] {
            code = app.empty() ? make_new(kind, name, "", own_templates())
                               : make_like(app, name, "", own_apps());
        });
        if (kind == "app") {
            made.add_option(
                "--from", app,
                "Only an app file, and the scripts that it runs, copied from this app of "
                "weir: cron, gate, ...");
        }
    }
}

bool has_command(const CLI::App& program, const std::string& name) {
    return !program.get_subcommands([&](const CLI::App* sub) { return sub->get_name() == name; })
                .empty();
}

// `weir help COMMAND` is read as `weir COMMAND --help`. Returns the arguments as parse() takes
// them, the last one first.
std::vector<std::string> arguments_of(const CLI::App& program, int argc, char** argv) {
    std::vector<std::string> arguments(argv + 1, argv + argc);
    if (!arguments.empty() && arguments.front() == "help" &&
        (arguments.size() == 1 || !arguments[1].starts_with('-'))) {
        arguments.erase(arguments.begin());
        // What is no command is a mistake, for which --help would be an excuse.
        if (arguments.empty() || has_command(program, arguments.front())) {
            arguments.emplace_back("--help");
        }
    }
    std::ranges::reverse(arguments);
    return arguments;
}

// For listings, completion and its own help; arguments_of() does the rest.
void add_help(CLI::App& program, std::vector<std::string>& words) {
    program.add_subcommand("help", "Show the help of a command, or of weir")
        ->add_option("COMMAND", words, "The command: run, rules test, ...");
}

// For packaging, and people with another prefix.
void add_pages(CLI::App& program, std::string& folder, int& code) {
    CLI::App& completion = *program.add_subcommand(
        "completion", "Print the completion for bash: source <(weir completion)");
    completion.callback([&] { print(bash_completion(program)); });
    CLI::App& manual = *program.add_subcommand("manual", "Write the manual pages of all commands");
    manual.add_option("FOLDER", folder, "Where to write weir.1, weir-run.1, ...")->required();
    manual.callback([&] {
        write_manual_pages(program, std::string("weir ") + program_version, folder);
        code = success;
    });
}

// Ten years, which is also the longest timeout that a lockd takes.
constexpr double longest_time = 10 * 365 * 86400;
constexpr double shortest_limit = 0.001;

constexpr const char* password_sentence =
    "A password is taken from the environment variable WEIR_PASSWORD. At a port of this machine, "
    "the user who runs the server needs none.";

// Counts of a type that options are converted to.
template <class T>
CLI::Validator count_from(T least, T most = std::numeric_limits<T>::max()) {
    return whole_number_between(least, most);
}

void add_server_timeout(CLI::App& command, const char* name, double& seconds) {
    command.add_option(name, seconds, "Seconds that connecting, and each answer, may take")
        ->check(number_between(shortest_limit, longest_time))
        ->type_name("SECONDS")
        ->capture_default_str();
}

void add_credentials(CLI::App& command, Credentials& credentials) {
    command.add_option("--user", credentials.user, "Who logs in at the server")
        ->envname("WEIR_USER")
        ->type_name("NAME");
    command
        .add_option("--password-file", credentials.password_file,
                    "A file whose first line is the password")
        ->type_name("FILE");
}

void add_tls_files(CLI::App& command, TlsFiles& files) {
    const auto add = [&](const char* name, std::string& file, const char* what,
                         const char* variable) {
        return command.add_option(name, file, what)->envname(variable)->type_name("FILE");
    };
    add("--ca", files.authorities,
        "tls://: the authorities that sign the server's certificate; without it those of the "
        "system",
        "WEIR_CA");
    CLI::Option* certificate =
        add("--cert", files.certificate, "tls://: the certificate that is shown to the server",
            "WEIR_CERT");
    add("--key", files.key, "The key of --cert, if it is in another file", "WEIR_KEY")
        ->needs(certificate);
}

void add_address(CLI::App& command, RemoteAddress& server) {
    command.add_option("ADDRESS", server.address, "host:port, tls://host:port, or unix:/path")
        ->required();
    add_server_timeout(command, "--timeout", server.timeout);
    add_credentials(command, server.credentials);
    add_tls_files(command, server.tls);
}

void add_call(CLI::App& program, CallCommand& call, int& code) {
    CLI::App& command =
        *program.add_subcommand("call", "Call a function of a module of a running server");
    add_address(command, call.server);
    command.add_option("MODULE", call.module)->required();
    command.add_option("FUNCTION", call.function, "'discover' lists them")->required();
    command.add_option("JSON", call.parameters, "The parameters, an object");
    command.footer(
        std::string("A function that waits, as for a lock, may need a larger --timeout. ") +
        password_sentence);
    command.callback([&] { code = run_call_command(call); });
}

void add_events(CLI::App& program, EventsCommand& events, int& code) {
    CLI::App& command = *program.add_subcommand(
        "events", "List the event types that a running server lets in and out");
    add_address(command, events.server);
    command.add_option("TYPE", events.type, "Only this one");
    command.add_flag("--json", events.json, "Print all that is known of them as JSON");
    command.footer(std::string("The server needs the module resp. ") + password_sentence);
    command.callback([&] { code = run_events_command(events); });
}

void add_send(CLI::App& program, SendCommand& send, int& code) {
    CLI::App& command = *program.add_subcommand("send", "Send an event to a running server");
    add_address(command, send.server);
    command.add_option("TYPE", send.type, "'weir events' lists them")->required();
    command.add_option("JSON", send.json, "Its indices and members, an object");
    command.add_option("--wait", send.wait, "Give up when its queue has no room so long")
        ->check(number_between(0, longest_time))
        ->type_name("SECONDS")
        ->capture_default_str();
    command.footer(std::string("The server needs the module resp. ") + password_sentence);
    command.callback([&] { code = run_send_command(send); });
}

void add_watch(CLI::App& program, WatchCommand& watch, int& code) {
    CLI::App& command = *program.add_subcommand(
        "watch", "Print the events of a type as they pass in a running server");
    add_address(command, watch.server);
    command.add_option("TYPE", watch.type, "'weir events' lists them")->required();
    command.add_option("INDEX=VALUE", watch.filters, "Only events with this value of an index");
    command.add_option("-n", watch.count, "End after so many events")
        ->check(count_from<unsigned>(1))
        ->type_name("COUNT");
    command.footer(
        std::string("Each event is a line of JSON: {\"type\":...,\"event\":{...}}. When the "
                    "output is not read, events are lost, and a line {\"lost\":COUNT} says how "
                    "many. The server needs the module resp. ") +
        password_sentence);
    command.callback([&] { code = run_watch_command(watch); });
}

void add_inspect(CLI::App& program, InspectCommand& inspect, int& code) {
    CLI::App& command = *program.add_subcommand(
        "inspect", "Show what a running server does, and what waits for what");
    add_address(command, inspect.server);
    command.add_flag("--json", inspect.json, "Print JSON, for programs");
    command.add_flag("--all", inspect.all,
                     "List all, and not only the first 1000 of each kind; needs the right "
                     "manager.inspect_all");
    command.add_flag("--events", inspect.events,
                     "Show the first events of each queue, too, and what they say");
    command.footer(std::string("Shows modules with their dependencies, queues with sizes, limits "
                               "and the senders that wait, routines with what each waits for, "
                               "blocked events and locks. The server needs the modules resp and "
                               "manager. ") +
                   password_sentence);
    command.callback([&] { code = run_inspect_command(inspect); });
}

void add_metrics(CLI::App& program, RemoteAddress& server, int& code) {
    CLI::App& command =
        *program.add_subcommand("metrics", "Print the metrics of a running server for Prometheus");
    add_address(command, server);
    command.footer(std::string("Prints them in the text format of Prometheus. The server needs the "
                               "modules resp and manager. ") +
                   password_sentence);
    command.callback([&] { code = run_metrics_command(server); });
}

void add_top(CLI::App& program, TopCommand& top, int& code) {
    CLI::App& command = *program.add_subcommand(
        "top", "Show what a running server does, live, with rates of events and locks");
    add_address(command, top.server);
    command.add_option("--view", top.view, "modules, queues, routines, locks or rules")
        ->check(
            CLI::IsMember(std::vector<std::string>(top_view_names.begin(), top_view_names.end()))
                .description(""))
        ->type_name("VIEW")
        ->capture_default_str();
    command.add_option("--interval", top.interval, "Seconds between two frames")
        ->check(number_between(0.1, 3600))
        ->type_name("SECONDS")
        ->capture_default_str();
    CLI::Option* batch =
        command.add_flag("--batch", top.batch, "Print frames; no terminal is needed");
    command.add_option("-n", top.count, "Print so many frames, then end")
        ->check(count_from<unsigned>(1))
        ->type_name("COUNT")
        ->needs(batch);
    command.footer(
        std::string("Keys: q quits; m, u, r, l, e, or Tab, turn to modules, queues, routines, "
                    "locks, rules; "
                    "< and > choose the column to sort by, R reverses it; arrows, page up and "
                    "down, home and end scroll. EVENTS/S are the events that left a queue and all "
                    "queues below it. When the server does not answer, top connects again; with "
                    "--batch it ends. The server needs the modules resp and manager. ") +
        password_sentence);
    command.callback([&] { code = run_top_command(top); });
}

void add_trace(CLI::App& program, TraceCommand& trace, int& code) {
    CLI::App& command = *program.add_subcommand(
        "trace", "Record what a running server does, for Perfetto or chrome://tracing");
    add_address(command, trace.server);
    command.add_option("--seconds", trace.seconds, "How long to record")
        ->check(number_between(0.001, 3600))
        ->type_name("SECONDS")
        ->capture_default_str();
    command.add_option("-o,--output", trace.output, "The file to write; -: standard output")
        ->type_name("FILE")
        ->capture_default_str();
    command.add_option("--records", trace.records, "How many to keep; the rest are counted")
        ->check(whole_number_between(1, 10'000'000))
        ->type_name("COUNT")
        ->capture_default_str();
    command.footer(
        std::string(
            "The trace has a line for each routine, with the times in which it ran and for "
            "which event, and one for each queue, with the events that came and left and "
            "its size. What an event says is shown to those who may watch events, if it may "
            "leave the server. The server keeps 40 bytes for a record, 3 or more for an "
            "event, and as many bytes again for what events say; it makes one recording at "
            "a time. Ctrl-C ends it early; what was recorded until then is written. The "
            "server needs the modules resp and manager. ") +
        password_sentence);
    command.callback([&] { code = run_trace_command(trace); });
}

void add_lock(CLI::App& program, LockCommand& lock, int& code) {
    CLI::App& command =
        *program.add_subcommand("lock", "Run a command while holding a lock of a lockd");
    command.add_option("KEY", lock.key, "What to lock")->required();
    command.add_option("--server", lock.server, "host:port, tls://host:port, or unix:/path")
        ->envname("WEIR_SERVER")
        ->type_name("ADDRESS")
        ->capture_default_str();
    command.add_option("--context", lock.context, "Keys of different contexts are different");
    command.add_option("--timeout", lock.timeout, "Give up when the lock is not free so long")
        ->check(number_between(0, longest_time))
        ->type_name("SECONDS");
    command.add_option("--semaphore", lock.semaphore, "How many clients may hold it at a time")
        ->check(count_from<unsigned>(1))
        ->type_name("COUNT");
    command
        .add_flag("--read", lock.read,
                  "Hold it together with others that read, and with none that is exclusive")
        ->excludes("--semaphore");
    add_server_timeout(command, "--server-timeout", lock.server_timeout);
    add_credentials(command, lock.credentials);
    add_tls_files(command, lock.tls);
    command
        .add_option("--kill-after", lock.kill_after,
                    "When the lock is lost: seconds from SIGTERM to SIGKILL")
        ->check(number_between(0, longest_time))
        ->type_name("SECONDS")
        ->capture_default_str();
    command.add_flag("--only-warn", lock.only_warn, "If the lock is lost, let the command go on");
    command.add_flag("-v,--verbose", lock.verbose,
                     "Say at which position it waits, and when it holds the lock");
    command.add_option("COMMAND", lock.command, "What to run; put -- before it")->required();
    command.footer(
        std::string("The command finds the fencing token of the lock, a number that only grows, in "
                    "WEIR_LOCK_TOKEN. It runs in a process group of its own, to which signals are "
                    "passed on. If the lock is lost, the command and all that it started are "
                    "ended. Exits with what the command exits with, or 124: not free in time, 125: "
                    "no lock, or it was lost, 126: cannot be run, 127: not found, 128 + n: ended "
                    "by signal n. ") +
        password_sentence);
    command.callback([&] { code = run_lock_command(lock); });
}

void add_password(CLI::App& program, int& code) {
    CLI::App& command =
        *program.add_subcommand("password", "Print the hash of a password, for server.users");
    command.footer("Asks for the password, or reads a line of standard input.");
    command.callback([&] { code = run_password_command(); });
}

// Returns the exit code for a command line that runs no command: it asks for help, or is wrong.
int refuse(const CLI::App& program, const CLI::ParseError& error) {
    if (error.get_exit_code() != 0) {
        std::fputs(usage_mistake(program, error).c_str(), stderr);
        return wrong_usage;
    }
    std::ostringstream text;
    program.exit(error, text, text);
    print(text.str());
    return success;
}

}  // namespace

int run_command_line(int argc, char** argv) {
    CLI::App program("weir: events, queues, locks and modules", "weir");
    program.formatter(help_format());  // before the commands, which take it over
    program.set_version_flag("--version", std::string("weir ") + program_version);
    program.require_subcommand(1);
    program.footer("Exits with 0: done, 1: failed, 2: wrong usage or configuration.");
    int code = success;
    AppFiles app;
    ConfigCommand config;
    std::string module;
    std::string from;
    CallCommand call;
    EventsCommand events;
    SendCommand send;
    WatchCommand watch;
    InspectCommand inspect;
    RemoteAddress metrics;
    TopCommand top;
    TraceCommand trace;
    LockCommand lock;
    RehearseCommand rehearse;
    add_run(program, app, code);
    add_rules(program, rehearse, code);
    add_config(program, config, code);
    add_describe(program, app.plugins, module, code);
    add_new(program, module, from, code);
    add_call(program, call, code);
    add_events(program, events, code);
    add_send(program, send, code);
    add_watch(program, watch, code);
    add_inspect(program, inspect, code);
    add_metrics(program, metrics, code);
    add_top(program, top, code);
    add_trace(program, trace, code);
    add_lock(program, lock, code);
    add_password(program, code);
    add_pages(program, module, code);
    std::vector<std::string> words;
    add_help(program, words);
    try {
        program.parse(arguments_of(program, argc, argv));
    } catch (const CLI::ParseError& error) {
        return refuse(program, error);
    }
    return code;
}

}  // namespace weir::app
