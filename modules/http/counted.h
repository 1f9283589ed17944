#pragma once

#include <cstddef>

namespace weir::http {

// Counts itself in a number as long as it lives: how many connections or streams there are.
class Counted {
public:
    explicit Counted(std::size_t& count) noexcept : count_(count) { ++count_; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() { --count_; }

private:
    std::size_t& count_;
};

}  // namespace weir::http
