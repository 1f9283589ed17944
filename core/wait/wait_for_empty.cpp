#include "core/wait/wait_for_empty.h"

namespace weir {

Task<> wait_for_empty(Ref<Queue> queue) {
    while (Matcher empty = queue->wait_for_empty()) {
        co_await empty;
    }
}

Task<> wait_for_all_empty(std::vector<Ref<Queue>> queues) {
    // A queue may be filled again while the wait is for another, so that each round checks them
    // all.
    while (true) {
        std::vector<Matcher> matchers;
        for (const Ref<Queue>& queue : queues) {
            if (Matcher empty = queue->wait_for_empty()) {
                matchers.push_back(std::move(empty));
            }
        }
        if (matchers.empty()) {
            co_return;
        }
        co_await wait_for_all(std::move(matchers));
    }
}

}  // namespace weir
