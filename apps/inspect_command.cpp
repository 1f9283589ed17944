#include "apps/inspect_command.h"

#include <cstdio>
#include <map>
#include <set>
#include <vector>

#include "apps/exit_code.h"
#include "apps/remote_server.h"
#include "config/quoted.h"

namespace weir::app {

namespace {

// Texts of the server are of anybody, as keys of locks are: no control character reaches the
// terminal.
std::string shown(const Json& text) {
    constexpr std::size_t limit = 300;
    return config::printable(text.get<std::string>(), limit);
}

std::string count(std::size_t number, const std::string& what) {
    return std::to_string(number) + ' ' + what + (number == 1 ? "" : "s");
}

// 0.25 s, 17.3 s, 5 min 7 s, 26 h 3 min, 12 d 5 h.
std::string duration(const Json& json) {
    const double seconds = json.get<double>();
    if (seconds < 60) {
        char text[32];
        std::snprintf(text, sizeof text, "%.3g s", seconds);
        return text;
    }
    const auto whole = static_cast<long long>(seconds);
    const auto two = [](long long large, const char* unit, long long small, const char* smaller) {
        return std::to_string(large) + unit + std::to_string(small) + smaller;
    };
    if (whole < 3600) return two(whole / 60, " min ", whole % 60, " s");
    if (whole < 172800) return two(whole / 3600, " h ", whole % 3600 / 60, " min");
    return two(whole / 86400, " d ", whole % 86400 / 3600, " h");
}

class Printer {
public:
    explicit Printer(const Json& all) : all_(all) {}

    std::string print() {
        text_ = "process " + all_.at("process").dump() +
                (all_.at("quitting").get<bool>() ? ", quitting" : "") + '\n';
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

    // Those that nobody uses, and below each those that it depends on.
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
        line(depth, shown(name) + ": " + shown(module.at("state")) + " for " +
                        duration(module.at("seconds")) +
                        (reason.empty() ? "" : " (" + reason + ")") + ", " +
                        count(module.at("routines").get<std::size_t>(), "routine") + ", " +
                        count(module.at("timers").get<std::size_t>(), "timer"));
        for (const Json& living : module.at("leaving")) {
            line(depth + 2, "an old version is kept by " + shown(living));
        }
        for (const Json& dependency : module.at("dependencies")) {
            print_module(modules, dependency.get<std::string>(), depth + 1, printed);
        }
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
            text += ", blocked by " + count(queue.at("blocked").get<std::size_t>(), "event");
        }
        line(depth, text);
        for (const Json& sender : queue.at("senders")) {
            line(depth + 2, "waits for a place: " + shown(sender));
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
    }

    void print_timers() {
        const Json& timers = all_.at("timers");
        heading("timers");
        if (timers.empty()) {
            line(1, "none");
            return;
        }
        line(1, count(timers.size(), "timer") + ", the next is due in " +
                    duration(timers.front().at("due_in")));
    }

    void print_blocked() {
        heading("blocked events");
        const Json& events = all_.at("blocked_events");
        for (const Json& event : events) {
            line(1, shown(event.at("event")) + " blocks " + shown(event.at("queue")));
        }
        if (events.empty()) {
            line(1, "none");
        }
    }

    void print_locks() {
        const Json& locks = all_.at("locks");
        if (locks.is_null()) {
            return;
        }
        heading("locks");
        for (const Json& lock : locks) {
            const std::string context = shown(lock.at("context"));
            line(1, config::quoted(lock.at("key").get<std::string>(), 300) +
                        (context.empty() ? "" : " of the context " + context) +
                        (lock.at("size") == 1 ? "" : ", for " + lock.at("size").dump()));
            for (const Json& holder : lock.at("holders")) {
                line(2, "held by " + shown(holder.at("owner")) + " for " +
                            duration(holder.at("seconds")) + ", token " +
                            holder.at("token").dump());
            }
            for (const Json& waiter : lock.at("waiters")) {
                line(2, "waited for by " + shown(waiter.at("owner")) + " for " +
                            duration(waiter.at("seconds")));
            }
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

int run_inspect_command(const std::string& address, bool json) {
    try {
        RemoteServer server(address);
        const std::string text = server.call("manager", "inspect", "{}");
        if (json) {
            std::puts(text.c_str());
        } else {
            std::fputs(inspection_text(Json::parse(text)).c_str(), stdout);
        }
        return success;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "weir inspect: %s\n", error.what());
        return failure;
    }
}

}  // namespace weir::app
