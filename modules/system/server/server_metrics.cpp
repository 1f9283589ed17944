#include "modules/system/server/server_metrics.h"

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ranges>
#include <sstream>
#include <string>
#include <system_error>

#include <sys/resource.h>
#include <unistd.h>

#include "core/observe/process_memory.h"
#include "core/observe/snapshot.h"
#include "modules/system/module/abi.h"
#include "modules/system/module/module.h"
#include "modules/system/server/loader.h"
#include "modules/system/server/server.h"

namespace weir {

namespace {

using Metrics = std::vector<MetricFamily>;

MetricFamily& add_family(Metrics& metrics, MetricKind kind, std::string name,
                         std::string sentence) {
    return metrics.emplace_back(MetricFamily{std::move(name), std::move(sentence), kind});
}

double cpu_seconds() {
    struct rusage usage {};
    ::getrusage(RUSAGE_SELF, &usage);
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
    };
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Returns when the process started, in seconds since 1970, by the clock as it was at the first
// call: programs tell by a change of it that the process is another.
double start_time() {
    static const double started = [] {
        const auto clock_seconds = [](clockid_t clock) {
            struct timespec time {};
            ::clock_gettime(clock, &time);
            return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
        };
        // The name of the program, in parentheses, may contain anything.
        std::ifstream file("/proc/self/stat");
        std::string text((std::istreambuf_iterator<char>(file)), {});
        std::istringstream rest(text.substr(std::min(text.rfind(')') + 1, text.size())));
        std::string field;
        double ticks = 0;  // since the machine started
        for (int number = 3; number != 22; ++number) {
            rest >> field;
        }
        rest >> ticks;
        return clock_seconds(CLOCK_REALTIME) - clock_seconds(CLOCK_BOOTTIME) +
               ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
    }();
    return started;
}

std::size_t open_files() {
    std::size_t files = 0;
    std::error_code error;
    for (std::filesystem::directory_iterator file("/proc/self/fd", error), end;
         !error && file != end; file.increment(error)) {
        ++files;
    }
    return files;
}

// The names are those that Prometheus's own client libraries give.
void add_process(Metrics& metrics) {
    using enum MetricKind;
    add_family(metrics, counter, "process_cpu_seconds_total",
               "Processor time of the process, of its user and of the system")
        .add(cpu_seconds());
    add_family(metrics, gauge, "process_start_time_seconds",
               "When the process started, in seconds since 1970")
        .add(start_time());
    const ProcessMemory memory = process_memory();
    add_family(metrics, gauge, "process_resident_memory_bytes", "Memory of the process")
        .add(memory.resident);
    add_family(metrics, gauge, "process_virtual_memory_bytes", "Addresses that the process uses")
        .add(memory.virtual_size);
    add_family(metrics, gauge, "process_open_fds", "Open files and sockets").add(open_files());
    struct rlimit files {};
    ::getrlimit(RLIMIT_NOFILE, &files);
    add_family(metrics, gauge, "process_max_fds", "Most open files and sockets")
        .add(files.rlim_cur);
    add_family(metrics, gauge, "weir_core_info", "1; the label has the version of weir")
        .add(1, {{"version", std::string(own_abi.weir)}});
}

class QueueMetrics {
public:
    void add(const Queue& queue) {
        const MetricLabels labels = {{"queue", queue_path(queue)}};
        processed_.add(queue.popped(), labels);
        waiting_.add(queue.size(), labels);
        for (const Ref<Queue>& subqueue : queue.subqueues()) {
            if (is_lasting(*subqueue)) {
                add(*subqueue);
            }
        }
    }
    void move_to(Metrics& metrics) {
        metrics.push_back(std::move(processed_));
        metrics.push_back(std::move(waiting_));
    }

private:
    // Queues without a name are made as clients want them, for one key each.
    static bool is_lasting(const Queue& queue) { return !queue.name().empty(); }

    MetricFamily processed_{"weir_core_queue_processed_total",
                            "Events that have left the queue, with those below it",
                            MetricKind::counter};
    MetricFamily waiting_{"weir_core_queue_events", "Events in the queue, with those below it",
                          MetricKind::gauge};
};

void add_events(Metrics& metrics, const EventCounts& counts) {
    MetricFamily& delivered =
        add_family(metrics, MetricKind::counter, "weir_core_events_delivered_total",
                   "Events of the type that have left their queues, also if no code took them");
    counts.for_each([&](std::string_view type, std::uint64_t count) {
        delivered.add(count, {{"type", std::string(type)}});
    });
    if (counts.others() != 0) {
        delivered.add(counts.others(), {{"type", "(others)"}});
    }
}

void add_core(Metrics& metrics, Server& server) {
    using enum MetricKind;
    Scheduler& scheduler = server.scheduler();
    add_family(metrics, counter, "weir_core_rounds_total",
               "Rounds of the scheduler: between two of them it looks for input and timers")
        .add(scheduler.rounds());
    add_family(metrics, gauge, "weir_core_timers", "Timers that are set")
        .add(scheduler.timers().size());
    add_family(metrics, gauge, "weir_core_blocked_events",
               "Events that block their queue until a routine processes them")
        .add(scheduler.blocked_events().size());
    add_family(metrics, counter, "weir_core_log_lines_dropped_total",
               "Lines of the log that were lost")
        .add(server.dropped_log_lines());
    add_events(metrics, scheduler.delivered());
    QueueMetrics queues;
    queues.add(scheduler.queue());
    queues.move_to(metrics);
}

std::size_t count(const List<Routine, Container>& routines) {
    std::size_t result = 0;
    for ([[maybe_unused]] const Routine& routine : routines) {
        ++result;
    }
    return result;
}

class ModuleMetrics {
public:
    void add(const ModuleInfo& module) {
        states_.add(1, {{"module", module.name}, {"state", std::string(to_string(module.state))}});
        const ModuleChanges& changes = module.changes;
        for (const auto& [change, count] :
             {std::pair("loaded", changes.loaded), std::pair("failed", changes.failed),
              std::pair("reloaded", changes.reloaded), std::pair("unloaded", changes.unloaded)}) {
            changes_.add(count, {{"module", module.name}, {"change", change}});
        }
    }
    void add(const ModuleInfo& info, const Module& module) {
        const MetricLabels labels = {{"module", info.name}};
        routines_.add(count(module.routines()) + info.calls, labels);
        running_.add(info.calls, labels);
        if (!module.call_statistics().empty()) {
            add_calls(module);
        }
    }
    void move_to(Metrics& metrics) {
        for (MetricFamily* family :
             {&states_, &changes_, &routines_, &running_, &time_, &failed_}) {
            metrics.push_back(std::move(*family));
        }
    }

private:
    // Functions of the same name count as one.
    void add_calls(const Module& module) {
        const Api& api = module.type().api;
        for (const std::string& name : api.names()) {
            CallStatistics all;
            for (const ApiFunction* function = api.find(IndexValue(name)); function != nullptr;
                 function = api.next(*function)) {
                all.add(module.call_statistics()[api.position_of(*function)]);
            }
            if (all.time.count() != 0) {
                const MetricLabels labels = {{"module", module.name()}, {"function", name}};
                time_.add(all.time, labels);
                failed_.add(all.failed, labels);
            }
        }
    }

    MetricFamily states_{"weir_module_state", "1; the label has the state of the module",
                         MetricKind::gauge};
    MetricFamily changes_{"weir_module_changes_total",
                          "How often the module has been loaded, reloaded and unloaded, and has "
                          "failed to load",
                          MetricKind::counter};
    MetricFamily routines_{"weir_module_routines", "Routines of the module", MetricKind::gauge};
    MetricFamily running_{"weir_module_running_calls", "Calls that run in a routine of the module",
                          MetricKind::gauge};
    MetricFamily time_{"weir_module_call_seconds", "Time of calls, from the call until the answer",
                       MetricKind::histogram};
    MetricFamily failed_{"weir_module_failed_calls_total",
                         "Calls that ended with an error, or that the caller gave up",
                         MetricKind::counter};
};

// What modules declare. Modules of one plugin share a metric; a label tells them apart, but for the
// one that has the plugin's name.
class DeclaredMetrics {
public:
    void add(const Module& module) {
        const ModuleClass& type = module.type();
        for (const ModuleMetric& metric : type.metrics) {
            MetricFamily& family = this->family(metric, metric.full_name(type.name));
            const std::size_t before = family.samples.size();
            try {
                metric.collect(metric, module, family);
            } catch (...) {
                // The others are shown.
                module.scheduler().log_exception("the metric " + family.name + " of the module '" +
                                                 module.name() + "' ended");
                family.samples.resize(before);
            }
            if (module.name() == type.name) {
                continue;
            }
            for (std::size_t i = before; i != family.samples.size(); ++i) {
                family.samples[i].labels.emplace_back("module", module.name());
            }
        }
    }
    void move_to(Metrics& metrics) { std::ranges::move(families_, std::back_inserter(metrics)); }

private:
    MetricFamily& family(const ModuleMetric& metric, const std::string& name) {
        const auto known = std::ranges::find(families_, name, &MetricFamily::name);
        return known != families_.end() ? *known
                                        : add_family(families_, metric.kind, name, metric.sentence);
    }

    Metrics families_;
};

void add_modules(Metrics& metrics, Server& server) {
    ModuleMetrics own;
    DeclaredMetrics declared;
    for (const ModuleInfo& info : server.loader().modules()) {
        own.add(info);
        const Module* const module = server.loader().find(info.name);
        if (module == nullptr) {
            continue;
        }
        own.add(info, *module);
        declared.add(*module);
    }
    own.move_to(metrics);
    declared.move_to(metrics);
}

}  // namespace

std::vector<MetricFamily> collect_metrics(Server& server) {
    Metrics metrics;
    add_process(metrics);
    add_core(metrics, server);
    add_modules(metrics, server);
    return metrics;
}

}  // namespace weir
