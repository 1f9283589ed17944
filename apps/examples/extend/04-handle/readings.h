#pragma once

#include <string>

#include <uv.h>
#include <weir/core.h>

#include "core/run/uv_loop.h"

// A line that a device has sent.
struct Reading : weir::Event {
    weir::Index<std::string> line;

    static auto declare() {
        return weir::declare_event<Reading>("extend.Reading")
            .index("line", &Reading::line)
            .blocking();
    }
};

// Reads lines from a pipe, a device or a socket with a handle of libuv, and sends each as an event.
// While the queue of these events is full it reads no further: the system's buffer fills, and then
// the other end waits.
class Readings {
public:
    Readings(weir::Scheduler& scheduler, int descriptor) : container_(scheduler) {
        uv_pipe_init(&weir::loop_of(scheduler), &handle_->pipe, 0);
        uv_pipe_open(&handle_->pipe, descriptor);
        handle_->pipe.data = this;
        read_on();
    }
    Readings(const Readings&) = delete;
    Readings& operator=(const Readings&) = delete;
    // The loop uses the handle until it has closed it.
    ~Readings() {
        uv_close(reinterpret_cast<uv_handle_t*>(&handle_->pipe),
                 [](uv_handle_t* pipe) { delete reinterpret_cast<Handle*>(pipe); });
    }

private:
    struct Handle {
        uv_pipe_t pipe{};  // zeroed: the loader looks for addresses of code in handles
        char buffer[1024];
    };

    void read_on() {
        const auto allocate = [](uv_handle_t* pipe, std::size_t, uv_buf_t* to) {
            auto* handle = reinterpret_cast<Handle*>(pipe);
            *to = uv_buf_init(handle->buffer, sizeof(handle->buffer));
        };
        uv_read_start(reinterpret_cast<uv_stream_t*>(&handle_->pipe), allocate, have_read);
    }

    // A callback must not wait, so it lets a routine do that, and reads nothing meanwhile.
    static void have_read(uv_stream_t* pipe, ssize_t count, const uv_buf_t* from) {
        auto& readings = *static_cast<Readings*>(pipe->data);
        uv_read_stop(pipe);
        if (count >= 0) {
            std::string bytes(from->base, static_cast<std::size_t>(count));
            readings.container_.start(readings.send_lines(std::move(bytes)), {.name = "readings"});
        }
    }

    weir::Task<> send_lines(std::string bytes) {
        unfinished_ += bytes;
        for (std::size_t end; (end = unfinished_.find('\n')) != std::string::npos;) {
            std::string line = unfinished_.substr(0, end);
            unfinished_.erase(0, end + 1);
            co_await weir::send(weir::make_event<Reading>(line));  // waits while the queue is full
        }
        read_on();
    }

    Handle* const handle_ = new Handle;  // freed when the loop has closed it
    std::string unfinished_;             // the begin of a line
    weir::Container container_;
};
