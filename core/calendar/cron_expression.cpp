#include "core/calendar/cron_expression.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <span>
#include <vector>

#include "core/calendar/schedule.h"

namespace weir {
namespace {

constexpr std::array<std::string_view, 12> month_names = {"jan", "feb", "mar", "apr", "may", "jun",
                                                          "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::array<std::string_view, 7> day_names = {"sun", "mon", "tue", "wed",
                                                       "thu", "fri", "sat"};

// The numbers that a field may have, and their names, the first one's first.
struct FieldKind {
    std::string_view name;
    unsigned least;
    unsigned most;
    std::span<const std::string_view> names = {};
};

constexpr FieldKind minute_field{"minute", 0, 59};
constexpr FieldKind hour_field{"hour", 0, 23};
constexpr FieldKind day_field{"day of month", 1, 31};
constexpr FieldKind month_field{"month", 1, 12, month_names};
constexpr FieldKind weekday_field{"day of week", 0, 7, day_names};

struct Short {
    std::string_view name;
    std::string_view meaning;
};
constexpr std::array<Short, 7> shorts = {{{"@hourly", "0 * * * *"},
                                          {"@daily", "0 0 * * *"},
                                          {"@midnight", "0 0 * * *"},
                                          {"@weekly", "0 0 * * 0"},
                                          {"@monthly", "0 0 1 * *"},
                                          {"@yearly", "0 0 1 1 *"},
                                          {"@annually", "0 0 1 1 *"}}};

std::vector<std::string_view> split(std::string_view text, std::string_view separators) {
    std::vector<std::string_view> parts;
    for (;;) {
        const std::size_t end = text.find_first_of(separators);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) {
            return parts;
        }
        text.remove_prefix(end + 1);
    }
}

class FieldParser {
public:
    FieldParser(std::string_view expression, const FieldKind& kind) noexcept
        : expression_(expression), kind_(kind) {}

    CronExpression::Set parse(std::string_view field, std::vector<std::string>& doubts) const {
        CronExpression::Set set;
        for (const std::string_view part : split(field, ",")) {
            add(part, set, doubts);
        }
        return set;
    }

private:
    // Adds the numbers of "*", "9", "9-17", "*/2", "9-17/2".
    void add(std::string_view part, CronExpression::Set& set,
             std::vector<std::string>& doubts) const {
        const std::size_t slash = part.find('/');
        const std::string_view range = part.substr(0, slash);
        unsigned first = kind_.least;
        unsigned last = kind_.most;
        const bool single = range != "*" && range.find('-') == std::string_view::npos;
        if (single) {
            first = last = number(range);
        } else if (range != "*") {
            const std::size_t dash = range.find('-');
            first = number(range.substr(0, dash));
            last = number(range.substr(dash + 1));
        }
        if (first > last) {
            fail("the range " + std::string(range) + " ends before it begins");
        }
        unsigned step = 1;
        if (slash != std::string_view::npos) {
            if (single) {
                fail("steps need a range: " + std::string(part));
            }
            step = digits(part.substr(slash + 1));
            if (step == 0) {
                fail("a step of 0");
            }
            if (step > last - first) {
                doubts.push_back(std::string(kind_.name) + ": " + std::string(part) + " has only " +
                                 std::to_string(first) +
                                 ": a step counts from there, and stays within " +
                                 std::to_string(first) + '-' + std::to_string(last));
            }
        }
        for (std::uint64_t value = first; value <= last; value += step) {
            set.set(value);
        }
    }

    unsigned digits(std::string_view text) const {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc() || end != text.data() + text.size() || text.empty()) {
            fail('\'' + std::string(text) + "' is no number");
        }
        return value;
    }

    unsigned number(std::string_view text) const {
        std::string lower(text);
        std::ranges::transform(lower, lower.begin(), [](char letter) {
            return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
        });
        if (const auto found = std::ranges::find(kind_.names, lower); found != kind_.names.end()) {
            return kind_.least + static_cast<unsigned>(found - kind_.names.begin());
        }
        const unsigned value = digits(text);
        if (value < kind_.least || value > kind_.most) {
            fail(std::to_string(value) + " is not in " + std::to_string(kind_.least) + '-' +
                 std::to_string(kind_.most));
        }
        return value;
    }

    [[noreturn]] void fail(const std::string& why) const {
        throw ScheduleError("cron expression '" + std::string(expression_) +
                            "': " + std::string(kind_.name) + ": " + why);
    }

    std::string_view expression_;
    const FieldKind& kind_;
};

std::vector<std::string_view> fields_of(std::string_view expression) {
    const auto found = std::ranges::find(shorts, expression, &Short::name);
    std::vector<std::string_view> fields =
        split(found != shorts.end() ? found->meaning : expression, " \t");
    std::erase(fields, "");
    if (fields.size() != 5) {
        throw ScheduleError("cron expression '" + std::string(expression) + "': " +
                            (expression.starts_with('@')
                                 ? "expected @hourly, @daily, @weekly, @monthly or @yearly"
                                 : "expected five fields: minute, hour, day of month, month, "
                                   "day of week"));
    }
    return fields;
}

}  // namespace

CronExpression::CronExpression(std::string_view expression) : text(expression) {
    const std::vector<std::string_view> fields = fields_of(expression);
    minutes = FieldParser(expression, minute_field).parse(fields[0], doubts);
    hours = FieldParser(expression, hour_field).parse(fields[1], doubts);
    days = FieldParser(expression, day_field).parse(fields[2], doubts);
    months = FieldParser(expression, month_field).parse(fields[3], doubts);
    weekdays = FieldParser(expression, weekday_field).parse(fields[4], doubts);
    weekdays[0] = weekdays[0] || weekdays[7];
    any_hour = fields[1] == "*";
    any_day = fields[2] == "*";
    any_weekday = fields[4] == "*";
}

bool CronExpression::has_day(int month_number, int day_number, int weekday_number) const noexcept {
    const bool day_matches = days[static_cast<std::size_t>(day_number)];
    const bool weekday_matches = weekdays[static_cast<std::size_t>(weekday_number)];
    return months[static_cast<std::size_t>(month_number)] &&
           (any_day || any_weekday ? day_matches && weekday_matches
                                   : day_matches || weekday_matches);
}

}  // namespace weir
