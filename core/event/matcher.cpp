#include "core/event/matcher.h"

#include <algorithm>
#include <new>

namespace weir {

template <class F>
Matcher::State* Matcher::make_state(std::size_t levels, F value_at) {
    void* memory = pool::allocate(sizeof(State) + levels * sizeof(IndexValue));
    auto* state = ::new (memory) State;
    state->levels = static_cast<std::uint16_t>(levels);
    state->size = state->levels;
    for (std::size_t level = 0; level != levels; ++level) {
        ::new (state->values() + level) IndexValue(value_at(level));
    }
    return state;
}

Matcher::Matcher(std::span<const IndexValue> path, Predicate predicate) {
    // A trailing "any" restricts nothing, and would only add nodes to the tree.
    while (!path.empty() && path.back().is_any()) {
        path = path.first(path.size() - 1);
    }
    state_ = Ref<State>(make_state(
        path.size(), [path](std::size_t level) -> const IndexValue& { return path[level]; }));
    if (predicate) {
        set(std::move(predicate));
    }
}

Matcher::Matcher(const EventType& type)
    : state_(make_state(type.levels().size(), [&type](std::size_t level) -> const IndexValue& {
          return type.levels()[level].fixed;
      })) {}

void Matcher::set(std::size_t level, IndexValue value) noexcept {
    state_->values()[level] = std::move(value);
}

void Matcher::set(Predicate predicate) {
    state_->predicate = std::make_unique<Predicate>(std::move(predicate));
}

void Matcher::trim() const noexcept {
    while (state_->size > 0 && state_->values()[state_->size - 1].is_any()) {
        --state_->size;
    }
}

void Matcher::State::destroy() noexcept {
    const std::size_t bytes = sizeof(State) + levels * sizeof(IndexValue);
    for (std::size_t level = 0; level != levels; ++level) {
        values()[level].~IndexValue();
    }
    this->~State();
    pool::deallocate(this, bytes);
}

const std::type_info* Matcher::predicate_type() const noexcept {
    return has_predicate() ? &state_->predicate->target_type() : nullptr;
}

bool Matcher::judge_predicate(const Event& event) const {
    return (*state_->predicate)(event);
}

bool Matcher::same_events(const Matcher& other) const noexcept {
    if (*this == other) {
        return true;
    }
    const auto values = path();
    return state_ != nullptr && other.state_ != nullptr && !has_predicate() &&
           !other.has_predicate() && std::ranges::equal(values, other.path());
}

bool Matcher::matches_path(const Event& event, std::size_t from_level) const noexcept {
    const auto values = path();
    if (state_ == nullptr || values.size() > event.levels()) {
        return false;
    }
    for (std::size_t level = from_level; level < values.size(); ++level) {
        if (!values[level].is_any() && values[level] != event.at(level)) {
            return false;
        }
    }
    return true;
}

std::string Matcher::describe() const {
    if (state_ == nullptr) {
        return "nothing";
    }
    if (path().empty()) {
        return "anything";
    }
    std::string text;
    for (const IndexValue& value : path().subspan(1)) {
        text += (text.empty() ? "" : ", ") + value.describe();
    }
    const IndexValue& type = path()[0];
    text = (type.is_any() ? "any" : std::string(type.text())) + '(' + text + ')';
    return has_predicate() ? text + " where ..." : text;
}

}  // namespace weir
