#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace weir {

class Scheduler;

// Finds out where a thread is, from another thread and while the first one runs or waits: a signal
// makes it write down its stack, without locks and without memory.
//
// Uses the signal SIGRTMAX-5, unless the program handles that itself.
class ThreadStack {
public:
    // For the calling thread, which is that of the scheduler and also destroys this object.
    explicit ThreadStack(Scheduler& scheduler);
    ~ThreadStack();
    ThreadStack(const ThreadStack&) = delete;
    ThreadStack& operator=(const ThreadStack&) = delete;

    // Interrupts the thread and waits until it has answered. Returns false if it does not within
    // the time, because it waits in the kernel for something that no signal interrupts, as a disk.
    // On one other thread at a time.
    bool take(std::chrono::milliseconds patience);

    // Of the last answer. The routine that ran, as "'name' started at file:line"; "" for none.
    std::string routine() const;
    // A line for each function, the innermost first: "pour(Cup&) at cafe.cpp:42", or, where the
    // library has no such information, "pour(Cup&) in cafe.so+0x1a2b".
    std::vector<std::string> lines();

private:
    struct Answer;
    class Symbols;

    std::unique_ptr<Answer> answer_;
    std::unique_ptr<Symbols> symbols_;
};

// Returns the name of a library's file, without folders, for people. One that was opened from
// memory by its descriptor has the name that the memory was given.
std::string library_name(const char* path);

}  // namespace weir
