#include "modules/http/response.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <stdexcept>

#include "core/run/scheduler.h"

namespace weir::http {

namespace {

constexpr std::array<std::string_view, 7> weekdays = {"Sun", "Mon", "Tue", "Wed",
                                                      "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

char lower(char character) noexcept {
    return character >= 'A' && character <= 'Z' ? static_cast<char>(character | 0x20) : character;
}

constexpr std::array<bool, 256> is_token_character = [] {
    std::array<bool, 256> made{};
    for (const char character : std::string_view("0123456789!#$%&'*+-.^_`|~"
                                                 "abcdefghijklmnopqrstuvwxyz"
                                                 "ABCDEFGHIJKLMNOPQRSTUVWXYZ")) {
        made[static_cast<unsigned char>(character)] = true;
    }
    return made;
}();

constexpr std::array<bool, 256> is_control_character = [] {
    std::array<bool, 256> made{};
    for (std::size_t i = 0; i != 0x20; ++i) {
        made[i] = i != '\t';
    }
    made[0x7F] = true;
    return made;
}();

void check_header(const std::string& name, const std::string& value) {
    if (!is_token(name)) {
        throw std::invalid_argument("the name of a header is no token");
    }
    if (std::ranges::any_of(value, [](char character) {
            return is_control_character[static_cast<unsigned char>(character)];
        })) {
        throw std::invalid_argument("the header " + name + " contains a control character");
    }
}

}  // namespace

void Headers::set(std::string name, std::string value) {
    check_header(name, value);
    remove(name);
    push(std::move(name), std::move(value));
}

void Headers::add(std::string name, std::string value) {
    check_header(name, value);
    push(std::move(name), std::move(value));
}

void Headers::push(std::string name, std::string value) {
    constexpr std::size_t usual = 4;
    if (all_.empty()) {
        all_.reserve(usual);
    }
    all_.emplace_back(std::move(name), std::move(value));
}

void Headers::remove(std::string_view name) noexcept {
    std::erase_if(all_, [name](const auto& header) { return same_name(header.first, name); });
}

const std::string* Headers::find(std::string_view name) const noexcept {
    for (const auto& [own, value] : all_) {
        if (same_name(own, name)) {
            return &value;
        }
    }
    return nullptr;
}

HeaderLines::HeaderLines(Headers headers) : headers_(std::move(headers)) {
    for (const auto& [name, value] : headers_) {
        text_.append(name).append(": ").append(value).append("\r\n");
    }
}

bool HeaderLines::shares_with(const Headers& others) const noexcept {
    return std::ranges::any_of(
        headers_, [&others](const auto& header) { return others.find(header.first) != nullptr; });
}

// --- the head

ResponseHead::ResponseHead(int status, std::string_view date, std::size_t body) : status_(status) {
    constexpr std::size_t usual = 384;
    text_.reserve(usual + body);
    std::array<char, 4> digits{};
    std::to_chars(digits.data(), digits.data() + digits.size(), status);
    text_.append("HTTP/1.1 ").append(digits.data(), 3).append(" ").append(reason_phrase(status));
    text_.append("\r\nDate: ").append(date).append("\r\n");
}

void ResponseHead::add(std::string_view name, std::string_view value) {
    text_.append(name).append(": ").append(value).append("\r\n");
}

void ResponseHead::add(const Headers& headers) {
    add_missing(headers, {});
}

void ResponseHead::add_missing(const Headers& headers,
                               std::initializer_list<const Headers*> others) {
    for (const auto& [name, value] : headers) {
        const bool is_there = std::ranges::any_of(
            others, [&name](const Headers* other) { return other->find(name) != nullptr; });
        if (!is_there) {
            add(name, value);
        }
    }
}

std::string ResponseHead::end(Framing framing, std::uint64_t length, bool keep_alive) && {
    if (framing == Framing::length) {
        std::array<char, 24> digits{};
        const char* const end =
            std::to_chars(digits.data(), digits.data() + digits.size(), length).ptr;
        add("Content-Length", {digits.data(), static_cast<std::size_t>(end - digits.data())});
    } else if (framing == Framing::chunked) {
        add("Transfer-Encoding", "chunked");
    }
    if (!keep_alive && status_ != 101) {
        add("Connection", "close");
    }
    text_ += "\r\n";
    return std::move(text_);
}

std::string_view reason_phrase(int status) noexcept {
    static constexpr std::pair<int, std::string_view> phrases[] = {
        {100, "Continue"},
        {101, "Switching Protocols"},
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {206, "Partial Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {412, "Precondition Failed"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"},
        {417, "Expectation Failed"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };
    for (const auto& [known, phrase] : phrases) {
        if (known == status) {
            return phrase;
        }
    }
    return "Unknown";
}

std::string http_date(WallTime time) {
    using namespace std::chrono;
    const auto day = floor<days>(time);
    const year_month_day date(day);
    const hh_mm_ss clock(floor<seconds>(time - day));
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02ld:%02ld:%02ld GMT",
                  weekdays[weekday(day).c_encoding()].data(), unsigned(date.day()),
                  months[unsigned(date.month()) - 1].data(), int(date.year()),
                  clock.hours().count(), clock.minutes().count(), clock.seconds().count());
    return text.data();
}

std::string_view HttpDate::now(Scheduler& scheduler) {
    using std::chrono::seconds;
    const Time now = scheduler.time_of_round();
    if (now >= until_) {
        const WallTime wall = wall_time(scheduler.poller());
        const WallTime second = std::chrono::floor<seconds>(wall);
        text_ = http_date(second);
        until_ = now + (second + seconds(1) - wall);
    }
    return text_;
}

std::optional<WallTime> parse_http_date(std::string_view text) {
    using namespace std::chrono;
    // Sun, 06 Nov 1994 08:49:37 GMT
    const auto number = [text](std::size_t at, std::size_t size) {
        int value = -1;
        const char* const end = text.data() + at + size;
        const auto [stop, error] = std::from_chars(text.data() + at, end, value);
        return error == std::errc() && stop == end ? value : -1;
    };
    if (text.size() != 29 || text.substr(3, 2) != ", " || text[16] != ' ' ||
        !text.ends_with(" GMT")) {
        return {};
    }
    const auto month_name = std::ranges::find(months, text.substr(8, 3));
    const year_month_day date(year(number(12, 4)),
                              month(static_cast<unsigned>(month_name - months.begin()) + 1),
                              day(static_cast<unsigned>(number(5, 2))));
    const int hour = number(17, 2);
    const int minute = number(20, 2);
    const int second = number(23, 2);
    if (!date.ok() || number(12, 4) < 1970 || hour < 0 || hour > 23 || minute < 0 || minute > 59 ||
        second < 0 || second > 60) {
        return {};
    }
    return WallTime(sys_days(date) + hours(hour) + minutes(minute) + seconds(second));
}

bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::ranges::all_of(text, [](char character) {
        return is_token_character[static_cast<unsigned char>(character)];
    });
}

bool same_name(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() &&
           std::equal(a.begin(), a.end(), b.begin(), [](char one, char other) {
               return one == other || lower(one) == lower(other);
           });
}

}  // namespace weir::http
