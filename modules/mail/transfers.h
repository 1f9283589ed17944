#pragma once

#include <map>
#include <memory>
#include <optional>

#include <curl/curl.h>

#include "core/base/list.h"
#include "core/run/event_handler.h"
#include "core/run/scheduler.h"
#include "core/run/task.h"
#include "core/run/timer.h"

namespace weir::mail {

// Runs transfers of libcurl on the scheduler's thread: libcurl opens the sockets and says what it
// waits for; this waits, and calls libcurl when a socket is ready or its time has come.
class Transfers {
public:
    // Throws std::runtime_error if libcurl has no memory.
    explicit Transfers(Scheduler& scheduler);
    Transfers(const Transfers&) = delete;
    Transfers& operator=(const Transfers&) = delete;
    ~Transfers();

    // co_await run(easy): resumes when the transfer has ended. A routine that is closed meanwhile
    // ends it. Uses the private pointer of the handle.
    Task<CURLcode> run(CURL* easy);

private:
    struct Socket;
    struct Transfer;
    struct Library {
        Library();
        ~Library();
    };

    static int want_socket(CURL*, curl_socket_t socket, int what, void* self, void*) noexcept;
    static int want_time(CURLM*, long wait, void* self) noexcept;
    void watch(curl_socket_t socket, int what);
    Socket& add(curl_socket_t socket);
    void forget(curl_socket_t socket);
    void set_time(long wait);
    void act(curl_socket_t socket, int readiness);
    void work(curl_socket_t socket, int readiness);
    void end_all() noexcept;

    const Library library_;
    Scheduler& scheduler_;
    EventHandler handler_;
    Timer timer_;
    std::map<curl_socket_t, std::unique_ptr<Socket>> sockets_;
    List<Transfer> transfers_;  // under way
    // The last member: it says that it needs its sockets no more when it goes.
    std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_;
};

}  // namespace weir::mail
