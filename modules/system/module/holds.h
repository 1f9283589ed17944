#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/list.h"
#include "core/base/ref.h"

namespace weir {

class Hold;

// What other code holds of a module; outlives the module while something is held.
class Holds final : public RefCounted<Holds> {
public:
    bool empty() const noexcept { return list_.empty(); }
    // One line each.
    std::vector<std::string> describe() const;

private:
    friend class Hold;
    List<Hold, Holds> list_;
};

// Keeps a module from being unloaded as long as it lives: for what a module gives away that needs
// its code or its data, such as an object, a handle, a function. See Module::hold. One thread.
class Hold final : public Link<Hold, Holds> {
public:
    Hold(Ref<Holds> holds, std::string what) : holds_(std::move(holds)), what_(std::move(what)) {
        holds_->list_.push_back(*this);
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;
    ~Hold() { List<Hold, Holds>::remove(*this); }

    const std::string& what() const noexcept { return what_; }

private:
    const Ref<Holds> holds_;
    const std::string what_;
};

inline std::vector<std::string> Holds::describe() const {
    std::vector<std::string> result;
    for (const Hold& hold : list_) {
        result.push_back(hold.what());
    }
    return result;
}

}  // namespace weir
