#pragma once

#include <string>

namespace weir::app {

// What `weir lock` says on standard error. Nothing waits for it: the reader of standard error may
// have stopped reading, or ended, while a command must be ended at once. From here on, the program
// ignores SIGPIPE and SIGXFSZ.
class Messages {
public:
    Messages() noexcept;

    // Writes "weir lock: " and the text, as far as that is possible without waiting. The rest is
    // kept for write().
    void say(const std::string& text);
    // Writes what was kept, as far as possible.
    void write() noexcept;
    // Whether something is kept. Then standard error is worth polling.
    bool pending() const noexcept { return !kept_.empty(); }

private:
    std::string kept_;
};

}  // namespace weir::app
