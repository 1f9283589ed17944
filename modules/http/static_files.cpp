#include "modules/http/static_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "core/run/system_error.h"
#include "modules/http/http_error.h"

namespace weir::http {

namespace {

constexpr std::size_t piece_size = 64 * 1024;

HttpError no_file(const Request& request) {
    return {404, "not_found", "there is nothing at " + std::string(request.path)};
}

std::optional<std::uint64_t> number(std::string_view digits) {
    std::uint64_t value = 0;
    const char* const end = digits.data() + digits.size();
    const auto [stop, error] = std::from_chars(digits.data(), end, value);
    return error == std::errc() && stop == end ? std::optional(value) : std::nullopt;
}

bool is_hidden(std::string_view part) noexcept {
    return part.starts_with('.') && part != ".well-known";
}

// A server that lacks descriptors or memory must not say that a file does not exist: caches believe
// it.
bool is_out_of_resources(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOMEM;
}

// What passes when other requests end: the client may come again.
HttpError busy(const Exchange& exchange, const SystemError& error) {
    exchange.scheduler().log(LogLevel::warning, "GET " + std::string(exchange.request().path) +
                                                    " is answered with 503: " + error.what());
    return HttpError(503, "busy", "the server lacks files or memory now").with("Retry-After", "1");
}

std::string entity_tag(std::uint64_t size, std::int64_t modified) {
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "\"%llx-%llx\"",
                  static_cast<unsigned long long>(modified), static_cast<unsigned long long>(size));
    return text.data();
}

// Whether a list of tags, or `*`, names this one. W/ is ignored: the tags are made of size and
// time.
bool names_tag(std::string_view list, std::string_view tag) noexcept {
    while (!list.empty()) {
        const std::size_t comma = std::min(list.find(','), list.size());
        std::string_view one = list.substr(0, comma);
        while (one.starts_with(' ')) one.remove_prefix(1);
        while (one.ends_with(' ')) one.remove_suffix(1);
        if (one.starts_with("W/")) one.remove_prefix(2);
        if (one == "*" || one == tag) {
            return true;
        }
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

// Whether the client has this version of the file already.
bool is_fresh(const Request& request, std::string_view tag, WallTime modified) {
    if (const auto tags = request.header("If-None-Match")) {
        return names_tag(*tags, tag);
    }
    const auto since = request.header("If-Modified-Since");
    const std::optional<WallTime> time = since ? parse_http_date(*since) : std::nullopt;
    return time && modified <= *time;
}

// Whether the file is still the version of which the client wants a range.
bool is_same(const Request& request, std::string_view tag, WallTime modified) {
    const auto condition = request.header("If-Range");
    return !condition || *condition == tag || parse_http_date(*condition) == modified;
}

bool must_not_answer(const Request& request, std::string_view tag, WallTime modified) {
    if (const auto tags = request.header("If-Match")) {
        return !names_tag(*tags, tag);
    }
    const auto since = request.header("If-Unmodified-Since");
    const std::optional<WallTime> time = since ? parse_http_date(*since) : std::nullopt;
    return time && modified > *time;
}

}  // namespace

std::optional<ByteRange> parse_range(std::string_view text, std::uint64_t file_size) {
    constexpr std::string_view unit = "bytes=";
    if (!same_name(text.substr(0, unit.size()), unit) || text.find(',') != std::string_view::npos) {
        return {};
    }
    text.remove_prefix(unit.size());
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) {
        return {};
    }
    const std::string_view before = text.substr(0, dash);
    const std::string_view behind = text.substr(dash + 1);
    const std::optional<std::uint64_t> last = number(behind);
    if (before.empty()) {  // the last so many bytes
        if (!last) {
            return {};
        }
        const std::uint64_t size = std::min(*last, file_size);
        return ByteRange{file_size - size, size};
    }
    const std::optional<std::uint64_t> first = number(before);
    if (!first || (!behind.empty() && (!last || *last < *first))) {
        return {};
    }
    if (*first >= file_size) {
        return ByteRange{0, 0};
    }
    const std::uint64_t end = last ? std::min(*last, file_size - 1) : file_size - 1;
    return ByteRange{*first, end - *first + 1};
}

std::string_view content_type(std::string_view name) noexcept {
    static constexpr std::pair<std::string_view, std::string_view> types[] = {
        {"html", "text/html; charset=utf-8"},
        {"htm", "text/html; charset=utf-8"},
        {"css", "text/css; charset=utf-8"},
        {"js", "text/javascript; charset=utf-8"},
        {"mjs", "text/javascript; charset=utf-8"},
        {"json", "application/json"},
        {"map", "application/json"},
        {"txt", "text/plain; charset=utf-8"},
        {"md", "text/markdown; charset=utf-8"},
        {"csv", "text/csv; charset=utf-8"},
        {"xml", "application/xml"},
        {"svg", "image/svg+xml"},
        {"png", "image/png"},
        {"jpg", "image/jpeg"},
        {"jpeg", "image/jpeg"},
        {"gif", "image/gif"},
        {"webp", "image/webp"},
        {"ico", "image/x-icon"},
        {"wasm", "application/wasm"},
        {"pdf", "application/pdf"},
        {"zip", "application/zip"},
        {"gz", "application/gzip"},
        {"mp4", "video/mp4"},
        {"webm", "video/webm"},
        {"mp3", "audio/mpeg"},
        {"woff2", "font/woff2"},
    };
    const std::size_t dot = name.rfind('.');
    const std::string_view end = dot == std::string_view::npos ? name : name.substr(dot + 1);
    for (const auto& [known, type] : types) {
        if (same_name(known, end)) {
            return type;
        }
    }
    return "application/octet-stream";
}

StaticFiles::StaticFiles(Scheduler& scheduler, std::string folder, std::string index)
    : folder_(std::move(folder)), index_(std::move(index)), pool_(scheduler, 2) {}

// Runs on another thread.
StaticFiles::Opened StaticFiles::open(const std::string& folder,
                                      const std::vector<std::string>& parts) {
    Opened opened;
    opened.file = FileDescriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!opened.file) {
        throw SystemError("opening the folder " + folder, -errno);
    }
    for (const std::string& part : parts) {
        // Not waiting for the other end, if it is a pipe.
        const int next = ::openat(opened.file.number(), part.c_str(),
                                  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (next < 0) {
            if (is_out_of_resources(errno) || errno == EIO) {
                throw SystemError("opening a file in " + folder, -errno);
            }
            opened.is_missing = true;
            return opened;
        }
        opened.file = FileDescriptor(next);
    }
    struct stat status {};
    if (::fstat(opened.file.number(), &status) != 0) {
        throw SystemError("looking at a file in " + folder, -errno);
    }
    opened.is_folder = S_ISDIR(status.st_mode);
    opened.is_missing = !opened.is_folder && !S_ISREG(status.st_mode);
    opened.size = static_cast<std::uint64_t>(status.st_size);
    opened.modified = std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
    if (!opened.is_folder && !opened.is_missing && opened.size <= piece_size) {
        opened.whole = read_part(opened, 0, opened.size);
    }
    return opened;
}

// Runs on another thread. Returns fewer bytes only if the file has become shorter.
std::string StaticFiles::read_part(const Opened& opened, std::uint64_t position, std::size_t size) {
    std::string bytes(size, 0);
    std::size_t there = 0;
    while (there != size) {
        const ssize_t count = ::pread(opened.file.number(), bytes.data() + there, size - there,
                                      static_cast<off_t>(position + there));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            break;
        }
        there += static_cast<std::size_t>(count);
    }
    bytes.resize(there);
    return bytes;
}

Task<> StaticFiles::handle(Exchange& exchange) {
    const Request& request = exchange.request();
    std::vector<std::string> parts = path_segments(request.path);
    parts.erase(parts.begin(),
                parts.begin() + static_cast<std::ptrdiff_t>(exchange.segments_before_rest()));
    const bool ends_in_slash = request.path.ends_with('/');
    if (ends_in_slash && !parts.empty()) {
        parts.pop_back();
    }
    for (const std::string& part : parts) {
        if (part.empty() || is_hidden(part) || part.find('/') != std::string::npos) {
            throw no_file(request);
        }
    }
    if (ends_in_slash && !index_.empty()) {
        parts.push_back(index_);
    }
    auto opening = [folder = folder_, parts] {
        return std::make_shared<const Opened>(open(folder, parts));
    };
    Shared opened;
    try {
        opened = co_await pool_.run(std::move(opening));
    } catch (const SystemError& error) {
        if (!is_out_of_resources(-error.code())) {
            throw;
        }
        throw busy(exchange, error);
    }
    if (opened->is_folder && !ends_in_slash && !index_.empty()) {
        // Links in the index are relative to the folder.
        Response response{.status = 301};
        std::string location(request.path);
        location += request.query.empty() ? "/" : "/?" + std::string(request.query);
        response.headers.set("Location", std::move(location));
        co_await exchange.respond(std::move(response));
        co_return;
    }
    if (opened->is_missing || opened->is_folder) {
        throw no_file(request);
    }
    co_await send(exchange, opened, parts.back());
}

Task<> StaticFiles::send(Exchange& exchange, Shared opened, std::string_view name) {
    const Request& request = exchange.request();
    const std::string tag = entity_tag(opened->size, opened->modified);
    // HTTP knows whole seconds.
    const WallTime modified = WallTime(std::chrono::seconds(opened->modified / 1'000'000'000));
    Headers headers;
    headers.set("ETag", tag);
    headers.set("Last-Modified", http_date(modified));
    headers.set("Accept-Ranges", "bytes");
    if (must_not_answer(request, tag, modified)) {
        throw HttpError(412, "changed", "the file is another one now");
    }
    if (is_fresh(request, tag, modified)) {
        co_await exchange.begin(304, std::move(headers), 0);
        co_return;
    }
    headers.set("Content-Type", std::string(content_type(name)));
    const auto asked = request.header("Range");
    const std::optional<ByteRange> range =
        asked && is_same(request, tag, modified) ? parse_range(*asked, opened->size) : std::nullopt;
    if (!range) {
        const ByteRange all{0, opened->size};
        co_await send_bytes(exchange, opened, 200, std::move(headers), all);
        co_return;
    }
    const std::string whole = std::to_string(opened->size);
    if (range->size == 0) {
        throw HttpError(416, "no_range", "the file has " + whole + " bytes")
            .with("Content-Range", "bytes */" + whole);
    }
    headers.set("Content-Range", "bytes " + std::to_string(range->first) + "-" +
                                     std::to_string(range->first + range->size - 1) + "/" + whole);
    const ByteRange part = *range;
    co_await send_bytes(exchange, opened, 206, std::move(headers), part);
}

Task<> StaticFiles::send_bytes(Exchange& exchange, Shared opened, int status, Headers headers,
                               ByteRange range) {
    // In one piece with the head. A file that became shorter while it was opened is read again, and
    // found out below.
    if (opened->whole.size() == opened->size) {
        Response response{status, std::move(headers),
                          opened->whole.substr(range.first, range.size)};
        co_await exchange.respond(std::move(response));
        co_return;
    }
    co_await exchange.begin(status, std::move(headers), range.size);
    if (exchange.is_bodyless()) {
        co_return;
    }
    while (range.size != 0) {
        const std::size_t size = std::min<std::uint64_t>(range.size, piece_size);
        auto reading = [opened, first = range.first, size] {
            return read_part(*opened, first, size);
        };
        std::string bytes = co_await pool_.run(std::move(reading));
        if (bytes.size() != size) {
            throw StreamError("reading a file in " + folder_, UV_EIO);
        }
        range.first += size;
        range.size -= size;
        co_await exchange.write(std::move(bytes));
    }
}

}  // namespace weir::http
