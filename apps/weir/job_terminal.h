#pragma once

#include <csignal>

#include <sys/types.h>

namespace weir::app {

// The terminal that controls this process, if there is one, and which of two process groups reads
// from it and gets what its keys send: the group of this process, or that of the command that it
// runs. SIGTTOU must be blocked while this is used.
class JobTerminal {
public:
    JobTerminal() noexcept;
    ~JobTerminal();
    JobTerminal(const JobTerminal&) = delete;
    JobTerminal& operator=(const JobTerminal&) = delete;

    bool exists() const noexcept { return file_ >= 0; }
    // Whether the group of this process has the terminal: it is not in the background, and the
    // terminal is not lent.
    bool is_ours() const noexcept;
    // Whether the command needs no neighbour in the group of this process: there is no pipeline
    // whose other programs read keys, and no script that Ctrl-C should end as well.
    bool is_only_for_command() const noexcept;

    void lend(pid_t group) noexcept;
    void take_back() noexcept;
    bool is_lent() const noexcept { return lent_; }

private:
    int file_;
    bool lent_ = false;
};

}  // namespace weir::app
