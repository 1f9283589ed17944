#include <algorithm>
#include <map>

#include "core/event/blocked_events.h"
#include "core/event/match_tree.h"
#include "tests/conformance/scenario.h"

namespace weir::conformance {

namespace {

// A scenario's steps on a match tree, an event tree and a queue tree.
class Structures {
public:
    Structures(const Json& scenario, const Way& way)
        : scenario_(scenario), types_(scenario), root_(new Queue(root_options(way))) {
        for (const auto& [name, description] : scenario.at("matchers").items()) {
            matchers_[name] = types_.matcher(description);
        }
        for (const auto& [name, description] : scenario.at("events").items()) {
            events_[name] = types_.event(description, name);
        }
        queues_["root"] = root_;
        for (const Json& queue : scenario.at("queues")) {
            add_queue(queue);
        }
    }

    Json run() {
        Json trace = Json::array();
        for (const Json& step : scenario_.at("steps")) {
            trace.push_back(perform(step[0], step));
        }
        return trace;
    }

private:
    QueueOptions root_options(const Way& way) const {
        QueueOptions options = types_.queue(scenario_["queue"]);
        options.compiled = way.compiled;
        return options;
    }

    struct Object : Matchable {
        std::string name;
    };
    // A sender that waits for capacity, with its latest matcher.
    struct Waiting {
        std::string name;
        Matcher matcher;
    };

    static const std::string& name_of(const Event& event) {
        return static_cast<const ScenarioEvent&>(event).name;
    }

    const std::string& queue_name(const Queue& queue) const {
        return std::find_if(queues_.begin(), queues_.end(),
                            [&](const auto& named) { return named.second.get() == &queue; })
            ->first;
    }

    const std::string& matcher_name(const Matcher& matcher) const {
        return std::find_if(matchers_.begin(), matchers_.end(),
                            [&](const auto& named) { return named.second == matcher; })
            ->first;
    }

    void add_queue(const Json& description) {
        const std::string name = description.at("name");
        Queue& parent = *queues_.at(description.at("parent"));
        queues_[name] =
            parent.add(name, description.at("priority"), types_.matcher(description.at("matcher")),
                       types_.queue(description));
    }

    // Returns the senders that the signals wake. They wait no longer.
    Json told(const QueueSignals& signals) {
        Json woken = Json::array();
        std::erase_if(waiting_, [&](const Waiting& waiting) {
            const bool wakes = std::any_of(
                signals.can_write.begin(), signals.can_write.end(), [&](const auto& signal) {
                    return waiting.matcher.matches_path(*signal) && waiting.matcher.judge(*signal);
                });
            if (wakes) {
                woken.push_back(waiting.name);
            }
            return wakes;
        });
        Json empty = Json::array();
        for (const auto& signal : signals.empty) {
            empty.push_back(queue_name(*signal->queue));
        }
        return {{"can_write", std::move(woken)}, {"empty", std::move(empty)}};
    }

    Json perform(const std::string& operation, const Json& step) {
        if (operation.starts_with("match.")) {
            return perform_match(operation.substr(6), step);
        }
        if (operation.starts_with("event.")) {
            return perform_event(operation.substr(6), step);
        }
        return perform_queue(operation.substr(6), step);
    }

    Json perform_match(const std::string& operation, const Json& step) {
        if (operation == "insert") {
            Object& object = objects_[step[2]];
            object.name = step[2];
            auto& entry = entries_[{step[1], step[2]}];
            entry = std::make_unique<MatchTree::Entry>(object, matchers_.at(step[1]));
            match_tree_.insert(*entry);
            return nullptr;
        }
        if (operation == "remove") {
            entries_.erase({step[1], step[2]});
            return nullptr;
        }
        const Event& event = *events_.at(step[1]);
        if (operation == "first") {
            const MatchTree::Entry* entry = match_tree_.match_first(event);
            return entry == nullptr ? Json() : Json(object_name(*entry));
        }
        std::vector<MatchTree::Entry*> found;
        match_tree_.match_all(event, found);
        Json result = Json::array();
        for (const MatchTree::Entry* entry : found) {
            result.push_back({object_name(*entry), matcher_name(entry->matcher)});
        }
        return result;
    }

    static const std::string& object_name(const MatchTree::Entry& entry) {
        return static_cast<const Object*>(entry.object())->name;
    }

    Json perform_event(const std::string& operation, const Json& step) {
        if (operation == "insert") {
            blocked_events_.insert(*events_.at(step[1]));
            return nullptr;
        }
        std::vector<Ref<Event>> taken;
        blocked_events_.take(matchers_.at(step[1]), taken);
        Json names = Json::array();
        for (const Ref<Event>& event : taken) {
            names.push_back(name_of(*event));
        }
        return names;
    }

    Json append(const std::string& name, bool force) {
        Ref<ScenarioEvent>& event = events_.at(name);
        if (event->queued()) {
            // In the original an event may be queued twice. Here the second is another event.
            event = types_.event(scenario_.at("events").at(name), name);
        }
        Matcher wait = root_->append(*event, force);
        if (!wait) {
            return "ok";
        }
        const auto before = std::find_if(waiting_.begin(), waiting_.end(),
                                         [&](const Waiting& w) { return w.name == name; });
        if (before != waiting_.end()) {
            before->matcher = std::move(wait);  // it keeps its position
        } else {
            waiting_.push_back({name, std::move(wait)});
        }
        return "full";
    }

    Json pop() {
        if (!root_->can_pop()) {
            return nullptr;
        }
        QueueSignals signals;
        const Ref<Event> event = root_->pop(signals);
        const std::string& name = name_of(*event);
        events_[name] = Ref<ScenarioEvent>(static_cast<ScenarioEvent*>(event.get()));
        Json result = told(signals);
        result["event"] = name;
        emptied_[name] = std::move(signals.empty);
        return result;
    }

    Json perform_queue(const std::string& operation, const Json& step) {
        if (operation == "append") {
            return append(step[1], step[2]);
        }
        if (operation == "pop") {
            return pop();
        }
        if (operation == "block") {
            blocked_[step[1]] = events_.at(step[1]);
            root_->block(*events_.at(step[1]), emptied_[step[1]]);
            return nullptr;
        }
        if (operation == "unblock") {
            Queue::unblock(*blocked_.at(step[1]));
            return nullptr;
        }
        if (operation == "unblock_all") {
            root_->unblock_all();
            return nullptr;
        }
        if (operation == "can_pop") {
            return root_->can_pop();
        }
        if (operation == "add") {
            add_queue(step[1]);
            return nullptr;
        }
        const Ref<Queue> queue = queues_.at(step[1]);
        QueueSignals signals;
        if (operation == "clear") {
            queue->clear(signals);
            return told(signals);
        }
        if (operation == "set_priority") {
            queue->parent()->set_priority(*queue, step[2]);
            return nullptr;
        }
        if (operation == "remove") {
            queue->parent()->remove(*queue, signals);
            Json result = told(signals);
            queues_.erase(step[1]);
            return result;
        }
        if (operation == "wait_empty") {
            return queue->wait_for_empty() ? "waiting" : "empty";
        }
        if (operation == "size") {
            return queue->size();
        }
        throw std::runtime_error("unknown step queue." + operation);
    }

    const Json& scenario_;
    const ScenarioTypes types_;
    std::map<std::string, Matcher> matchers_;
    std::map<std::string, Ref<ScenarioEvent>> events_;
    // The event that was blocked under a name: meanwhile another one may have it.
    std::map<std::string, Ref<ScenarioEvent>> blocked_;
    std::map<std::string, Object> objects_;
    MatchTree match_tree_;
    std::map<std::pair<std::string, std::string>, std::unique_ptr<MatchTree::Entry>> entries_;
    BlockedEvents blocked_events_;
    Ref<Queue> root_;
    std::map<std::string, Ref<Queue>> queues_;
    std::vector<Waiting> waiting_;
    std::map<std::string, std::vector<Ref<QueueIsEmptyEvent>>> emptied_;
};

}  // namespace

Json run_structures(const Json& scenario, const Way& way) {
    return Structures(scenario, way).run();
}

}  // namespace weir::conformance
