#include "modules/system/server/queue_settings.h"

#include <memory>
#include <stdexcept>
#include <utility>

#include "config/document/fragments.h"
#include "config/document/problems.h"
#include "config/settings/reader.h"
#include "config/text/nearest_name.h"
#include "core/queue/fair_queue.h"
#include "core/queue/fifo_queue.h"
#include "core/queue/priority_queue.h"
#include "modules/system/module/module_queue_kind.h"

namespace weir {

config::Settings<QueueSettings> QueueSettings::describe() {
    using namespace config;
    return settings<QueueSettings>(
        "A queue for some events, within another queue",
        setting("event", &QueueSettings::event, "The type of the events").not_empty().required(),
        setting("index", &QueueSettings::index, "Values that the events' indices must have"),
        setting("name", &QueueSettings::name, "Its name in listings"),
        setting("priority", &QueueSettings::priority, "Events of queues with a larger one go first")
            .range(0, 10'000),
        setting("kind", &QueueSettings::kind,
                "In which order its events leave: fifo, as they came; priority, by their key; "
                "fair (or auto), by turns; or a kind that a module brings")
            .not_empty(),
        setting("settings", &QueueSettings::kind_settings,
                "Settings of the kind, if a module brings it"),
        setting("key", &QueueSettings::key,
                "The index by which a priority queue orders and a fair queue tells events apart; "
                "default: \"priority\", or the type"),
        setting("limit", &QueueSettings::limit, "How many events it takes; null: any number")
            .at_least(1)
            .unit("events"),
        setting("total_limit", &QueueSettings::total_limit,
                "How many events it takes with all queues in it; null: any number")
            .at_least(1)
            .unit("events"),
        setting("limit_per_key", &QueueSettings::limit_per_key,
                "How many events of one key a fair queue takes; null: any number")
            .at_least(1)
            .unit("events"),
        setting("kept_for_new", &QueueSettings::kept_for_new,
                "How many places of its limit a fair queue keeps for keys that have no event yet")
            .unit("events"),
        setting("queues", &QueueSettings::queues, "Queues within this one"));
}

const std::vector<std::string>& standard_queue_kinds() {
    static const std::vector<std::string> kinds{"fifo", "priority", "fair", "auto"};
    return kinds;
}

namespace {

LeafQueueFactory standard_kind(const QueueSettings& settings) {
    if (settings.kind == "priority") {
        return PriorityQueue::factory(
            EventKey::named(settings.key.empty() ? "priority" : settings.key));
    }
    if (settings.kind == "fifo") {
        return FifoQueue::factory();
    }
    FairQueueOptions fair;
    fair.key = settings.key.empty() ? EventKey::by_type() : EventKey::named(settings.key);
    fair.preserve_for_new = settings.kept_for_new;
    fair.subqueue_limit = limit_of(settings.limit_per_key);
    return FairQueue::factory(std::move(fair));
}

LeafQueueFactory module_kind(const QueueSettings& settings, const ModuleQueueKind& kind) {
    if (kind.settings == nullptr) {
        return kind.make(nullptr);
    }
    const std::shared_ptr<void> own = kind.settings->make();
    if (settings.kind_settings) {
        config::Problems problems;  // reported before
        const config::Position nowhere;
        const config::Origin origin{0, {}};
        config::Reader reader(problems, nowhere, {});
        kind.settings->read({{&*settings.kind_settings, &nowhere, {}, &origin}}, own.get(), reader,
                            config::Unknown::ignore);
    }
    return kind.make(own.get());
}

}  // namespace

QueueOptions queue_options(const QueueSettings& settings, const ModuleQueueKind* kind) {
    QueueOptions options;
    options.max_default = limit_of(settings.limit);
    options.max_total = limit_of(settings.total_limit);
    if (settings.limit && !settings.total_limit && settings.queues.empty()) {
        options.max_total = *settings.limit;
    }
    options.kind = kind == nullptr ? standard_kind(settings) : module_kind(settings, *kind);
    return options;
}

Matcher queue_matcher(const QueueSettings& settings, const EventType& type) {
    std::vector<IndexValue> path;
    for (const EventType::Level& level : type.levels()) {
        path.push_back(level.fixed);
    }
    for (const auto& [name, value] : settings.index) {
        const std::optional<std::size_t> level = type.level_of(name);
        if (!level) {
            std::vector<std::string> known;
            for (const std::string_view index : type.index_names()) known.emplace_back(index);
            throw std::invalid_argument(config::unknown_name("index", name, known));
        }
        path[*level] = std::visit([](const auto& content) { return IndexValue(content); }, value);
    }
    return Matcher(path);
}

}  // namespace weir
