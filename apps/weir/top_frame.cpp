#include "apps/weir/top_frame.h"

#include <algorithm>
#include <map>
#include <utility>

#include "apps/weir/figures.h"
#include "config/text/utf8.h"
#include "modules/system/call/json.h"

namespace weir::app {

namespace {

// The texts of the first column are cut here; other columns are cut by the width of the terminal.
constexpr std::size_t widest_name = 40;

struct Cell {
    std::string text;
    double number = 0;  // to sort by, in a column of numbers
};

struct Column {
    const char* title;
    bool is_number = false;
};

struct Table {
    std::vector<Column> columns;
    std::vector<std::vector<Cell>> rows;
};

Cell number(double value) {
    return {figure(value), value};
}
Cell number(const Json& json) {
    return number(json.get<double>());
}
Cell limit(const Json& json) {
    return json.is_null() ? Cell{"", -1} : number(json);
}
Cell seconds(const Json& json) {
    return {duration_text(json.get<double>()), json.get<double>()};
}
Cell bytes(const Json& json) {
    return {size_text(json.get<double>()), json.get<double>()};
}
Cell text(const Json& json) {
    return {shown(json)};
}

// The rates of counters between two answers of one process.
class Rates {
public:
    Rates(const Json& before, const Json& now) {
        if (before.is_object() && before.at("process") == now.at("process")) {
            seconds_ = now.at("time").get<double>() - before.at("time").get<double>();
        }
    }

    bool known() const { return seconds_ > 0; }
    // The rate of a counter; unknown if the counter is new, or has started again from 0.
    Cell of(const Json* before, const Json& now) const {
        if (!known() || before == nullptr || !before->is_number() || *before > now) {
            return {"-", -1};
        }
        return number((now.get<double>() - before->get<double>()) / seconds_);
    }
    std::string of(const Json& before, const Json& now, const Json::json_pointer& counter) const {
        return !known() || !before.contains(counter) || !now.contains(counter)
                   ? "-"
                   : of(&before.at(counter), now.at(counter)).text;
    }

private:
    double seconds_ = 0;
};

// --- the views

std::string queue_name(const Json& queue) {
    std::string name = shown(queue.at("name"));
    return name.empty() ? shown(queue.at("matcher")) : name;
}

void collect_counters(const Json& queue, const std::string& path,
                      std::map<std::string, const Json*>& counters) {
    counters[path] = &queue.at("popped");
    for (const Json& subqueue : queue.at("subqueues")) {
        collect_counters(subqueue, path + '/' + queue_name(subqueue), counters);
    }
}

void add_queue(Table& table, const Json& queue, const std::string& path, const Rates& rates,
               const std::map<std::string, const Json*>& counters) {
    const auto counter = counters.find(path);
    table.rows.push_back(
        {{path},
         rates.of(counter == counters.end() ? nullptr : counter->second, queue.at("popped")),
         number(queue.at("size")),
         limit(queue.at("max_total").is_null() ? queue.at("max_default") : queue.at("max_total")),
         number(queue.at("blocked")),
         number(queue.at("waiting_senders")),
         number(queue.at("popped")),
         number(queue.at("priority")),
         text(queue.at("module"))});
    for (const Json& subqueue : queue.at("subqueues")) {
        add_queue(table, subqueue, path + '/' + queue_name(subqueue), rates, counters);
    }
}

Table queues(const Json& before, const Json& now) {
    Table table{{{"QUEUE"},
                 {"EVENTS/S", true},
                 {"SIZE", true},
                 {"LIMIT", true},
                 {"BLOCKED", true},
                 {"SENDERS", true},
                 {"LEFT", true},
                 {"PRIORITY", true},
                 {"MODULE"}},
                {}};
    std::map<std::string, const Json*> counters;
    const Rates rates(before, now);
    if (rates.known() && before.contains("queue")) {
        collect_counters(before.at("queue"), "root", counters);
    }
    add_queue(table, now.at("queue"), "root", rates, counters);
    return table;
}

Table modules(const Json& now) {
    Table table{{{"MODULE"},
                 {"STATE"},
                 {"SINCE", true},
                 {"CALLS", true},
                 {"ROUTINES", true},
                 {"TIMERS", true},
                 {"QUEUED", true},
                 {"BLOCKED", true},
                 {"MEMORY", true},
                 {"LIBRARY", true},
                 {"REASON"}},
                {}};
    for (const Json& module : now.at("modules")) {
        table.rows.push_back(
            {text(module.at("name")), text(module.at("state")), seconds(module.at("seconds")),
             number(module.at("calls")), number(module.at("routines")), number(module.at("timers")),
             number(module.at("queued")), number(module.at("blocked")), bytes(module.at("memory")),
             bytes(module.at("library")), text(module.at("reason"))});
    }
    return table;
}

Table routines(const Json& now) {
    Table table{{{"ROUTINE"},
                 {"MODULE"},
                 {"STATE"},
                 {"SINCE", true},
                 {"TIMERS", true},
                 {"MEMORY", true},
                 {"WAITS FOR"}},
                {}};
    for (const Json& routine : now.at("routines")) {
        const bool waits = routine.contains("waits_for");
        const bool named = routine.at("name") != "";
        table.rows.push_back({text(routine.at(named ? "name" : "started_at")),
                              text(routine.at("module")), text(routine.at("state")),
                              waits ? seconds(routine.at("seconds")) : Cell{"", -1},
                              number(routine.at("timers")), bytes(routine.at("memory")),
                              waits ? text(routine.at("waits_for")) : Cell{}});
    }
    return table;
}

Table locks(const Json& now) {
    Table table{{{"LOCK"},
                 {"CONTEXT"},
                 {"PLACES", true},
                 {"HELD", true},
                 {"WAITING", true},
                 {"LONGEST", true},
                 {"HELD BY"}},
                {}};
    if (now.at("locks").is_null()) {
        return table;
    }
    for (const Json& lock : now.at("locks")) {
        const Json& holders = lock.at("holders");
        const Json& waiters = lock.at("waiters");
        table.rows.push_back(
            {text(lock.at("key")), text(lock.at("context")), number(lock.at("size")),
             number(lock.at("holding")), number(lock.at("waiting")),
             waiters.empty() ? Cell{"", -1} : seconds(waiters.front().at("seconds")),
             holders.empty() ? Cell{}
                             : Cell{shown(holders.front().at("owner")) + " for " +
                                    seconds(holders.front().at("seconds")).text}});
    }
    return table;
}

Table rules(const Json& before, const Json& now) {
    Table table{{{"RULE"},
                 {"ON"},
                 {"STATE"},
                 {"RUNS/S", true},
                 {"RUNS", true},
                 {"RUNNING", true},
                 {"WAITING", true},
                 {"FAILED", true},
                 {"RETRIES", true},
                 {"DROPPED", true}},
                {}};
    std::map<std::string, const Json*> counters;
    const Rates rates(before, now);
    if (rates.known() && before.contains("rules")) {
        for (const Json& rule : before.at("rules")) {
            counters[rule.at("name").get<std::string>()] = &rule.at("runs");
        }
    }
    for (const Json& rule : now.at("rules")) {
        const auto counter = counters.find(rule.at("name").get<std::string>());
        table.rows.push_back(
            {text(rule.at("name")), text(rule.at("on")), text(rule.at("state")),
             rates.of(counter == counters.end() ? nullptr : counter->second, rule.at("runs")),
             number(rule.at("runs")), number(rule.at("running")), number(rule.at("waiting")),
             number(rule.at("failed")), number(rule.at("retries")), number(rule.at("dropped"))});
    }
    return table;
}

Table make_table(TopView view, const Json& before, const Json& now) {
    switch (view) {
        case TopView::modules:
            return modules(now);
        case TopView::routines:
            return routines(now);
        case TopView::locks:
            return locks(now);
        case TopView::rules:
            return rules(before, now);
        case TopView::queues:
            break;
    }
    return queues(before, now);
}

// --- text

void sort(Table& table, const TopOrder& order) {
    const std::size_t column = order.column;
    const bool is_number = table.columns[column].is_number;
    std::stable_sort(table.rows.begin(), table.rows.end(), [&](const auto& a, const auto& b) {
        const Cell& first = order.reversed ? b[column] : a[column];
        const Cell& second = order.reversed ? a[column] : b[column];
        return is_number ? first.number > second.number : first.text < second.text;
    });
}

std::string cut(std::string line, std::size_t width) {
    if (width == 0) {
        return line;
    }
    std::size_t end = 0;
    for (std::size_t count = 0; end < line.size() && count != width; ++count) {
        end += std::max<std::size_t>(config::utf8_length(std::string_view(line).substr(end)), 1);
    }
    line.resize(std::min(end, line.size()));
    return line;
}

std::string padded(const std::string& cell, std::size_t width, bool to_the_right) {
    const std::size_t length = config::utf8_count(cell);
    const std::string blanks(length < width ? width - length : 0, ' ');
    return to_the_right ? blanks + cell : cell + blanks;
}

// Returns the lines of a table, the titles first, with a * at the one that the rows are sorted by.
std::vector<std::string> lines_of(Table& table, std::size_t sorted_by) {
    std::vector<std::string> titles;
    std::vector<std::size_t> widths;
    for (std::size_t column = 0; column != table.columns.size(); ++column) {
        titles.push_back(table.columns[column].title + std::string(column == sorted_by ? "*" : ""));
        widths.push_back(titles.back().size());
        for (std::vector<Cell>& row : table.rows) {
            std::string& cell = row[column].text;
            if (column == 0) {
                cell = cut(std::move(cell), widest_name);
            }
            widths[column] = std::max(widths[column], config::utf8_count(cell));
        }
    }
    std::vector<std::string> lines;
    const auto add = [&](const auto& text_of) {
        std::string line;
        for (std::size_t column = 0; column != widths.size(); ++column) {
            line += (column == 0 ? "" : "  ") +
                    padded(text_of(column), widths[column], table.columns[column].is_number);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        lines.push_back(std::move(line));
    };
    add([&](std::size_t column) { return titles[column]; });
    for (const std::vector<Cell>& row : table.rows) {
        add([&](std::size_t column) { return row[column].text; });
    }
    return lines;
}

bool routines_left_out(const Json& now) {
    return now.contains("routines") &&
           now.at("routines").size() < now.at("counts").at("routines").get<std::size_t>();
}

bool locks_left_out(const Json& now) {
    return now.contains("locks_left_out") && now.at("locks_left_out").get<bool>();
}

std::vector<std::string> summary(const std::string& address, const Json& before, const Json& now) {
    const Json& counts = now.at("counts");
    const Rates rates(before, now);
    std::string events = "events: " + rates.of(before, now, Json::json_pointer("/counts/popped")) +
                         "/s, " + number(counts.at("queued")).text + " queued, " +
                         number(counts.at("blocked")).text + " blocked";
    if (const Json& locks = now.at("lock_statistics"); !locks.is_null()) {
        events +=
            "   locks: " + rates.of(before, now, Json::json_pointer("/lock_statistics/acquired")) +
            "/s, " + number(locks.at("holding")).text + " held, " +
            number(locks.at("waiting")).text + " waited for" +
            (locks_left_out(now) ? " (not all listed)" : "");
    }
    return {"process " + now.at("process").dump() + " at " + address +
                (now.at("quitting").get<bool>() ? ", quitting" : ""),
            std::move(events),
            "modules: " + std::to_string(now.at("modules").size()) +
                "   routines: " + number(counts.at("routines")).text +
                (routines_left_out(now) ? " (not all listed)" : "") +
                "   timers: " + number(counts.at("timers")).text +
                "   memory: " + bytes(now.at("memory").at("resident")).text + ", heap " +
                bytes(now.at("memory").at("heap")).text};
}

}  // namespace

Json top_parameters(TopView view) {
    return {{"queues", view == TopView::queues},
            {"routines", view == TopView::routines},
            {"locks", view == TopView::locks}};
}

TopFrame top_frame(const std::string& address, const Json& before, const Json& now, TopState& state,
                   std::size_t width, std::size_t height) {
    Table table = make_table(state.view, before, now);
    TopOrder& order = state.order();
    order.column = std::min(order.column, table.columns.size() - 1);
    sort(table, order);

    TopFrame frame;
    frame.lines = summary(address, before, now);
    frame.lines.emplace_back();
    frame.titles = frame.lines.size();
    frame.rows = table.rows.size();
    const std::vector<std::string> lines = lines_of(table, order.column);
    frame.lines.push_back(lines[0]);
    const std::size_t place =
        height == 0 ? frame.rows : height - std::min(height, frame.lines.size());
    state.scrolled = std::min(state.scrolled, frame.rows - std::min(frame.rows, place));
    for (std::size_t row = state.scrolled; row != std::min(frame.rows, state.scrolled + place);
         ++row) {
        frame.lines.push_back(lines[row + 1]);
    }
    if (height != 0) {
        frame.lines.resize(std::min(frame.lines.size(), height));
    }
    for (std::string& line : frame.lines) {
        line = cut(std::move(line), width);
    }
    return frame;
}

}  // namespace weir::app
