#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "modules/rules/shape.h"
#include "modules/rules/value.h"

namespace weir::rules {

// The names to which a step may refer, and the slots of their values in a Frame. A name is known
// from the step that makes it to the end of the list of steps in which that stands. In `on_error`
// within `on_error`, `error` is the inner failure, and the outer one again behind it.
class NamesInScope {
public:
    struct Name {
        std::string name;
        Shape shape;
    };

    NamesInScope() : names_(first_free_slot) {}

    // Returns the slot. Hides an earlier value of the name.
    std::size_t add(std::string name, Shape shape) {
        names_.push_back({std::move(name), shape});
        most_ = std::max(most_, names_.size());
        return names_.size() - 1;
    }
    void set(std::size_t slot, std::string name, Shape shape) {
        names_[slot] = {std::move(name), shape};
    }

    // Returns the slot, or npos.
    static constexpr std::size_t npos = static_cast<std::size_t>(-1);
    std::size_t find(std::string_view name) const noexcept {
        for (std::size_t i = names_.size(); i-- != 0;) {
            if (!name.empty() && names_[i].name == name) {
                return i;
            }
        }
        return npos;
    }
    const Shape& shape(std::size_t slot) const noexcept { return names_[slot].shape; }
    std::vector<std::string> names() const {
        std::vector<std::string> result;
        for (std::size_t i = 0; i != names_.size(); ++i) {
            if (find(names_[i].name) == i) {
                result.push_back(names_[i].name);
            }
        }
        return result;
    }

    // Forgets, when it ends, the names that were added while it lived.
    class Block {
    public:
        explicit Block(NamesInScope& scope) noexcept : scope_(scope), size_(scope.names_.size()) {}
        Block(const Block&) = delete;
        Block& operator=(const Block&) = delete;
        ~Block() { scope_.names_.resize(size_); }

    private:
        NamesInScope& scope_;
        const std::size_t size_;
    };

    // Returns how many slots a Frame needs.
    std::size_t slots() const noexcept { return most_; }

private:
    std::vector<Name> names_;
    std::size_t most_ = first_free_slot;
};

}  // namespace weir::rules
