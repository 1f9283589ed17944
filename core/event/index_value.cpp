#include "core/event/index_value.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <cstdio>
#include <new>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/base/pool.h"

namespace weir {

static_assert(std::endian::native == std::endian::little, "the tag is the payload's last byte");

// A long text or a tuple: this header, followed by the bytes or the values.
struct IndexValue::Shared {
    std::atomic<std::uint32_t> references{1};
    std::uint32_t size;  // bytes of the text, or values of the tuple

    char* bytes() noexcept { return reinterpret_cast<char*>(this + 1); }
    IndexValue* values() noexcept { return reinterpret_cast<IndexValue*>(this + 1); }
};

IndexValue::IndexValue(double value) noexcept
    : IndexValue([value] {
          constexpr double limit = 0x1p63;  // the first number that is too large for an integer
          if (value >= -limit && value < limit && std::trunc(value) == value) {
              return IndexValue(static_cast<std::int64_t>(value));
          }
          return IndexValue(tag_real, std::bit_cast<std::uint64_t>(value));
      }()) {}

IndexValue::IndexValue(std::string_view text) {
    hash_ = XXH3_64bits(text.data(), text.size());
    if (text.size() <= longest_inline_text) {
        char bytes[sizeof payload_]{};
        // Not memcpy: an empty text may have a null address
        std::copy(text.begin(), text.end(), bytes);
        bytes[longest_inline_text] = static_cast<char>(tag_first_text + text.size());
        std::memcpy(payload_.data(), bytes, sizeof payload_);
        return;
    }
    void* memory = pool::allocate(sizeof(Shared) + text.size());
    auto* shared = ::new (memory) Shared{.size = static_cast<std::uint32_t>(text.size())};
    std::memcpy(shared->bytes(), text.data(), text.size());
    payload_ = {reinterpret_cast<std::uintptr_t>(shared), with_tag(tag_shared_text)};
}

IndexValue IndexValue::make_tuple(std::span<const IndexValue> values) {
    void* memory = pool::allocate(sizeof(Shared) + values.size_bytes());
    auto* shared = ::new (memory) Shared{.size = static_cast<std::uint32_t>(values.size())};
    std::uint64_t hash = values.size() + 1;
    for (std::size_t i = 0; i != values.size(); ++i) {
        ::new (shared->values() + i) IndexValue(values[i]);
        hash = mix(hash ^ values[i].hash_) + i;
    }
    IndexValue result;
    result.hash_ = hash;
    result.payload_ = {reinterpret_cast<std::uintptr_t>(shared), with_tag(tag_tuple)};
    return result;
}

IndexValue::Shared* IndexValue::block() const noexcept {
    return reinterpret_cast<Shared*>(static_cast<std::uintptr_t>(payload_[0]));
}

void IndexValue::retain() const noexcept {
    block()->references.fetch_add(1, std::memory_order_relaxed);
}

void IndexValue::release() noexcept {
    Shared* shared = block();
    // acq_rel: the thread that frees the block must see all uses by the threads that released it.
    if (shared->references.fetch_sub(1, std::memory_order_acq_rel) != 1) {
        return;
    }
    std::size_t bytes = shared->size;
    if (tag() == tag_tuple) {
        bytes *= sizeof(IndexValue);
        for (std::uint32_t i = 0; i != shared->size; ++i) {
            shared->values()[i].~IndexValue();
        }
    }
    shared->~Shared();
    pool::deallocate(shared, sizeof(Shared) + bytes);
}

bool IndexValue::equal_shared(const IndexValue& a, const IndexValue& b) noexcept {
    if (a.tag() == tag_shared_text) {
        return a.text() == b.text();
    }
    const auto x = a.tuple();
    const auto y = b.tuple();
    return std::equal(x.begin(), x.end(), y.begin(), y.end());
}

double IndexValue::real() const noexcept {
    return tag() == tag_integer ? static_cast<double>(integer())
                                : std::bit_cast<double>(payload_[0]);
}

std::string_view IndexValue::text() const noexcept {
    if (tag() == tag_shared_text) {
        return {block()->bytes(), block()->size};
    }
    return {reinterpret_cast<const char*>(payload_.data()),
            static_cast<std::size_t>(tag() - tag_first_text)};
}

std::span<const IndexValue> IndexValue::tuple() const noexcept {
    return {block()->values(), block()->size};
}

std::string IndexValue::describe() const {
    switch (kind()) {
        case Kind::none:
            return "any";
        case Kind::integer:
            return std::to_string(integer());
        case Kind::real: {
            char text[32];
            std::snprintf(text, sizeof text, "%g", real());
            return text;
        }
        case Kind::identity: {
            char text[32];
            std::snprintf(text, sizeof text, "%p", identity());
            return text;
        }
        case Kind::text:
            return '"' + std::string(text()) + '"';
        case Kind::tuple:
            break;
    }
    std::string result = "(";
    for (const IndexValue& value : tuple()) {
        result += (result.size() > 1 ? ", " : "") + value.describe();
    }
    return result + ")";
}

std::weak_ordering operator<=>(const IndexValue& a, const IndexValue& b) noexcept {
    using Kind = IndexValue::Kind;
    const auto rank = [](Kind kind) { return kind == Kind::real ? Kind::integer : kind; };
    const Kind kind = a.kind();
    if (const auto order = rank(kind) <=> rank(b.kind()); order != 0) {
        return order;
    }
    switch (kind) {
        case Kind::none:
            return std::weak_ordering::equivalent;
        case Kind::integer:
            if (b.kind() == Kind::integer) {
                return a.integer() <=> b.integer();
            }
            [[fallthrough]];
        case Kind::real: {
            // If both are the same real number, the integer was rounded up to 2^63 and is therefore
            // the smaller one.
            const auto order = std::strong_order(a.real(), b.real());
            return order != 0 ? order : kind <=> b.kind();
        }
        case Kind::identity:
            return std::compare_three_way()(a.identity(), b.identity());
        case Kind::text:
            return a.text() <=> b.text();
        case Kind::tuple:
            break;
    }
    const auto x = a.tuple();
    const auto y = b.tuple();
    return std::lexicographical_compare_three_way(x.begin(), x.end(), y.begin(), y.end());
}

}  // namespace weir
