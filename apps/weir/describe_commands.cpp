#include "apps/weir/describe_commands.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <optional>

#include "apps/weir/app_configuration.h"
#include "apps/weir/app_schema.h"
#include "apps/weir/exit_code.h"
#include "apps/weir/output.h"
#include "apps/weir/page.h"
#include "apps/weir/standard_files.h"
#include "config/settings/catalogue.h"
#include "config/settings/describe_text.h"
#include "config/text/nearest_name.h"
#include "modules/system/call/json.h"
#include "modules/system/event/event_description.h"
#include "modules/system/server/module_finder.h"
#include "modules/system/server/server_settings.h"

namespace weir::app {

namespace {

// Returns all modules that can be opened, and reports those that cannot.
std::map<std::string, FoundModule> open_all(const std::vector<std::string>& plugins) {
    ServerSettings settings;
    settings.plugin_path = plugin_path(plugins);
    const ModuleFinder finder(settings, {});
    std::map<std::string, FoundModule> modules;
    for (const std::string& name : finder.names()) {
        try {
            modules[name] = finder.open(name);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "weir: %s\n", error.what());
        }
    }
    return modules;
}

// The width of the terminal that the description is for; nothing if it is for a file or a program,
// which have room for whole tables.
std::optional<std::size_t> terminal_width() {
    constexpr unsigned widest = 160;
    const unsigned width = output_width(0);
    return width == 0 ? std::nullopt : std::optional<std::size_t>(std::min(width, widest));
}

std::string settings_text(const config::Description& description) {
    const std::optional<std::size_t> width = terminal_width();
    return width ? config::describe_text_within(description, *width)
                 : config::describe_text(description);
}

void print_description(const std::string& text) {
    const std::optional<std::size_t> width = terminal_width();
    print(width ? broken_text(text, *width) : text);
}

std::string headline(const std::string& name, const std::string& sentence) {
    return name + ": " + sentence + "\n";
}

std::string describe(const EventType& event) {
    std::string text = event.name() + "(";
    const char* separator = "";
    for (const std::string_view index : event.index_names()) {
        text += separator + std::string(index);
        separator = ", ";
    }
    return text + ")";
}

// What events of the type say, as clients see them.
std::string members_of(const EventType& event) {
    const EventDescription* const description = event.description().get();
    if (description == nullptr) {
        return {};
    }
    std::string text = "    " + description->sentence();
    const std::string why = why_not_portable(event);
    text += (why.empty() ? "; clients may send and watch it" : "; " + why) + "\n";
    for (const config::Setting& member : description->members().settings()) {
        const std::string allowed = member.type->allowed();
        text += "    " + member.name + ": " + member.type->name() +
                (allowed.empty() ? "" : ", " + allowed) +
                (member.unit.empty() ? "" : " " + member.unit) + "; " + member.sentence + "\n";
    }
    return text;
}

std::string describe(const ModuleQueue& queue) {
    std::string text = queue.name + ": for " + queue.event->name();
    if (!queue.options) {
        return text + "; " + queue.sentence;
    }
    const QueueOptions& options = *queue.options;
    text += ", priority " + std::to_string(queue.priority) + ", " +
            (options.kind ? std::string(options.kind(options.max_default)->kind()) : "fifo");
    if (const std::size_t limit = std::min(options.max_default, options.max_total);
        limit != unlimited) {
        text += ", at most " + std::to_string(limit) + (limit == 1 ? " event" : " events");
    }
    return text;
}

std::string describe(const ModuleClass& type) {
    std::string text = headline(type.name, type.sentence);
    if (!type.single.empty()) {
        text += "\nA server has one of it: " + type.single + "\n";
    }
    if (!type.dependencies.empty()) {
        text += "\nNeeds:\n";
        for (const Dependency& dependency : type.dependencies) {
            text += "  " + dependency.name;
            if (!dependency.default_implementation.empty()) {
                text += " (by default " + dependency.default_implementation + ")";
            }
            if (dependency.least) {
                text += ", version " + to_string(*dependency.least) + " of its API";
            }
            text += dependency.optional ? ", if it is there\n" : "\n";
        }
    }
    text += "\nSettings, at module." + type.name + ":\n";
    if (type.settings != nullptr) {
        text += settings_text(*type.settings);
    }
    text += settings_text(config::description_of<CommonModuleSettings>());
    text +=
        "\nFunctions, version " + to_string(type.version) + " of the API:\n" + type.api.describe();
    if (!type.events.empty()) {
        text += "\nEvents:\n";
        for (const EventType* event : type.events) {
            text += "  " + describe(*event) + "\n" + members_of(*event);
        }
    }
    if (!type.queues.empty()) {
        text += "\nQueues:\n";
        for (const ModuleQueue& queue : type.queues) {
            text += "  " + describe(queue) + "\n";
        }
    }
    for (const ModuleQueueKind& kind : type.queue_kinds) {
        text += "\nQueue kind " + kind.name + ": " + kind.sentence + "\n";
        if (kind.settings != nullptr) {
            text += settings_text(*kind.settings);
        }
    }
    if (!type.metrics.empty()) {
        text += "\nMetrics:\n";
        for (const ModuleMetric& metric : type.metrics) {
            text += "  " + metric.full_name(type.name) + ": " + metric.sentence + "\n";
        }
    }
    return text;
}

}  // namespace

int list_modules(const std::vector<std::string>& plugins) {
    const auto modules = open_all(plugins);
    std::size_t width = 0;
    for (const auto& [name, module] : modules) {
        width = std::max(width, name.size());
    }
    std::string text;
    for (const auto& [name, module] : modules) {
        std::string line = name;
        line.resize(width + 2, ' ');
        text += broken_text(line + module.type->sentence, page_width(), width + 2) + '\n';
    }
    print(text);
    return success;
}

int describe_module(const std::string& name, const std::vector<std::string>& plugins) {
    if (name == "server") {
        print_description(headline("server", "What is there without any module") + "\nSettings:\n" +
                          settings_text(config::description_of<ServerSettings>()));
        return success;
    }
    const auto modules = open_all(plugins);
    const auto found = modules.find(name);
    if (found == modules.end()) {
        std::vector<std::string> known{"server"};
        for (const auto& [other, module] : modules) {
            known.push_back(other);
        }
        std::fprintf(stderr, "weir describe: %s\n",
                     config::unknown_name("module", name, known).c_str());
        return failure;
    }
    print_description(describe(*found->second.type));
    return success;
}

int print_schema(const std::vector<std::string>& plugins) {
    const auto modules = open_all(plugins);
    config::Catalogue catalogue;
    catalogue.add<ServerSettings>("server", config::Use::installed);
    for (const auto& [name, module] : modules) {
        const std::string section = "module." + name;
        if (module.type->settings != nullptr) {
            catalogue.add(section, *module.type->settings, config::Use::installed);
        }
        catalogue.add<CommonModuleSettings>(section, config::Use::installed);
    }
    std::vector<const ModuleClass*> types;
    for (const auto& [name, module] : modules) {
        types.push_back(module.type);
    }
    print(app_schema(catalogue, types).dump(2) + '\n');
    return success;
}

}  // namespace weir::app
