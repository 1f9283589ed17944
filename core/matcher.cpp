#include "core/matcher.h"

#include <new>

namespace weir {

Matcher::Matcher(std::span<const IndexValue> path, Predicate predicate) {
    while (!path.empty() && path.back().is_any()) {
        path = path.first(path.size() - 1);
    }
    void* memory = pool::allocate(sizeof(State) + path.size_bytes());
    auto* state = ::new (memory) State;
    state->size = static_cast<std::uint32_t>(path.size());
    for (std::size_t i = 0; i != path.size(); ++i) {
        ::new (state->values() + i) IndexValue(path[i]);
    }
    state_ = Ref<State>(state);
    if (predicate) {
        state->predicate = std::make_unique<Predicate>(std::move(predicate));
    }
}

void Matcher::State::destroy() noexcept {
    const std::size_t bytes = sizeof(State) + size * sizeof(IndexValue);
    for (std::uint32_t i = 0; i != size; ++i) {
        values()[i].~IndexValue();
    }
    this->~State();
    pool::deallocate(this, bytes);
}

bool Matcher::judge_predicate(const Event& event) const {
    return (*state_->predicate)(event);
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
    text = std::string(path()[0].text()) + '(' + text + ')';
    return has_predicate() ? text + " where ..." : text;
}

}  // namespace weir
