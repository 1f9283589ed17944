#include "modules/system/event/event_exchange.h"

#include <new>
#include <utility>

#include "config/document/environment.h"
#include "config/settings/duration.h"
#include "config/settings/reader.h"
#include "config/text/nearest_name.h"
#include "config/text/quoted.h"
#include "core/run/scheduler.h"
#include "core/wait/send.h"
#include "core/wait/timeout.h"
#include "modules/system/call/api_error.h"
#include "modules/system/call/caller.h"
#include "modules/system/event/event_description.h"
#include "modules/system/event/event_error.h"
#include "modules/system/event/event_json.h"

namespace weir {

namespace {

constexpr Right list_right{"server", "list_events", true};
constexpr Right send_right{"server", "send_event"};
constexpr Right watch_right{"server", "watch_events", true};

config::Value value_of_member(const EventMember& member, const void* defaults) {
    const config::Setting& setting = member.setting;
    config::Value result = config::Value::object();
    result.add("name", setting.name).add("type", setting.type->name());
    if (std::string allowed = setting.type->allowed(); !allowed.empty()) {
        result.add("allowed", std::move(allowed));
    }
    if (!setting.unit.empty()) {
        result.add("unit", setting.unit);
    }
    result.add("required", setting.required);
    if (!setting.required) {
        result.add("default", setting.shown_value(defaults));
    }
    return std::move(result.add("description", setting.sentence));
}

config::Value value_of_type(const KnownEventType& known) {
    const EventType& type = *known.type;
    const EventDescription& description = *type.description();
    const std::shared_ptr<void> defaults = description.members().make();
    config::Value indices = config::Value::list();
    config::Value members = config::Value::list();
    for (const EventMember& member : description.all()) {
        (member.is_index ? indices : members).add(value_of_member(member, defaults.get()));
    }
    config::Value result = config::Value::object();
    result.add("type", type.name()).add("description", description.sentence());
    result.add("module", known.module.empty() ? config::Value() : config::Value(known.module));
    result.add("extends",
               type.base() == nullptr ? config::Value() : config::Value(type.base()->name()));
    result.add("ignorable", type.ignorable());
    result.add("indices", std::move(indices)).add("members", std::move(members));
    return result;
}

// Returns the matcher of the type's events with these values. The event takes them: its type knows
// how an index of it is written.
Matcher matcher_of(const EventType& type, const std::vector<IndexFilter>& filters) {
    const EventDescription& description = *type.description();
    const Ref<Event> event = description.make();
    std::vector<IndexValue> path;
    for (const EventType::Level& level : type.levels()) {
        path.push_back(level.fixed);
    }
    config::Problems problems(10);
    config::Reader reader(problems, {}, {});
    const config::Origin origin{0, {}};
    const config::Limits limits;
    config::Allowance allowance(limits);
    for (const IndexFilter& filter : filters) {
        const std::optional<std::size_t> level = type.level_of(filter.index);
        if (!level) {
            std::vector<std::string> known;
            for (const std::string_view index : type.index_names()) known.emplace_back(index);
            problems.add({}, {}, config::unknown_name("index", filter.index, known));
            continue;
        }
        const config::Value value =
            config::value_from_text(filter.value, nullptr, allowance, false);
        const config::Setting& setting = *description.members().find(filter.index);
        const config::Reader::Inside inside(reader, setting.name, setting.secret);
        setting.type->read({{&value, &value.position, {}, &origin}},
                           setting.value_in(static_cast<void*>(event.get())), reader);
        path[*level] = event->at(*level);
    }
    if (!problems.empty()) {
        std::string message;
        for (const config::Problem& problem : problems) {
            message += (message.empty() ? "" : "; ") + to_text(problem);
        }
        throw ApiException(EventError::bad_event, std::move(message));
    }
    return Matcher(path);
}

Task<bool> send_unless(Ref<Event> event, SendUntil::Until gone) {
    SendUntil sending = send(std::move(event), std::move(gone));
    co_return co_await sending;
}

}  // namespace

EventExchange::EventExchange(Scheduler& scheduler, const EventSource& source) noexcept
    : scheduler_(scheduler), source_(source), topics_(scheduler) {}

const EventType& EventExchange::find(std::string_view name) const {
    if (const EventType* type = source_.find_event_type(name)) {
        return *type;
    }
    std::vector<std::string> known;
    for (const KnownEventType& other : source_.event_types()) {
        if (why_not_portable(*other.type).empty()) {
            known.push_back(other.type->name());
        }
    }
    throw ApiException(EventError::unknown_event, config::unknown_name("event type", name, known));
}

const EventType& EventExchange::find_portable(std::string_view name, const char* what) const {
    const EventType& type = find(name);
    if (const std::string why = why_not_portable(type); !why.empty()) {
        throw ApiException(EventError::not_portable,
                           "'" + type.name() + "' cannot be " + what + ": " + why);
    }
    return type;
}

config::Value EventExchange::types() const {
    config::Value result = config::Value::list();
    for (const KnownEventType& known : source_.event_types()) {
        if (why_not_portable(*known.type).empty()) {
            result.add(value_of_type(known));
        }
    }
    return result;
}

config::Value EventExchange::type(std::string_view name) const {
    const EventType& type = find_portable(name, "described");
    for (const KnownEventType& known : source_.event_types()) {
        if (known.type == &type) {
            return value_of_type(known);
        }
    }
    return value_of_type({&type, ""});
}

Task<> EventExchange::publish(std::string type, std::string json, PublishOptions options) {
    Ref<Event> event = event_from_json(find_portable(type, "sent"), json);
    co_await send_made(std::move(event), std::move(type), options);
}

Task<> EventExchange::publish_members(std::string type, config::Value members,
                                      PublishOptions options) {
    Ref<Event> event = find_portable(type, "sent").description()->make();
    read_event(members, *event);
    co_await send_made(std::move(event), std::move(type), options);
}

Task<> EventExchange::send_made(Ref<Event> event, std::string type, PublishOptions options) {
    if (options.bridge) {
        event->set_bridged();
    }
    // The module of the type may unload while the event waits: its code must not stay for it.
    const std::uint64_t id = event->type().id();
    SendUntil::Until gone = [this, &type, id] {
        const EventType* now = source_.find_event_type(type);
        return now == nullptr || now->id() != id;
    };
    Task<bool> sending = send_unless(std::move(event), std::move(gone));
    const std::optional<bool> sent =
        co_await execute_with_timeout(options.timeout, std::move(sending));
    if (!sent) {
        throw ApiException(ApiError::timeout, "no room in the queue of '" + type + "' within " +
                                                  config::duration_text(*options.timeout));
    }
    if (!*sent) {
        throw ApiException(EventError::unknown_event,
                           "the module of '" + type + "' was unloaded, or reloaded, meanwhile");
    }
}

std::unique_ptr<EventWatch> EventExchange::watch(std::string_view type,
                                                 const std::vector<IndexFilter>& filters,
                                                 const WatchOptions& options) {
    const EventType& found = find_portable(type, "watched");
    if (!found.ignorable()) {
        throw ApiException(EventError::not_portable,
                           "'" + found.name() +
                               "' cannot be watched: its events are not ignorable, each is for the "
                               "routine that processes it");
    }
    EventTopic& topic = topics_.topic(found.name(), matcher_of(found, filters));
    std::unique_ptr<EventWatch> watch;
    try {
        watch = std::make_unique<EventWatch>(topic, options.limits, options.bridge);
    } catch (const std::bad_alloc&) {
        topics_.release(topic);
        throw;
    }
    // From here on the watch releases the topic.
    if (options.resumable) {
        topic.keep_history();
    }
    if (!options.after.empty()) {
        topic.replay(*watch, options.after);
    }
    return watch;
}

config::Value EventExchange::types(const Caller& client) const {
    client.require(list_right);
    return types();
}

config::Value EventExchange::type(const Caller& client, std::string_view name) const {
    client.require(list_right);
    return type(name);
}

Task<> EventExchange::publish(const Caller& client, std::string type, std::string json,
                              PublishOptions options) {
    client.require(send_right);
    return publish(std::move(type), std::move(json), options);
}

std::unique_ptr<EventWatch> EventExchange::watch(const Caller& client, std::string_view type,
                                                 const std::vector<IndexFilter>& filters,
                                                 const WatchOptions& options) {
    client.require(watch_right);
    return watch(type, filters, options);
}

std::vector<Right> EventExchange::rights() {
    return {list_right, send_right, watch_right};
}

std::optional<ApiError> EventExchange::refusal_to_watch(const Caller& client) {
    return client.refusal(watch_right);
}

}  // namespace weir
