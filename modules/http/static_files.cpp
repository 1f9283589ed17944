#include "modules/http/static_files.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <utility>
#include <vector>

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

std::string entity_tag(const FileStatus& file) {
    using std::chrono::nanoseconds;
    const auto modified =
        std::chrono::duration_cast<nanoseconds>(file.modified.time_since_epoch()).count();
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "\"%llx-%llx\"",
                  static_cast<unsigned long long>(modified),
                  static_cast<unsigned long long>(file.size));
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

StaticFiles::StaticFiles(Scheduler& scheduler, std::string folder, std::string index,
                         SmallFiles small_files)
    : index_(std::move(index)), files_(scheduler, std::move(folder), 2, small_files) {}

// Returns the path below the folder, "a/b.txt".
std::string StaticFiles::path_of(const Request& request, std::size_t segments_before) const {
    const PathSegments segments(request.path);
    const bool ends_in_slash = request.path.ends_with('/');
    std::string path;
    for (std::size_t i = segments_before; i < segments.size() - (ends_in_slash ? 1 : 0); ++i) {
        const std::string_view part = segments[i];
        if (part.empty() || is_hidden(part) || part.find('/') != std::string_view::npos) {
            throw no_file(request);
        }
        path.append(path.empty() ? "" : "/").append(part);
    }
    if (ends_in_slash && !index_.empty()) {
        path.append(path.empty() ? "" : "/").append(index_);
    }
    return path;
}

Task<> StaticFiles::handle(Exchange& exchange) {
    const Request& request = exchange.request();
    const bool ends_in_slash = request.path.ends_with('/');
    const std::string path = path_of(request, exchange.segments_before_rest());
    std::optional<FolderFile> file;
    try {
        file = co_await files_.open(path, piece_size);
    } catch (const SystemError& error) {
        if (!is_out_of_resources(-error.code())) {
            throw;
        }
        throw busy(exchange, error);
    }
    if (!file) {
        throw no_file(request);
    }
    if (file->status.kind == FileKind::folder) {
        if (ends_in_slash || index_.empty()) {
            throw no_file(request);
        }
        // Links in the index are relative to the folder.
        Response response{.status = 301};
        std::string location(request.path);
        location += request.query.empty() ? "/" : "/?" + std::string(request.query);
        response.headers.set("Location", std::move(location));
        co_await exchange.respond(std::move(response));
        co_return;
    }
    const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
    co_await send(exchange, *std::move(file), name);
}

Task<> StaticFiles::send(Exchange& exchange, FolderFile file, std::string_view name) {
    const Request& request = exchange.request();
    const std::uint64_t size = file.status.size;
    const std::string tag = entity_tag(file.status);
    // HTTP knows whole seconds.
    const WallTime modified = std::chrono::floor<std::chrono::seconds>(file.status.modified);
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
        asked && is_same(request, tag, modified) ? parse_range(*asked, size) : std::nullopt;
    if (!range) {
        const ByteRange all{0, size};
        co_await send_bytes(exchange, std::move(file), 200, std::move(headers), all);
        co_return;
    }
    const std::string whole = std::to_string(size);
    if (range->size == 0) {
        throw HttpError(416, "no_range", "the file has " + whole + " bytes")
            .with("Content-Range", "bytes */" + whole);
    }
    headers.set("Content-Range", "bytes " + std::to_string(range->first) + "-" +
                                     std::to_string(range->first + range->size - 1) + "/" + whole);
    const ByteRange part = *range;
    co_await send_bytes(exchange, std::move(file), 206, std::move(headers), part);
}

Task<> StaticFiles::send_bytes(Exchange& exchange, FolderFile file, int status, Headers headers,
                               ByteRange range) {
    if (file.content) {  // in one piece with the head
        Response response{status, std::move(headers), *std::move(file.content)};
        if (range.size != file.status.size) {
            response.body = response.body.substr(range.first, range.size);
        }
        co_await exchange.respond(std::move(response));
        co_return;
    }
    co_await exchange.begin(status, std::move(headers), range.size);
    if (exchange.is_bodyless()) {
        co_return;
    }
    while (range.size != 0) {
        const std::size_t size = std::min<std::uint64_t>(range.size, piece_size);
        std::string bytes = co_await files_.read(file, range.first, size);
        if (bytes.size() != size) {
            throw StreamError("reading a file in " + files_.folder(), UV_EIO);
        }
        range.first += size;
        range.size -= size;
        co_await exchange.write(std::move(bytes));
    }
}

}  // namespace weir::http
