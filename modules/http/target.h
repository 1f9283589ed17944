#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::http {

// Names with their values: parameters of a path or of a query, in their order.
using Parameters = std::vector<std::pair<std::string, std::string>>;

// All throw HttpError (400) for a '%' without two digits, for what is no UTF-8, and for a NUL.

// Returns the text with its %XX replaced.
std::string percent_decoded(std::string_view text);
// The parts of a path, decoded: "a", "b c" and "" of "/a/b%20c/". A part may contain '/'. They are
// views of the path, or of this where something was to be decoded, and last as long as both.
class PathSegments {
public:
    PathSegments() = default;
    explicit PathSegments(std::string_view path) { read(path); }
    PathSegments(const PathSegments&) = delete;
    PathSegments& operator=(const PathSegments&) = delete;

    // Replaces the parts by those of another path. Uses memory again.
    void read(std::string_view path);

    std::size_t size() const noexcept { return all_.size(); }
    std::string_view operator[](std::size_t index) const noexcept { return all_[index]; }
    auto begin() const noexcept { return all_.begin(); }
    auto end() const noexcept { return all_.end(); }

private:
    std::vector<std::string_view> all_;
    std::vector<std::string> decoded_;
};

// Returns whether a server may read a part of the path as `.` or `..`, and so step out of what the
// path names here: written as it is, encoded once or several times, behind a `%2F` or a backslash,
// or with parameters, as `..;a=b` is for servers of Java. The path is as it is sent, without a
// query. Does not throw HttpError.
bool has_dot_segments(std::string_view path);
// Returns whether a part of the path contains a slash or a backslash, encoded once or several
// times, so that a server may see more parts than there are here. Does not throw HttpError.
bool hides_parts(std::string_view path);
// Returns whether servers may take the path for a simpler one: it has an empty part before its
// last, or a part that contains `;` or a control character, or ends in a space, encoded or not.
// Does not throw HttpError.
bool has_odd_parts(std::string_view path);
// Returns the parameters of a query, "a=b&c=d%20e"; '+' stands for a space.
Parameters query_parameters(std::string_view query);

// Returns the name, or the IP address, of a header Host: in lower case, without port, brackets and
// a dot at the end; nothing if it is none. Does not throw HttpError.
std::optional<std::string> host_name(std::string_view host);

// Returns the text as one part of a path.
std::string percent_encoded(std::string_view text);

}  // namespace weir::http
