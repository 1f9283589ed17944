#include "core/run/span_buffer.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <new>

namespace weir {

void SpanBuffer::open(std::size_t limit, double begin_share, std::function<void()> half_full) {
    limit_ = limit;
    begin_share_ = begin_share;
    half_full_ = std::move(half_full);
}

void SpanBuffer::close() noexcept {
    limit_ = 0;
    half_full_ = nullptr;
    spans_.clear();
    dropped_ = 0;
}

bool SpanBuffer::begins(std::uint64_t random) const noexcept {
    constexpr double all = static_cast<double>(std::numeric_limits<std::uint64_t>::max());
    return is_open() && begin_share_ > 0 && static_cast<double>(random) <= begin_share_ * all;
}

void SpanBuffer::add(Span span) noexcept {
    if (!is_open()) {
        return;
    }
    if (spans_.size() >= limit_) {
        ++dropped_;
        return;
    }
    const std::size_t before = spans_.size();
    try {
        spans_.push_back(std::move(span));
        if (spans_.size() == (limit_ + 1) / 2 && half_full_) {
            half_full_();
        }
    } catch (const std::bad_alloc&) {
        dropped_ += spans_.size() == before ? 1 : 0;
    }
}

std::vector<Span> SpanBuffer::take(std::size_t most) {
    const auto end = spans_.begin() + static_cast<std::ptrdiff_t>(std::min(most, spans_.size()));
    std::vector<Span> taken(std::make_move_iterator(spans_.begin()), std::make_move_iterator(end));
    spans_.erase(spans_.begin(), end);
    return taken;
}

}  // namespace weir
