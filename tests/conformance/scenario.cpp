#include "tests/conformance/scenario.h"

#include <algorithm>

#include "core/queue/priority_queue.h"
#include "tests/conformance/set_order_queue.h"

namespace weir::conformance {

namespace {

IndexValue read_attribute(const Event& event, const std::string& name) {
    const Json& attributes = static_cast<const ScenarioEvent&>(event).attributes;
    const auto found = attributes.find(name);
    return found == attributes.end() ? IndexValue() : index_value(*found);
}

bool compare(const std::string& operation, const Json& a, const Json& b) {
    if (operation == "==") {
        return a == b;
    }
    return operation == "<" ? a < b : a >= b;
}

std::size_t limit(const Json& description, const char* name) {
    const auto found = description.find(name);
    return found == description.end() || found->is_null() ? unlimited : found->get<std::size_t>();
}

}  // namespace

IndexValue index_value(const Json& value) {
    return value.is_string() ? IndexValue(value.get<std::string>())
                             : IndexValue(value.get<std::int64_t>());
}

ScenarioTypes::ScenarioTypes(const Json& scenario)
    : descriptions_(scenario.at("event_types")), attributes_{"priority"} {
    const auto add_key = [&](const Json& queue) {
        if (const auto key = queue.find("key"); key != queue.end() && key->is_string()) {
            attributes_.push_back(*key);
        }
    };
    if (scenario.contains("queue")) {
        add_key(scenario["queue"]);
    }
    std::function<void(const Json&)> find_queues = [&](const Json& part) {
        if (part.is_object() && part.contains("kind")) {
            add_key(part);
        }
        if (part.is_structured()) {
            for (const Json& inner : part) {
                find_queues(inner);
            }
        }
    };
    find_queues(scenario);
    for (const auto& [name, description] : descriptions_.items()) {
        type(name);
    }
}

const EventType& ScenarioTypes::type(const std::string& name) {
    std::unique_ptr<EventType>& made = types_[name];
    if (made != nullptr) {
        return *made;
    }
    const Json& description = descriptions_.at(name);
    const auto extends = description.find("extends");
    const EventType* base = extends == description.end() || extends->is_null()
                                ? nullptr
                                : &type(extends->get<std::string>());
    made = std::make_unique<EventType>("scenario." + name, base, [](Event* event) noexcept {
        delete static_cast<ScenarioEvent*>(event);
    });
    made->set_ignorable(description.value("ignorable", true));
    std::size_t next = base == nullptr ? 0 : base->index_names().size();
    for (const Json& index : description.at("indices")) {
        if (next == ScenarioEvent::most_indices) {
            throw std::runtime_error("event type '" + name + "' has too many indices");
        }
        const ScenarioEvent place;
        made->add_index(index, reinterpret_cast<const char*>(&place.values[next++]) -
                                   reinterpret_cast<const char*>(&place));
    }
    for (const std::string& attribute : attributes_) {
        made->add_member({attribute, read_attribute});
    }
    return *made;
}

Ref<ScenarioEvent> ScenarioTypes::event(const Json& description, const std::string& name) const {
    Ref<ScenarioEvent> event(new ScenarioEvent);
    event->set_type(*types_.at(description.at("event")));
    std::size_t next = 0;
    for (const Json& value : description.at("index")) {
        event->values.at(next++) = index_value(value);
    }
    event->attributes = description.value("attributes", Json::object());
    event->name = description.value("name", name);
    return event;
}

Matcher ScenarioTypes::matcher(const Json& description) const {
    const EventType& type = *types_.at(description.at("event"));
    std::vector<IndexValue> path;
    for (const EventType::Level& level : type.levels()) {
        path.push_back(level.fixed);
    }
    for (const auto& [name, value] : description.at("index").items()) {
        path.at(type.level_of(name).value()) = index_value(value);
    }
    Predicate predicate;
    if (const auto where = description.find("where");
        where != description.end() && !where->is_null()) {
        predicate = [attribute = where->at("attribute").get<std::string>(),
                     operation = where->at("op").get<std::string>(),
                     value = where->at("value")](const Event& event) {
            const Json& attributes = static_cast<const ScenarioEvent&>(event).attributes;
            const auto found = attributes.find(attribute);
            return found != attributes.end() && compare(operation, *found, value);
        };
    }
    return Matcher(path, std::move(predicate));
}

QueueOptions ScenarioTypes::queue(const Json& description) const {
    QueueOptions options{.max_default = limit(description, "max_default"),
                         .max_total = limit(description, "max_total")};
    const std::string kind = description.at("kind");
    if (kind == "priority") {
        const auto key = description.find("key");
        options.kind = PriorityQueue::factory(EventKey::named(
            key == description.end() || key->is_null() ? "priority" : key->get<std::string>()));
    } else if (kind == "auto") {
        options.kind = SetOrderQueue::factory(
            {.key = EventKey::named(description.at("key").get<std::string>()),
             .preserve_for_new = description.value("preserve_for_new", std::size_t{1}),
             .subqueue_limit = limit(description, "subqueue_limit"),
             .returning = FairQueueOptions::Returning::last_come,
             .wakes_emptied = false});
    }
    return options;
}

}  // namespace weir::conformance
