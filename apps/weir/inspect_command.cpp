#include "apps/weir/inspect_command.h"

#include <cstdint>
#include <cstdio>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "apps/weir/exit_code.h"
#include "apps/weir/figures.h"
#include "apps/weir/output.h"
#include "config/text/joined.h"
#include "config/text/quoted.h"
#include "modules/system/call/json.h"

namespace weir::app {

namespace {

std::string duration(const Json& seconds) {
    return duration_text(seconds.get<double>());
}

std::string size(const Json& bytes) {
    return size_text(bytes.get<double>());
}

std::string count(const Json& number, const std::string& what) {
    return count_text(number.get<std::size_t>(), what);
}

class Printer {
public:
    explicit Printer(const Json& all) : all_(all) {}

    std::string print() {
        text_ = "process " + all_.at("process").dump() +
                (all_.at("quitting").get<bool>() ? ", quitting" : "") + ", " +
                size(all_.at("memory").at("resident")) + " in memory, " +
                size(all_.at("memory").at("heap")) + " of heap\n";
        if (const auto dropped = all_.at("dropped_log_lines").get<std::uint64_t>(); dropped != 0) {
            text_ += "lines of the log that were dropped: " + std::to_string(dropped) + '\n';
        }
        print_modules();
        heading("queues");
        print_queue(all_.at("queue"), 1);
        print_routines();
        print_timers();
        print_blocked();
        print_locks();
        return std::move(text_);
    }

private:
    void line(std::size_t depth, const std::string& text) {
        text_ += std::string(depth * 2, ' ') + text + '\n';
    }
    void heading(const std::string& text) { text_ += '\n' + text + '\n'; }
    // Says how many items a list has left out.
    void more(std::size_t depth, const Json& all, std::size_t listed) {
        if (const auto count = all.get<std::size_t>(); count > listed) {
            line(depth, "and " + std::to_string(count - listed) + " more");
        }
    }

    // Prints the modules that no other depends on, and below each its dependencies.
    void print_modules() {
        heading("modules");
        std::map<std::string, const Json*> modules;
        for (const Json& module : all_.at("modules")) {
            modules[module.at("name").get<std::string>()] = &module;
        }
        std::set<std::string> printed;
        for (const auto& [name, module] : modules) {
            if (module->at("users").empty()) {
                print_module(modules, name, 1, printed);
            }
        }
    }

    void print_module(const std::map<std::string, const Json*>& modules, const std::string& name,
                      std::size_t depth, std::set<std::string>& printed) {
        const auto found = modules.find(name);
        if (found == modules.end()) {
            return;
        }
        if (!printed.insert(name).second) {
            line(depth, shown(name) + ": see above");
            return;
        }
        const Json& module = *found->second;
        const std::string reason = shown(module.at("reason"));
        const std::string plugin = module.value("plugin", std::string());
        const bool is_other = !plugin.empty() && plugin != name;
        line(depth,
             shown(name) + (is_other ? " (" + shown(plugin) + ")" : "") + ": " +
                 shown(module.at("state")) + " for " + duration(module.at("seconds")) +
                 (reason.empty() ? "" : " (" + reason + ")") + ", " +
                 count(module.at("routines"), "routine") + " of " + size(module.at("memory")) +
                 ", " + count(module.at("timers"), "timer") + ", " +
                 count(module.at("calls"), "call") + ", " + count(module.at("queued"), "event") +
                 " queued, " + module.at("blocked").dump() + " blocked" +
                 (module.at("library") == 0 ? "" : ", library " + size(module.at("library"))));
        for (const Json& living : module.at("leaving")) {
            line(depth + 2,
                 "an old version is kept by " +
                     config::printable(config::joined(living.get<std::vector<std::string>>(), "; "),
                                       2000));
        }
        for (const Json& dependency : module.at("dependencies")) {
            print_module(modules, dependency.get<std::string>(), depth + 1, printed);
        }
    }

    // What an event says, as far as the server tells it.
    static std::string content(const Json& event) {
        const Json said = event.value("content", Json());
        return said.is_null() ? "" : ": " + config::printable(said.dump(), 2000);
    }

    static std::string of(const Json& size, const Json& limit) {
        return size.dump() + (limit.is_null() ? "" : " of " + limit.dump());
    }

    void print_queue(const Json& queue, std::size_t depth) {
        std::string name = shown(queue.at("name"));
        if (name.empty()) {
            name = depth == 1 ? "root" : shown(queue.at("matcher"));
        }
        std::string text = name + ": " + of(queue.at("size"), queue.at("max_total"));
        if (!queue.at("subqueues").empty() || !queue.at("max_default").is_null()) {
            text += ", " + of(queue.at("default_size"), queue.at("max_default")) + " its own";
        }
        text += ", priority " + queue.at("priority").dump() + ", " + queue.at("popped").dump() +
                " have left";
        if (queue.at("blocked") != 0) {
            text += ", blocked by " + count(queue.at("blocked"), "event");
        }
        const std::string module = shown(queue.at("module"));
        line(depth, text + (module.empty() ? "" : ", of " + module));
        for (const Json& sender : queue.at("senders")) {
            line(depth + 2, "waiting sender: " + shown(sender));
        }
        more(depth + 2, queue.at("waiting_senders"), queue.at("senders").size());
        for (const Json& event : queue.value("events", Json::array())) {
            line(depth + 2, "event: " + shown(event.at("event")) + content(event));
        }
        for (const Json& subqueue : queue.at("subqueues")) {
            print_queue(subqueue, depth + 1);
        }
    }

    void print_routines() {
        heading("routines");
        std::map<std::string, std::vector<const Json*>> by_module;
        for (const Json& routine : all_.at("routines")) {
            by_module[routine.at("module").get<std::string>()].push_back(&routine);
        }
        for (const auto& [module, routines] : by_module) {
            line(1, module.empty() ? "others" : shown(module));
            for (const Json* routine : routines) {
                const std::string name = shown(routine->at("name"));
                line(2, (name.empty() ? "(no name)" : name) + ", started at " +
                            shown(routine->at("started_at")));
                const std::string state = shown(routine->at("state"));
                line(4, state != "waiting" ? state
                                           : "has waited " + duration(routine->at("seconds")) +
                                                 " for " + shown(routine->at("waits_for")));
            }
        }
        more(1, all_.at("counts").at("routines"), all_.at("routines").size());
    }

    void print_timers() {
        const Json& timers = all_.at("timers");
        heading("timers");
        if (timers.empty()) {
            line(1, "none");
            return;
        }
        line(1, count(all_.at("counts").at("timers"), "timer") + ", the next is due in " +
                    duration(timers.front().at("due_in")));
    }

    void print_blocked() {
        heading("blocked events");
        const Json& events = all_.at("blocked_events");
        for (const Json& event : events) {
            line(1,
                 shown(event.at("event")) + " blocks " + shown(event.at("queue")) + content(event));
        }
        more(1, all_.at("counts").at("blocked"), events.size());
        if (all_.at("counts").at("blocked") == 0) {
            line(1, "none");
        }
    }

    void print_locks() {
        const Json& locks = all_.at("locks");
        if (locks.is_null()) {
            return;
        }
        heading("locks");
        const auto to_read = [](const Json& use) {
            return use.value("reads", false) ? " to read" : "";
        };
        for (const Json& lock : locks) {
            const std::string context = shown(lock.at("context"));
            line(1,
                 config::in_quotes(lock.at("key").get<std::string>(), 300) +
                     (context.empty() ? "" : " of the context " + context) +
                     (lock.at("size") == 1 ? "" : ", for " + lock.at("size").dump()) +
                     (lock.at("semaphore").is_null()
                          ? ""
                          : ", a semaphore made by " + shown(lock.at("semaphore").at("made_by"))));
            for (const Json& holder : lock.at("holders")) {
                line(2, "held by " + shown(holder.at("owner")) + to_read(holder) + " for " +
                            duration(holder.at("seconds")) + ", token " +
                            holder.at("token").dump());
            }
            for (const Json& waiter : lock.at("waiters")) {
                line(2, "waited for by " + shown(waiter.at("owner")) + to_read(waiter) + " for " +
                            duration(waiter.at("seconds")));
            }
            more(2, lock.at("holding"), lock.at("holders").size());
            more(2, lock.at("waiting"), lock.at("waiters").size());
        }
        if (all_.at("locks_left_out").get<bool>()) {
            line(1, "and more");
        }
        if (locks.empty()) {
            line(1, "none");
        }
    }

    const Json& all_;
    std::string text_;
};

}  // namespace

std::string inspection_text(const Json& inspection) {
    return Printer(inspection).print();
}

namespace {

std::string parameters(const InspectCommand& inspect) {
    Json result = {{"events", inspect.events}};
    if (inspect.all) {
        result["most"] = std::numeric_limits<std::uint32_t>::max();
    }
    return result.dump();
}

}  // namespace

int run_inspect_command(const InspectCommand& inspect) {
    try {
        RemoteServer server(inspect.server);
        const std::string text = server.call("manager", "inspect", parameters(inspect));
        print(printable_json(inspect.json ? text + '\n' : inspection_text(Json::parse(text))));
        return success;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "weir inspect: %s\n", config::printable(error.what(), 2000).c_str());
        return failure;
    }
}

}  // namespace weir::app
