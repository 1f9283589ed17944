#include "modules/system/server/loader.h"

#include <algorithm>
#include <set>

#include "config/settings/changes.h"
#include "config/settings/reader.h"
#include "core/wait/execute_all.h"
#include "core/wait/send.h"
#include "modules/system/server/server.h"

namespace weir {

namespace {

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
    std::string result;
    for (const std::string& text : texts) {
        if (!text.empty()) {
            result += (result.empty() ? "" : std::string(separator)) + text;
        }
    }
    return result;
}

}  // namespace

LoadException::~LoadException() = default;

UnloadRefused::UnloadRefused(const std::string& module, std::vector<std::string> living)
    : LoadException("the module '" + module +
                    "' is not unloaded, there still is: " + joined(living, "; ")),
      living_(std::move(living)) {}

UnloadRefused::~UnloadRefused() = default;

Loader::Loader(Server& server, const Registry& registry)
    : Container(server.scheduler()),
      server_(server),
      finder_(server.settings(), registry),
      fallback_(*this) {}

Loader::~Loader() {
    close();
    for (Leaving& leaving : leaving_) {
        leaving.module->stop_serving();
        leaving.module->close_all();
        leaving.module.reset();
    }
    // Users before those that they depend on.
    for (bool found = true; found;) {
        found = false;
        for (auto& [name, e] : entries_) {
            if (e.module != nullptr && users_of(name).empty()) {
                e.module->stop_serving();
                e.module->close_all();
                e.module.reset();
                found = true;
            }
        }
    }
}

// --- what there is

Loader::Entry& Loader::entry(const std::string& name) {
    Entry& e = entries_[name];
    e.name = name;
    return e;
}

const Loader::Entry* Loader::find_entry(std::string_view name) const noexcept {
    const auto found = entries_.find(name);
    return found == entries_.end() ? nullptr : &found->second;
}

// Whether there is anything to unload.
bool Loader::is_there(const Entry& e) const noexcept {
    return e.state != ModuleState::not_loaded && e.state != ModuleState::unloaded;
}

Loader::Names Loader::users_of(const std::string& name) const {
    Names users;
    for (const auto& [other, e] : entries_) {
        if (e.module != nullptr &&
            std::find(e.dependencies.begin(), e.dependencies.end(), name) != e.dependencies.end()) {
            users.push_back(other);
        }
    }
    return users;
}

Loader::Names Loader::with_all_users(const Names& names) const {
    Names all;
    Names to_add = names;
    while (!to_add.empty()) {
        const std::string name = std::move(to_add.back());
        to_add.pop_back();
        if (std::find(all.begin(), all.end(), name) == all.end()) {
            all.push_back(name);
            for (std::string& user : users_of(name)) to_add.push_back(std::move(user));
        }
    }
    std::sort(all.begin(), all.end());
    return all;
}

bool Loader::is_service(const Entry& e) const noexcept {
    return e.found && e.common.service.value_or(e.found.type->service);
}

Module* Loader::find(std::string_view name) const {
    const Entry* e = find_entry(finder_.resolve(name));
    return e == nullptr ? nullptr : e->module.get();
}

ModuleState Loader::state(std::string_view name) const {
    const Entry* e = find_entry(finder_.resolve(name));
    return e == nullptr ? ModuleState::not_loaded : e->state;
}

std::vector<ModuleInfo> Loader::modules() const {
    std::vector<ModuleInfo> result;
    for (const auto& [name, e] : entries_) {
        ModuleInfo info;
        info.name = name;
        info.state = e.state;
        info.reason = e.reason;
        info.since = e.since;
        info.by_name = e.by_name;
        info.service = is_service(e);
        info.dependencies = e.dependencies;
        info.users = users_of(name);
        if (e.found) {
            info.sentence = e.found.type->sentence;
        }
        if (e.found.library != nullptr) {
            info.file = e.found.library->path();
            info.library = e.found.library->size();
        }
        if (e.module != nullptr) {
            for ([[maybe_unused]] const Routine& call : e.module->calls()) {
                ++info.calls;
            }
        }
        for (const Leaving& leaving : leaving_) {
            if (leaving.name == name) {
                info.leaving.push_back(living_of(leaving));
            }
        }
        result.push_back(std::move(info));
    }
    return result;
}

std::string Loader::module_of(const RoutineInfo& routine) const {
    return module_of(routine.container, routine.started_at);
}

std::string Loader::module_of(const Routine& routine) const {
    return module_of(routine.container(), routine.started_at());
}

std::string Loader::module_of(const Container* container,
                              const std::source_location& started_at) const {
    const auto owns = [&](const Version& version) {
        if (version.module == nullptr || container == nullptr) {
            return false;
        }
        const auto& calls = version.module->calls();
        return container == version.module.get() ||
               (!calls.empty() && container == calls.front().container());
    };
    const auto started = [&](const Version& version) {
        return version.found.library != nullptr &&
               version.found.library->contains(started_at.file_name());
    };
    const auto name_of = [&](const auto& is_it) {
        for (const auto& [name, e] : entries_) {
            if (is_it(e)) return name;
        }
        for (const Leaving& leaving : leaving_) {
            if (is_it(leaving)) return leaving.name;
        }
        return std::string();
    };
    const std::string owner = name_of(owns);
    return owner.empty() ? name_of(started) : owner;
}

std::string Loader::module_of(const Queue& queue) const {
    const auto path = queue.matcher().path();
    // Whether the queue takes events of that type, or of some derived from it.
    const auto is_for = [&](const EventType* type) {
        const std::vector<EventType::Level>& levels = type->levels();
        for (std::size_t i = 0; i != levels.size(); ++i) {
            if (levels[i].offset < 0 && (i >= path.size() || path[i] != levels[i].fixed)) {
                return false;
            }
        }
        return true;
    };
    std::string brings_events;
    for (const auto& [name, e] : entries_) {
        if (e.module == nullptr) {
            continue;
        }
        const std::vector<Ref<Queue>>& queues = e.module->queues_;
        if (std::any_of(queues.begin(), queues.end(),
                        [&](const Ref<Queue>& added) { return added.get() == &queue; })) {
            return name;
        }
        const std::vector<const EventType*>& events = e.module->type().events;
        if (std::any_of(events.begin(), events.end(), is_for)) {
            brings_events = name;
        }
    }
    return brings_events;
}

LogLevel Loader::log_level(std::string_view name) const {
    const Entry* e = find_entry(name);
    return e == nullptr ? server_.settings().log.level : log_level(*e);
}

LogLevel Loader::log_level(const Version& version) const noexcept {
    return version.common.log_level.value_or(server_.settings().log.level);
}

std::vector<std::string> Loader::changed_files() const {
    Names names;
    for (const auto& [name, e] : entries_) {
        if (e.module == nullptr || e.found.library == nullptr) {
            continue;
        }
        const FileStamp now = file_stamp(e.found.library->path());
        if (now != FileStamp() && now != e.found.library->stamp()) {
            names.push_back(name);
        }
    }
    return names;
}

// --- what may be asked for

Task<> Loader::load(std::string name) {
    const std::string own = finder_.resolve(name);
    entry(own).by_name = true;
    Task<> loading = ensure_loaded(own, "asked for");
    co_await loading;
}

Task<> Loader::load_all(std::vector<std::string> names) {
    std::vector<Task<std::string>> loading;
    for (const std::string& name : names) {
        const std::string own = finder_.resolve(name);
        entry(own).by_name = true;
        loading.push_back(try_load(own, "asked for"));
    }
    if (loading.empty()) {
        co_return;
    }
    Task<std::vector<std::string>> all = execute_all(*this, std::move(loading));
    const std::vector<std::string> failures = co_await all;
    if (const std::string text = joined(failures, "; "); !text.empty()) {
        throw LoadException(text);
    }
}

Task<> Loader::unload(std::string name, bool force) {
    const std::string own = finder_.resolve(name);
    const Entry* e = find_entry(own);
    if (e == nullptr || !is_there(*e)) {
        throw LoadException("the module '" + own + "' is not loaded");
    }
    Task<> unloading = ensure_unloaded(own, "asked for", force);
    co_await unloading;
}

Task<> Loader::unload_all(bool force) {
    std::vector<Task<std::string>> unloading;
    for (const auto& [name, e] : entries_) {
        if (is_there(e)) {
            unloading.push_back(try_unload(name, "all are unloaded", force));
        }
    }
    if (unloading.empty()) {
        co_return;
    }
    Task<std::vector<std::string>> all = execute_all(*this, std::move(unloading));
    const std::vector<std::string> failures = co_await all;
    if (const std::string text = joined(failures, "; "); !text.empty()) {
        throw LoadException(text);
    }
}

void Loader::settings_changed() {
    for (auto& [name, e] : entries_) {
        if (e.module == nullptr || e.state != ModuleState::succeeded) {
            continue;
        }
        config::Problems problems;
        e.common = server_.configuration().read<CommonModuleSettings>("module." + name, problems);
        e.module->log_.set_least(log_level(e));
        const config::Description* description = e.found.type->settings;
        if (description == nullptr) {
            continue;
        }
        const std::shared_ptr<void> settings = read_settings(*e.found.type);
        void* const before = e.module->settings_.get();
        bool changed = false;
        for (const config::Setting& setting : description->settings()) {
            if (setting.type->equal(setting.value_in(before), setting.value_in(settings.get()))) {
                continue;
            }
            if (!setting.fixed) {
                changed = true;
                continue;
            }
            scheduler().log(LogLevel::warning, "module." + name + "." + setting.name +
                                                   " takes effect when the module is reloaded");
            const config::Value value = setting.type->to_json(setting.value_in(before));
            const config::Origin origin{0, {}};
            config::Reader reader(problems, {}, {});
            setting.type->read({{&value, &value.position, {}, &origin}},
                               setting.value_in(settings.get()), reader);
        }
        if (!changed) {
            continue;
        }
        const std::shared_ptr<void> old = std::exchange(e.module->settings_, settings);
        try {
            e.module->settings_changed_from(old.get());
        } catch (...) {
            scheduler().log_exception("settings_changed() of the module '" + name + "'");
        }
    }
}

// --- for loading and unloading

Task<> Loader::change_state(Entry& e, ModuleState state, std::string reason) {
    if (!may_change(e.state, state)) {
        throw std::logic_error("the module '" + e.name + "' is " + std::string(to_string(e.state)) +
                               " and cannot become " + std::string(to_string(state)));
    }
    // What takes memory comes first: without any the state stays.
    const Module* const instance = e.module.get();
    std::string text = "module '" + e.name + "': " + std::string(to_string(state)) +
                       (reason.empty() ? "" : ": " + reason);
    Ref<Event> event = make_event<ModuleStateEvent>(e.name, state, instance, reason);
    e.state = state;
    e.reason = std::move(reason);
    e.since = scheduler().now();
    if (instance != nullptr) {
        e.module->state_ = state;
    }
    scheduler().log(state == ModuleState::failed ? LogLevel::error : LogLevel::info, text);
    co_await send(std::move(event));
}

}  // namespace weir
