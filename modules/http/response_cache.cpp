#include "modules/http/response_cache.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <utility>

#include "modules/http/list_elements.h"

namespace weir::http {

namespace {

constexpr std::size_t entry_overhead = 256;

// What the lists Cache-Control of a response say.
struct CacheControl {
    bool is_forbidden = false;  // no-store, no-cache, private
    bool is_public = false;
    bool is_there = false;            // any Cache-Control
    std::optional<Duration> max_age;  // that of shared caches, if there is one

    explicit CacheControl(const Headers& headers) {
        bool is_shared = false;
        for (const auto& [name, value] : headers) {
            if (same_name(name, "Cache-Control")) {
                is_there = true;
                read(value, is_shared);
            }
        }
    }

private:
    void read(std::string_view list, bool& is_shared) {
        for_each_element(list, [this, &is_shared](std::string_view element) {
            const std::size_t equals = std::min(element.find('='), element.size());
            std::string_view name = element.substr(0, equals);
            name = name.substr(0, name.find_last_not_of(" \t") + 1);
            const std::string_view value = element.substr(std::min(equals + 1, element.size()));
            if (same_name(name, "no-store") || same_name(name, "no-cache") ||
                same_name(name, "private")) {
                is_forbidden = true;
            } else if (same_name(name, "public")) {
                is_public = true;
            } else if (same_name(name, "s-maxage")) {
                is_shared = is_public = true;
                max_age = seconds(value);
            } else if (same_name(name, "max-age") && !is_shared) {
                max_age = seconds(value);
            }
        });
    }

    // What is no number is stale at once.
    static Duration seconds(std::string_view text) noexcept {
        if (text.starts_with('"')) {
            text.remove_prefix(1);
        }
        std::uint32_t number = 0;
        const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        return error == std::errc() ? Duration(std::chrono::seconds(number)) : Duration();
    }
};

// Returns how old the response was when it came: a cache behind may have kept it.
Duration age_of(const Headers& headers) {
    const std::string* const text = headers.find("Age");
    std::uint32_t number = 0;
    if (text != nullptr) {
        const auto [stop, error] =
            std::from_chars(text->data(), text->data() + text->size(), number);
        if (error == std::errc::result_out_of_range) {
            number = std::numeric_limits<std::uint32_t>::max();
        }
    }
    return std::chrono::seconds(number);
}

// Returns how long the response is fresh by the header Expires, which servers of old send (RFC
// 9111, 5.3); nothing without it. What is no date has expired.
std::optional<Duration> time_to_expire(const Headers& headers, WallTime now) {
    const std::string* const expires = headers.find("Expires");
    if (expires == nullptr) {
        return {};
    }
    const std::optional<WallTime> end = parse_http_date(*expires);
    const std::string* const date = headers.find("Date");
    const WallTime begin = (date ? parse_http_date(*date) : std::nullopt).value_or(now);
    return end ? Duration(*end - begin) : Duration();
}

// Whether the response forbids by Pragma to be kept, where nothing newer says how.
bool is_forbidden_by_pragma(const Headers& headers) {
    return std::ranges::any_of(headers, [](const auto& header) {
        return same_name(header.first, "Pragma") && same_name(header.second, "no-cache");
    });
}

std::string name_of(const ResponseCache::Key& key) {
    return key.target + ' ' + key.origin + ' ' + key.headers;
}

}  // namespace

std::string ResponseCache::headers_of(const Request& request) const {
    std::string values;
    for (const std::string& name : options_.headers) {
        for (const Header& header : request.headers()) {
            // One that Connection names is not passed on: the server behind answers without it.
            if (same_name(header.name, name) && !request.lists("Connection", header.name)) {
                // The length says where it ends, whatever it contains.
                values.append(std::to_string(header.value.size())).append(":").append(header.value);
            }
        }
        values += ';';
    }
    return values;
}

bool ResponseCache::tells_apart(std::string_view header) const noexcept {
    return std::ranges::any_of(
        options_.headers, [header](const std::string& known) { return same_name(known, header); });
}

// Whether all that the list Vary names keeps responses apart.
bool ResponseCache::tells_all_apart(std::string_view vary) const noexcept {
    bool all = true;
    for_each_element(vary, [this, &all](std::string_view name) { all = all && tells_apart(name); });
    return all;
}

// Whether the response is the same for all requests of its key.
bool ResponseCache::is_for_all(const Headers& headers) const noexcept {
    return std::ranges::none_of(headers, [this](const auto& header) {
        return same_name(header.first, "Set-Cookie") ||
               (same_name(header.first, "Vary") && !tells_all_apart(header.second));
    });
}

std::optional<Duration> ResponseCache::time_to_keep(int status, const Headers& headers,
                                                    bool is_personal, WallTime now) const {
    const CacheControl control(headers);
    if (status != 200 || control.is_forbidden || !is_for_all(headers) ||
        (!control.is_there && is_forbidden_by_pragma(headers)) ||
        (is_personal && !control.is_public)) {
        return {};
    }
    const Duration fresh =
        control.max_age ? *control.max_age : time_to_expire(headers, now).value_or(options_.time);
    const Duration time = fresh - age_of(headers);
    return time > Duration() ? std::optional(time) : std::nullopt;
}

ResponseCache::Filling::Filling(ResponseCache& cache, Key key, Time asked)
    : cache_(cache), key_(std::move(key)), asked_(asked) {
    cache.filling_.push_back(*this);
}

void ResponseCache::Filling::keep(Response response, Duration time) {
    if (!is_outdated_) {
        cache_.keep(key_, std::move(response), asked_, time);
    }
}

void ResponseCache::keep(const Key& key, Response response, Time asked, Duration time) {
    std::string name = name_of(key);
    if (const auto older = by_name_.find(name); older != by_name_.end()) {
        remove(older->second);
    }
    std::size_t size = entry_overhead + name.size() + response.body.size();
    for (const auto& [header, value] : response.headers) {
        size += header.size() + value.size();
    }
    if (size > options_.max_size) {
        return;
    }
    while (size_ + size > options_.max_size) {
        remove(std::prev(entries_.end()));
    }
    const Time since = asked - age_of(response.headers);
    entries_.push_front({std::move(name), std::move(response), since, asked + time, size});
    size_ += size;
    try {
        by_name_[entries_.front().name] = entries_.begin();
    } catch (...) {
        size_ -= size;
        entries_.pop_front();
        throw;
    }
}

std::optional<Response> ResponseCache::find(const Key& key, Time now, bool is_personal) {
    const auto found = by_name_.find(name_of(key));
    if (found == by_name_.end()) {
        return {};
    }
    Entry& entry = *found->second;
    if (entry.until <= now) {
        remove(found->second);
        return {};
    }
    if (is_personal && !CacheControl(entry.response.headers).is_public) {
        return {};
    }
    entries_.splice(entries_.begin(), entries_, found->second);
    Response response = entry.response;
    const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - entry.since);
    response.headers.set("Age", std::to_string(age.count()));
    response.headers.set("Cache-Status", "weir; hit");
    return response;
}

void ResponseCache::forget(const std::string& target) noexcept {
    const auto is_of_target = [&target](std::string_view name) {
        return name.starts_with(target) && name.substr(target.size()).starts_with(' ');
    };
    // A space is less than what else may follow: no longer target stands between them.
    auto found = by_name_.lower_bound(target);
    while (found != by_name_.end() && is_of_target(found->first)) {
        remove((found++)->second);
    }
    for (Filling& filling : filling_) {
        filling.is_outdated_ = filling.is_outdated_ || filling.key_.target == target;
    }
}

void ResponseCache::remove(Entries::iterator entry) noexcept {
    size_ -= entry->size;
    by_name_.erase(entry->name);
    entries_.erase(entry);
}

}  // namespace weir::http
