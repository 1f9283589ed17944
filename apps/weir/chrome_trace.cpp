#include "apps/weir/chrome_trace.h"

#include <algorithm>
#include <cstdio>
#include <ostream>
#include <stdexcept>
#include <utility>

#include "modules/system/call/json.h"

namespace weir::app {

namespace {

// Chrome groups lines by process: here one has the routines, one the queues.
constexpr int routines_line = 1;
constexpr int queues_line = 2;

std::string json(const std::string& text) {
    return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Chrome counts in microseconds.
std::string microseconds(std::int64_t nanoseconds) {
    char text[32];
    std::snprintf(text, sizeof text, "%lld.%03lld", static_cast<long long>(nanoseconds / 1000),
                  static_cast<long long>(nanoseconds % 1000));
    return text;
}

}  // namespace

// --- reading

void ChromeTrace::add(const Json& part) {
    for (const Json& text : part.at("texts")) {
        texts_.push_back(text.get<std::string>());
    }
    const Json& numbers = part.at("records");
    if (numbers.size() % 7 != 0) {
        throw std::out_of_range("a record of the trace is not whole");
    }
    for (std::size_t i = 0; i != numbers.size(); i += 7) {
        Record record{.kind = static_cast<Kind>(numbers[i].get<std::uint8_t>()),
                      .routine = numbers[i + 4].get<std::uint32_t>(),
                      .queue = numbers[i + 5].get<std::uint32_t>(),
                      .text = numbers[i + 6].get<std::uint32_t>(),
                      .at = numbers[i + 1].get<std::int64_t>(),
                      .amount = numbers[i + 2].get<std::int64_t>(),
                      .event = numbers[i + 3].get<std::uint64_t>()};
        static_cast<void>(texts_.at(record.text));
        add(record);
    }
}

void ChromeTrace::add(const Record& record) {
    const auto moment = [&](What what, std::uint32_t line) {
        entries_.push_back({.what = what,
                            .line = line,
                            .text = record.text,
                            .at = record.at,
                            .content = content_of(record.event)});
    };
    switch (record.kind) {
        case Kind::routine: {
            std::vector<std::uint32_t>& free = free_lines_[record.text];
            if (free.empty()) {
                lines_.push_back(record.text);
                line_[record.routine] = static_cast<std::uint32_t>(lines_.size());
            } else {
                line_[record.routine] = free.back();
                free.pop_back();
            }
            break;
        }
        case Kind::ended:
            if (const std::uint32_t line = line_of(record.routine)) {
                free_lines_[lines_[line - 1]].push_back(line);
                line_.erase(record.routine);
            }
            break;
        case Kind::queue:
            queues_[record.queue] = record.text;
            size(record.queue, record.at, record.amount);
            break;
        case Kind::ran:
            ran(record);
            break;
        case Kind::queued:
            queued_[record.event] = {record.queue, line_of(record.routine), record.at,
                                     take_content(record.event)};
            moment(What::queued, record.queue);
            size(record.queue, record.at, record.amount);
            break;
        case Kind::popped:
            popped(record);
            break;
        case Kind::refused:
            moment(What::refused, line_of(record.routine));
            break;
        case Kind::blocked:
            queued_[record.event] = {record.queue, 0, record.at, content_of(record.event)};
            moment(What::blocked, record.queue);
            size(record.queue, record.at, record.amount);
            break;
        case Kind::unblocked:
            if (const auto known = queued_.find(record.event); known != queued_.end()) {
                moment(What::unblocked, known->second.queue);
            }
            break;
        case Kind::withdrawn:
            withdrawn(record);
            break;
        case Kind::handled:
            moment(What::handled, 0);
            break;
        case Kind::content:
            // Written into the trace as it is.
            if (!Json::accept(texts_[record.text])) {
                throw std::out_of_range("the content of an event is no JSON");
            }
            content_ = record;
            break;
    }
}

// Returns what the event says that is in a queue, or has just left one; 0 if that is not known.
std::uint32_t ChromeTrace::content_of(std::uint64_t event) const {
    if (const auto queued = queued_.find(event); queued != queued_.end()) {
        return queued->second.content;
    }
    return event != 0 && popped_.event == event ? popped_.entry.content : 0;
}

// The same of an event that enters or leaves a queue now: the record before may tell.
std::uint32_t ChromeTrace::take_content(std::uint64_t event) {
    const Record told = std::exchange(content_, {});
    return told.event == event ? told.text : 0;
}

void ChromeTrace::withdrawn(const Record& record) {
    const auto found = queued_.find(record.event);
    if (found == queued_.end()) {
        return;  // it was queued before the recording
    }
    const Queued before = found->second;
    entries_.push_back({.what = What::withdrawn,
                        .line = before.queue,
                        .text = record.text,
                        .at = record.at,
                        .content = before.content});
    queued_.erase(found);
    left_queue(before.queue, record.at);
}

// An event that was queued before the recording has no known queue.
void ChromeTrace::popped(const Record& record) {
    end_processed();
    const std::uint32_t told = take_content(record.event);
    const auto found = queued_.find(record.event);
    const Queued before =
        found == queued_.end() ? Queued{.at = record.at} : std::exchange(found->second, {});
    popped_ = {record.event,
               {.what = What::processed,
                .line = before.queue,
                .text = record.text,
                .at = record.at,
                .amount = 0,
                .number = static_cast<std::uint64_t>(record.at - before.at),
                .content = told != 0 ? told : before.content}};
    if (found == queued_.end()) {
        return;
    }
    queued_.erase(found);
    if (before.sender != 0) {
        ++arrows_;
        entries_.push_back(
            {.what = What::arrow_from, .line = before.sender, .at = before.at, .number = arrows_});
        entries_.push_back(
            {.what = What::arrow_into, .line = before.queue, .at = record.at, .number = arrows_});
    }
    left_queue(before.queue, record.at);
}

void ChromeTrace::left_queue(std::uint32_t queue, std::int64_t at) {
    if (const auto known = sizes_.find(queue); known != sizes_.end()) {
        size(queue, at, std::max<std::int64_t>(known->second - 1, 0));
    }
}

void ChromeTrace::ran(const Record& record) {
    const std::uint32_t line = line_of(record.routine);
    entries_.push_back({.what = What::run,
                        .line = line,
                        .text = record.text,
                        .at = record.at,
                        .amount = record.amount,
                        .content = content_of(record.event)});
    if (record.event == 0 || record.event != popped_.event) {
        return;
    }
    Entry& processed = popped_.entry;
    processed.amount = std::max(processed.amount, record.at + record.amount - processed.at);
    ++arrows_;
    entries_.push_back(
        {.what = What::arrow_out, .line = processed.line, .at = processed.at, .number = arrows_});
    entries_.push_back({.what = What::arrow_to, .line = line, .at = record.at, .number = arrows_});
}

void ChromeTrace::end_processed() {
    if (std::exchange(popped_.event, 0) != 0) {
        entries_.push_back(popped_.entry);
    }
}

void ChromeTrace::size(std::uint32_t queue, std::int64_t at, std::int64_t size) {
    if (queue == 0) {
        return;
    }
    sizes_[queue] = size;
    entries_.push_back({.what = What::size, .line = queue, .at = at, .amount = size});
}

std::uint32_t ChromeTrace::line_of(std::uint32_t routine) const {
    const auto known = line_.find(routine);
    return known == line_.end() ? 0 : known->second;
}

// --- writing

void ChromeTrace::write(std::ostream& out, Json about) {
    end_processed();
    // Viewers attach an arrow to the slice before it, and nest slices in the order of the file: an
    // enclosing slice comes first, then what is in it, then arrows.
    const auto rank = [](const Entry& entry) {
        return entry.what <= What::processed ? 0 : entry.what < What::arrow_from ? 1 : 2;
    };
    std::stable_sort(entries_.begin(), entries_.end(), [&](const Entry& a, const Entry& b) {
        if (a.at != b.at) return a.at < b.at;
        if (rank(a) != rank(b)) return rank(a) < rank(b);
        return rank(a) == 0 && a.amount > b.amount;
    });
    const std::set<std::uint64_t> loose = loose_arrows();
    out << "{\"displayTimeUnit\": \"ms\", \"otherData\": " << about.dump()
        << ", \"traceEvents\": [\n";
    write_lines(out);
    for (const Entry& entry : entries_) {
        if (entry.what < What::arrow_from || !loose.contains(entry.number)) {
            out << ",\n";
            write_entry(out, entry);
        }
    }
    out << "\n]}\n";
}

// Returns the arrows that begin or end in no slice, because its record was dropped. The entries
// must be in order.
std::set<std::uint64_t> ChromeTrace::loose_arrows() const {
    std::set<std::uint64_t> loose;
    std::map<std::pair<bool, std::uint32_t>, std::int64_t> ends;  // of slices, by line
    for (const Entry& entry : entries_) {
        const bool of_queue = entry.what == What::processed || entry.what == What::arrow_into ||
                              entry.what == What::arrow_out;
        const auto end = ends.try_emplace({of_queue, entry.line}, -1).first;
        if (entry.what <= What::processed) {
            end->second = std::max(end->second, entry.at + entry.amount);
        } else if (entry.what >= What::arrow_from && end->second < entry.at) {
            loose.insert(entry.number);
        }
    }
    return loose;
}

void ChromeTrace::write_lines(std::ostream& out) const {
    const char* separator = "";
    const auto name = [&](const char* what, int process, std::size_t line,
                          const std::string& its_name) {
        out << separator << R"({"ph": "M", "name": ")" << what << R"(", "pid": )" << process
            << R"(, "tid": )" << line << R"(, "args": {"name": )" << json(its_name) << "}}";
        separator = ",\n";
    };
    name("process_name", routines_line, 0, "routines");
    name("process_name", queues_line, 0, "queues");
    name("thread_name", routines_line, 0, "others");
    for (std::size_t i = 0; i != lines_.size(); ++i) {
        name("thread_name", routines_line, i + 1, texts_[lines_[i]]);
    }
    name("thread_name", queues_line, 0, "queued before the recording");
    for (const auto& [number, text] : queues_) {
        name("thread_name", queues_line, number, texts_[text]);
    }
}

void ChromeTrace::write_entry(std::ostream& out, const Entry& entry) const {
    const auto begin = [&](const char* phase, int process, const std::string& its_name) {
        out << R"({"ph": ")" << phase << R"(", "name": )" << json(its_name) << R"(, "pid": )"
            << process << R"(, "tid": )" << entry.line << R"(, "ts": )" << microseconds(entry.at);
    };
    // Writes a member that says what the event says, if that is known.
    const auto content = [&](const char* before, const char* after) {
        if (entry.content != 0) {
            out << before << R"("event": )" << texts_[entry.content] << after;
        }
    };
    const auto moment = [&](int process, const char* what) {
        begin("i", process, what + texts_[entry.text]);
        out << R"(, "s": "t")";
        content(R"(, "args": {)", "}");
        out << "}";
    };
    const auto arrow = [&](const char* phase, int process, const char* what) {
        begin(phase, process, what);
        out << R"(, "cat": "event", "bp": "e", "id": )" << entry.number << "}";
    };
    switch (entry.what) {
        case What::run:
            begin("X", routines_line, entry.text == 0 ? "runs" : texts_[entry.text]);
            out << R"(, "dur": )" << microseconds(entry.amount);
            content(R"(, "args": {)", "}");
            out << "}";
            break;
        case What::processed:
            begin("X", queues_line, texts_[entry.text]);
            out << R"(, "dur": )" << microseconds(entry.amount) << R"(, "args": {"waited_us": )"
                << microseconds(static_cast<std::int64_t>(entry.number));
            content(", ", "");
            out << "}}";
            break;
        case What::queued:
            return moment(queues_line, "queued: ");
        case What::blocked:
            return moment(queues_line, "blocks: ");
        case What::unblocked:
            return moment(queues_line, "unblocks: ");
        case What::withdrawn:
            return moment(queues_line, "withdrawn: ");
        case What::refused:
            return moment(routines_line, "queue full: ");
        case What::handled:
            return moment(routines_line, "a handler gets: ");
        case What::size:
            begin("C", queues_line, "in " + texts_[queues_.at(entry.line)]);
            out << R"(, "args": {"events": )" << entry.amount << "}}";
            break;
        case What::arrow_from:
            return arrow("s", routines_line, "sent");
        case What::arrow_into:
            return arrow("f", queues_line, "sent");
        case What::arrow_out:
            return arrow("s", queues_line, "delivered");
        case What::arrow_to:
            return arrow("f", routines_line, "delivered");
    }
}

}  // namespace weir::app
