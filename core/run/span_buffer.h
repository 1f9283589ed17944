#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/base/clock.h"
#include "core/base/ref.h"
#include "core/run/trace_context.h"

namespace weir {

/// A part of a trace that has ended.
struct Span {
    enum class Kind : std::uint8_t { internal = 1, server = 2, client = 3 };

    SpanIds ids;
    Kind kind = Kind::internal;
    std::string name;  ///< of few values: a function, a route
    Time began{};
    Time ended{};
    std::string error = {};  ///< its code; "": it went well
    int status = 0;          ///< of a response of HTTP; 0: none
    std::vector<std::pair<std::string, std::string>> attributes = {};
};

/// Where the spans of a program wait until they are sent to a collector. A full one drops spans and
/// counts them: nothing ever waits for a collector. Closed, as it begins, it takes none.
///
/// Shared by the server and the contexts of all traces that are recorded. On one thread.
class SpanBuffer final : public RefCounted<SpanBuffer> {
public:
    SpanBuffer() = default;
    SpanBuffer(const SpanBuffer&) = delete;
    SpanBuffer& operator=(const SpanBuffer&) = delete;

    /// Takes up to `limit` spans from now on. `begin_share`: of so many in 1 of the requests that
    /// bring no trace, one is begun. Calls `half_full` when it is that; the function may
    /// throw std::bad_alloc only.
    void open(std::size_t limit, double begin_share, std::function<void()> half_full);
    /// Forgets what it has, and takes no more.
    void close() noexcept;
    bool is_open() const noexcept { return limit_ != 0; }
    /// Returns whether a trace is to be begun; asks a random number.
    bool begins(std::uint64_t random) const noexcept;

    void add(Span span) noexcept;
    /// Counts a span for which there was no memory.
    void count_dropped() noexcept { ++dropped_; }
    /// Returns the oldest spans, up to `most`, and removes them.
    std::vector<Span> take(std::size_t most);
    std::size_t size() const noexcept { return spans_.size(); }
    /// Returns how many were dropped since it was opened.
    std::uint64_t dropped() const noexcept { return dropped_; }

private:
    std::size_t limit_ = 0;  // 0: closed
    double begin_share_ = 0;
    std::function<void()> half_full_;
    std::deque<Span> spans_;
    std::uint64_t dropped_ = 0;
};

}  // namespace weir
