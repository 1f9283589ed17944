#include "modules/testing/living.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <string_view>

#include "config/settings/duration.h"
#include "core/observe/snapshot.h"
#include "modules/system/server/fallback_calls.h"
#include "modules/system/server/library_users.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server.h"

namespace weir {

namespace {

void add_paths(const Queue& queue, std::vector<std::string>& paths) {
    paths.push_back(queue_path(queue));
    for (const Ref<Queue>& subqueue : queue.subqueues()) {
        add_paths(*subqueue, paths);
    }
}

void add_subscribers(const Scheduler& scheduler, std::vector<std::string>& living) {
    for (const Subscriber& subscriber : scheduler.subscribers()) {
        if (const auto* routine = dynamic_cast<const Routine*>(&subscriber)) {
            living.push_back("the routine " + describe_wait(*routine));
        } else if (dynamic_cast<const FallbackCalls*>(&subscriber) == nullptr) {
            std::string handled;
            for (const Subscription& subscription : subscriber.subscriptions()) {
                handled += (handled.empty() ? "" : ", ") + subscription.matcher.describe();
            }
            living.push_back("a handler of " + handled);
        }
    }
    for (const Ref<Routine>& routine : scheduler.ready()) {
        if (routine != nullptr && routine->about_to_start()) {
            living.push_back("the routine " + routine->describe() + ", about to start");
        }
    }
}

void add_timers(Scheduler& scheduler, std::vector<std::string>& living) {
    for (const TimerState* timer : scheduler.timers().timers()) {
        std::string text =
            "a timer that is due in " + config::duration_text(timer->due() - scheduler.now());
        if (timer->interval() > Duration::zero()) {
            text += ", every " + config::duration_text(timer->interval());
        }
        living.push_back(text);
    }
}

void add_events(Scheduler& scheduler, std::vector<std::string>& living) {
    std::map<std::string, std::size_t> queued;
    scheduler.queue().for_each([&](Event& event) {
        if (event.blocks() == nullptr) {
            ++queued[event.describe()];
        } else {
            living.push_back("the event " + event.describe() + ", which blocks the queue " +
                             queue_path(event.blocks()->queue()));
        }
    });
    for (const auto& [event, count] : queued) {
        living.push_back("in the queues, " +
                         (count == 1 ? "the event " : std::to_string(count) + " events ") + event);
    }
}

}  // namespace

std::vector<std::string> what_lives(Server& server, const std::vector<std::string>& queues_before) {
    std::vector<std::string> living;
    Scheduler& scheduler = server.scheduler();
    add_subscribers(scheduler, living);
    add_timers(scheduler, living);
    add_events(scheduler, living);
    // A configured queue is added when the module that declares its events is loaded.
    const auto configured = [&server](const std::string& path) {
        return std::ranges::any_of(server.settings().queues, [&path](const QueueSettings& queue) {
            return (path + '/').starts_with("root/" + queue.name + '/');
        });
    };
    for (const std::string& path : queue_paths(server)) {
        if (std::ranges::find(queues_before, path) == queues_before.end() && !configured(path)) {
            living.push_back("the queue " + path);
        }
    }
    for (const ModuleInfo& module : server.loader().modules()) {
        for (const std::vector<std::string>& leaving : module.leaving) {
            living.push_back("an old version of the module '" + module.name + "'");
            for (const std::string& what : leaving) {
                living.push_back("in it: " + what);
            }
        }
    }
    return living;
}

std::vector<std::string> queue_paths(Server& server) {
    std::vector<std::string> paths;
    add_paths(server.scheduler().queue(), paths);
    return paths;
}

std::vector<std::string> mapped_plugins() {
    std::vector<std::string> names;
    // The loader names its copies /weir-XXXXXX/<name>.so.
    constexpr std::string_view folder = "/weir-";
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
        const std::size_t copy = line.find(folder);
        if (copy != std::string::npos && line.find('/', copy + 1) == copy + folder.size() + 6) {
            names.push_back(line.substr(line.find('/')));
        }
    }
    std::ranges::sort(names);
    names.erase(std::unique(names.begin(), names.end()), names.end());
    return names;
}

}  // namespace weir
