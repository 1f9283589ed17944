#include "modules/system/server/queue_settings.h"

#include <stdexcept>

#include "config/text/nearest_name.h"
#include "core/queue/fair_queue.h"
#include "core/queue/fifo_queue.h"
#include "core/queue/priority_queue.h"

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
                "In which order its events leave: as they came, by their key, or fairly by turns"),
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

QueueOptions queue_options(const QueueSettings& settings) {
    QueueOptions options;
    options.max_default = limit_of(settings.limit);
    options.max_total = limit_of(settings.total_limit);
    if (settings.limit && !settings.total_limit && settings.queues.empty()) {
        options.max_total = *settings.limit;
    }
    switch (settings.kind) {
        case QueueKind::fifo:
            options.kind = FifoQueue::factory();
            break;
        case QueueKind::priority:
            options.kind = PriorityQueue::factory(
                EventKey::named(settings.key.empty() ? "priority" : settings.key));
            break;
        case QueueKind::automatic: {
            FairQueueOptions fair;
            fair.key = settings.key.empty() ? EventKey::by_type() : EventKey::named(settings.key);
            fair.preserve_for_new = settings.kept_for_new;
            fair.subqueue_limit = limit_of(settings.limit_per_key);
            options.kind = FairQueue::factory(std::move(fair));
            break;
        }
    }
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
