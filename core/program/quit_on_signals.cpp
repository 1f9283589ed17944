#include "core/program/quit_on_signals.h"

#include <csignal>
#include <cstddef>
#include <string>
#include <system_error>

#include "core/run/scheduler.h"
#include "core/run/uv_poller.h"

namespace weir {

QuitOnSignals::QuitOnSignals(UvPoller& poller, Scheduler& scheduler) : scheduler_(scheduler) {
    constexpr std::array<int, 2> signals = {SIGINT, SIGTERM};
    for (std::size_t i = 0; i != signals.size(); ++i) {
        handles_[i] = new uv_signal_t;
        uv_signal_init(&poller.loop(), handles_[i]);
        handles_[i]->data = this;
        const int error = uv_signal_start(
            handles_[i],
            [](uv_signal_t* handle, int signal) {
                static_cast<QuitOnSignals*>(handle->data)->caught(signal);
            },
            signals[i]);
        // A server that only watches signals has nothing left to do and may end.
        uv_unref(reinterpret_cast<uv_handle_t*>(handles_[i]));
        if (error != 0) {
            // The destructor does not run when the constructor throws.
            close();
            throw std::system_error(-error, std::system_category(), "watching a signal");
        }
    }
}

QuitOnSignals::~QuitOnSignals() {
    close();
}

void QuitOnSignals::close() noexcept {
    for (uv_signal_t* handle : handles_) {
        if (handle != nullptr) {
            uv_close(reinterpret_cast<uv_handle_t*>(handle),
                     [](uv_handle_t* closed) { delete reinterpret_cast<uv_signal_t*>(closed); });
        }
    }
}

void QuitOnSignals::caught(int signal) {
    const std::string name = signal == SIGINT ? "SIGINT" : "SIGTERM";
    if (told_) {
        scheduler_.log(LogLevel::warning, name + " again: ends at once");
        scheduler_.quit_now();
    } else {
        told_ = true;
        scheduler_.log(LogLevel::info, name + ": quits");
        scheduler_.quit();
    }
}

}  // namespace weir
