#include "modules/manager/recording.h"

#include <algorithm>
#include <utility>

#include "core/run/scheduler.h"
#include "modules/manager/event_content.h"
#include "modules/system/call/json.h"
#include "modules/system/call/json_writer.h"

namespace weir {

using config::setting;

namespace {

// What is taken at a time: some milliseconds of work.
constexpr std::size_t part = 10'000;             // records
constexpr std::size_t bytes_of_part = 1U << 20;  // of texts

// Returns what writes the contents of events as JSON; null if nothing may be seen of them.
Recorder::Contents contents_for(const Caller& client, bool wanted) {
    EventContents contents(client, EventContents::no_limit);
    if (!wanted || !contents.may_see()) {
        return {};
    }
    return [contents](const Event& event) mutable {
        const Json content = contents.of(event);
        return content.is_null() ? std::string() : json_text(content);
    };
}

}  // namespace

config::Settings<StartTraceParameters> StartTraceParameters::describe() {
    using P = StartTraceParameters;
    return config::settings<P>(
        "Begins to record which routine runs when and the ways of events, until the time expires",
        setting("time", &P::time, "How long to record")
            .range(std::chrono::milliseconds(1), std::chrono::hours(1)),
        setting("records", &P::records, "How many to keep, of 40 bytes; the rest are counted")
            .unit("records")
            .range(1, 10'000'000),
        setting("contents", &P::contents,
                "Whether to record what events say, as far as the client may watch events; as many "
                "bytes as the records have"));
}

config::Settings<TraceParameters> TraceParameters::describe() {
    return config::settings<TraceParameters>(
        "",
        setting("trace", &TraceParameters::trace, "Its id, as start_trace returned it").required());
}

config::Settings<TraceStatus> TraceStatus::describe() {
    using S = TraceStatus;
    return config::settings<S>(
        "A recording", setting("trace", &S::trace, "Its id, which the other functions take"),
        setting("running", &S::running, "Whether it still records"),
        setting("left", &S::left, "How long it will still record"),
        setting("records", &S::records, "How many records it has"),
        setting("dropped", &S::dropped, "How many were dropped because it was full"));
}

Recording::Recording(Scheduler& scheduler, std::string id, const StartTraceParameters& parameters,
                     const Caller& client)
    : scheduler_(scheduler),
      id_(std::move(id)),
      ends_(scheduler.now() + parameters.time),
      asked_(scheduler.now()),
      recorder_(scheduler, parameters.records, contents_for(client, parameters.contents)) {}

void Recording::asked() noexcept {
    asked_ = scheduler_.now();
}

Duration Recording::left() const noexcept {
    return recorder_.stopped() ? Duration() : std::max(ends_ - scheduler_.now(), Duration());
}

TraceStatus Recording::status() const {
    return {.trace = id_,
            .running = !recorder_.stopped(),
            .left = std::chrono::duration_cast<std::chrono::milliseconds>(left()),
            .records = static_cast<std::int64_t>(recorder_.records().size()),
            .dropped = static_cast<std::int64_t>(recorder_.dropped())};
}

std::optional<Duration> Recording::look() {
    const Duration patient = asked_ + patience - scheduler_.now();
    if (patient <= Duration()) {
        return std::nullopt;
    }
    if (left() == Duration()) {
        stop();
        return patient;
    }
    return std::min(patient, left());
}

Json Recording::take() {
    std::deque<Recorder::Record>& records = recorder_.records();
    const std::vector<std::string>& all = recorder_.texts();
    Json texts = Json::array();
    std::size_t bytes = 0;
    Json::array_t numbers;
    numbers.reserve(std::min(part, records.size()) * 7);
    std::size_t count = 0;
    for (; count != std::min(part, records.size()) && bytes < bytes_of_part; ++count) {
        const Recorder::Record& record = records[count];
        for (; texts_taken_ <= record.text; ++texts_taken_) {
            texts.push_back(all[texts_taken_]);
            bytes += all[texts_taken_].size();
        }
        numbers.emplace_back(static_cast<unsigned>(record.kind));
        numbers.emplace_back(record.at);
        numbers.emplace_back(record.amount);
        numbers.emplace_back(record.event);
        numbers.emplace_back(record.routine);
        numbers.emplace_back(record.queue);
        numbers.emplace_back(record.text);
    }
    records.erase(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(count));
    return {{"length", recorder_.length().count()},
            {"texts", std::move(texts)},
            {"records", std::move(numbers)},
            {"left", records.size()},
            {"dropped", recorder_.dropped()}};
}

}  // namespace weir
