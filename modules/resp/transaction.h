#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "modules/resp/request.h"

namespace weir::resp {

// The requests between MULTI and EXEC. EXEC executes them in order. Nothing of another client runs
// between them unless one of them waits, as LOCK may, or takes long (Command::items): so what
// TRYLOCK takes here is taken at once, and a LOCK waits here as it does anywhere else.
class Transaction {
public:
    // Appends a request; returns false, and refuses the transaction, if all together would take
    // more than `most` bytes.
    bool add(Request request, std::size_t most) {
        bytes_ += request.bytes() + overhead;
        if (bytes_ > most) {
            refuse();
            return false;
        }
        requests_.push_back(std::move(request));
        return true;
    }
    // One of the requests was wrong: EXEC executes none.
    void refuse() noexcept {
        refused_ = true;
        requests_.clear();
    }

    bool refused() const noexcept { return refused_; }
    const std::vector<Request>& requests() const noexcept { return requests_; }

private:
    static constexpr std::size_t overhead = 128;  // of a request in memory

    std::vector<Request> requests_;
    std::size_t bytes_ = 0;
    bool refused_ = false;
};

}  // namespace weir::resp
