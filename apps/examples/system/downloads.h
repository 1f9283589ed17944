#pragma once

#include <map>
#include <memory>
#include <stdexcept>
#include <string>

#include <curl/curl.h>
#include <weir/core.h>

#include "core/system/descriptor.h"

// Fetches URLs with libcurl, on the scheduler's thread. libcurl opens the sockets and says what it
// waits for; weir waits, and calls libcurl when a socket is ready or its time has come.
class Downloads {
public:
    explicit Downloads(weir::Scheduler& scheduler) : scheduler_(scheduler), handler_(scheduler) {
        curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &Downloads::want_socket);
        curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
        curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &Downloads::want_time);
        curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
    }

    // co_await fetch(url): returns the content. Throws std::runtime_error if it cannot be had. A
    // routine that is closed meanwhile takes its transfer with it.
    weir::Task<std::string> fetch(std::string url) {
        std::string content;
        Transfer transfer{*this};
        CURL* const easy = transfer.easy.get();
        curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
        curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy, CURLOPT_FAILONERROR, 1L);
        curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Downloads::store);
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, &content);
        curl_easy_setopt(easy, CURLOPT_PRIVATE, &transfer);
        curl_multi_add_handle(multi_.get(), easy);
        const CURLcode result = co_await transfer.done;
        if (result != CURLE_OK) {
            throw std::runtime_error(url + ": " + curl_easy_strerror(result));
        }
        co_return content;
    }

private:
    struct Transfer {
        explicit Transfer(Downloads& of) : owner(of), done(of.scheduler_) {}
        ~Transfer() { curl_multi_remove_handle(owner.multi_.get(), easy.get()); }

        Downloads& owner;
        std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> easy{curl_easy_init(),
                                                                 &curl_easy_cleanup};
        weir::Future<CURLcode> done;
    };
    struct Socket {
        weir::DescriptorWatch watch;
        int wanted = 0;  // CURL_POLL_IN, CURL_POLL_OUT
    };

    // libcurl calls this when it waits for a socket, and before it closes it. No exception may pass
    // through libcurl, which is written in C; -1 ends its transfers.
    static int want_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
        auto& downloads = *static_cast<Downloads*>(self);
        try {
            what == CURL_POLL_REMOVE ? downloads.forget(socket) : downloads.watch(socket, what);
            return 0;
        } catch (const std::exception&) {
            return -1;
        }
    }

    void watch(curl_socket_t socket, int what) {
        auto found = sockets_.find(socket);
        if (found == sockets_.end()) {
            found = sockets_.try_emplace(socket, new Socket{{scheduler_, socket}}).first;
            const auto ready = [this, socket](const weir::Ref<weir::Event>& event) {
                const bool in =
                    event->as<weir::DescriptorEvent>().readiness == weir::Readiness::readable;
                act(socket, in ? CURL_CSELECT_IN : CURL_CSELECT_OUT);
            };
            handler_.handle(found->second->watch.matcher(weir::Readiness::readable), ready);
            handler_.handle(found->second->watch.matcher(weir::Readiness::writable), ready);
        }
        found->second->wanted = what;
        arm(*found->second);
    }

    void forget(curl_socket_t socket) {
        if (const auto found = sockets_.find(socket); found != sockets_.end()) {
            handler_.stop(found->second->watch.matcher(weir::Readiness::readable));
            handler_.stop(found->second->watch.matcher(weir::Readiness::writable));
            sockets_.erase(found);
        }
    }

    static void arm(Socket& socket) {
        if ((socket.wanted & CURL_POLL_IN) != 0) {
            socket.watch.arm(weir::Readiness::readable);
        }
        if ((socket.wanted & CURL_POLL_OUT) != 0) {
            socket.watch.arm(weir::Readiness::writable);
        }
    }

    // libcurl calls this to say when it wants to be called next; -1: never.
    static int want_time(CURLM*, long milliseconds, void* self) {
        auto& downloads = *static_cast<Downloads*>(self);
        downloads.handler_.stop(downloads.timer_.matcher());
        downloads.timer_ = {};
        if (milliseconds >= 0) {
            downloads.timer_ =
                downloads.scheduler_.set_timer(std::chrono::milliseconds(milliseconds));
            downloads.handler_.handle(downloads.timer_.matcher(),
                                      [&downloads](const weir::Ref<weir::Event>&) {
                                          downloads.act(CURL_SOCKET_TIMEOUT, 0);
                                      });
        }
        return 0;
    }

    // Lets libcurl work, and passes on the results of the transfers that have ended.
    void act(curl_socket_t socket, int readiness) {
        int running = 0;
        curl_multi_socket_action(multi_.get(), socket, readiness, &running);
        int left = 0;
        while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
            Transfer* transfer = nullptr;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
            transfer->done.set_result(message->data.result);
        }
        if (const auto found = sockets_.find(socket); found != sockets_.end()) {
            arm(*found->second);
        }
    }

    static std::size_t store(char* data, std::size_t size, std::size_t count, void* content) {
        static_cast<std::string*>(content)->append(data, size * count);
        return size * count;
    }

    weir::Scheduler& scheduler_;
    weir::EventHandler handler_;
    weir::Timer timer_;
    std::map<curl_socket_t, std::unique_ptr<Socket>> sockets_;
    std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi_{curl_multi_init(),
                                                                 &curl_multi_cleanup};
};
