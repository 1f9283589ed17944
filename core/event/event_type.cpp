#include "core/event/event_type.h"

#include <atomic>
#include <stdexcept>

#include "core/base/pool_permanent.h"

namespace weir {

namespace {

std::uint64_t next_id() noexcept {
    static constinit std::atomic<std::uint64_t> last{0};
    return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

EventType::EventType(std::string_view name, const EventType* base, Destroy destroy,
                     std::size_t size)
    : name_(name), id_(next_id()), size_(size), base_(base), destroy_(destroy) {
    if (base != nullptr) {
        ignorable_ = base->ignorable_;
        levels_ = base->levels_;
        members_ = base->members_;
        can_ignore_now_ = base->can_ignore_now_;
    }
    const pool::Permanent permanent;  // most types live as long as the process
    levels_.push_back({.name = {}, .fixed = IndexValue(name), .offset = -1});
    depth_ = levels_.size();
}

std::string EventType::Level::text(const IndexValue& value) const {
    if (!names.empty() && value.kind() == IndexValue::Kind::integer) {
        for (const auto& [number, word] : names) {
            if (number == value.integer()) {
                return word;
            }
        }
    }
    return value.describe();
}

void EventType::add_index(std::string name, std::ptrdiff_t offset,
                          std::vector<std::pair<std::int64_t, std::string>> names) {
    if (name.empty()) {
        throw std::logic_error("event type '" + name_ + "' has an index without a name");
    }
    if (level_of(name)) {
        throw std::logic_error("event type '" + name_ + "' has two indices named '" + name + "'");
    }
    if (offset < 0) {
        throw std::logic_error("event type '" + name_ + "': index '" + name +
                               "' lies before the Event; make Event the first base");
    }
    levels_.push_back(
        {.name = std::move(name), .fixed = {}, .offset = offset, .names = std::move(names)});
    depth_ = levels_.size();
}

std::vector<std::string_view> EventType::index_names() const {
    std::vector<std::string_view> names;
    for (const Level& level : levels_) {
        if (!level.name.empty()) {
            names.push_back(level.name);
        }
    }
    return names;
}

std::optional<std::size_t> EventType::level_of(std::string_view index) const noexcept {
    for (std::size_t i = 0; i != levels_.size(); ++i) {
        if (levels_[i].offset >= 0 && levels_[i].name == index) {
            return i;
        }
    }
    return std::nullopt;
}

std::size_t EventType::level_at(std::ptrdiff_t offset) const {
    for (std::size_t i = 0; i != levels_.size(); ++i) {
        if (levels_[i].offset >= 0 && levels_[i].offset == offset) {
            return i;
        }
    }
    throw std::logic_error("event type '" + name_ +
                           "' has an Index that its declare() does not name");
}

std::size_t EventType::next_index(std::size_t level) const {
    while (level < levels_.size() && levels_[level].offset < 0) {
        ++level;
    }
    if (level >= levels_.size()) {
        throw std::logic_error("event type '" + name_ + "' has no more than " +
                               std::to_string(index_names().size()) + " indices");
    }
    return level;
}

void EventType::refuse_kind(std::size_t level, const IndexValue& value) const {
    const auto word = [](IndexValue::Kind kind) -> std::string {
        switch (kind) {
            case IndexValue::Kind::integer:
                return "an integer";
            case IndexValue::Kind::real:
                return "a real number";
            case IndexValue::Kind::identity:
                return "the identity of an object";
            case IndexValue::Kind::text:
                return "a text";
            case IndexValue::Kind::tuple:
                return "a tuple";
            case IndexValue::Kind::none:
                break;
        }
        return "none";
    };
    const Level& index = levels_[level];
    throw std::logic_error("event type '" + name_ + "': index '" + index.name + "' is " +
                           word(index.kind) + ", and " + value.describe() + " is " +
                           word(value.kind()));
}

bool EventType::is_a(const EventType& other) const noexcept {
    for (const EventType* type = this; type != nullptr; type = type->base_) {
        // By value too: another library has its own description of the same type.
        if (type == &other || type->identity() == other.identity()) {
            return true;
        }
    }
    return false;
}

std::string EventType::layout() const {
    std::string text = std::to_string(size_) + " bytes";
    for (const Level& level : levels_) {
        if (level.offset >= 0) {
            text += ", " + level.name + " of kind " + std::to_string(static_cast<int>(level.kind)) +
                    " at " + std::to_string(level.offset);
        }
    }
    return text;
}

}  // namespace weir
