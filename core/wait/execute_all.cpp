#include "core/wait/execute_all.h"

namespace weir {

MultipleException::MultipleException(std::vector<std::exception_ptr> thrown)
    : exceptions_(std::move(thrown)) {
    what_ = std::to_string(exceptions_.size()) + " exceptions side by side";
    const char* separator = ": ";
    for (const std::exception_ptr& one : exceptions_) {
        try {
            std::rethrow_exception(one);
        } catch (const std::exception& e) {
            what_ += std::string(separator) + e.what();
        } catch (...) {
            what_ += std::string(separator) + "of an unknown type";
        }
        separator = "; ";
    }
}

void detail::throw_all(std::vector<std::exception_ptr> exceptions) {
    // A single exception keeps its type, so that callers can catch it.
    if (exceptions.size() == 1) {
        std::rethrow_exception(exceptions[0]);
    }
    if (!exceptions.empty()) {
        throw MultipleException(std::move(exceptions));
    }
}

}  // namespace weir
