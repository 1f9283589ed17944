#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/wait/condition.h"
#include "modules/http/exchange.h"
#include "modules/webhook/settings.h"

namespace weir::webhook {

// Where requests of one sender come in. Shared by its route and the requests that it answers, which
// may end after it.
class Hook {
public:
    struct Counts {
        std::uint64_t received = 0;
        std::uint64_t refused = 0;
        std::string last_refusal;
    };

    // `ended`: what is notified when a request is answered; requests that end after the module
    // share it.
    Hook(std::string name, HookSettings settings, std::vector<std::string> secrets,
         std::shared_ptr<Condition> ended);
    Hook(const Hook&) = delete;
    Hook& operator=(const Hook&) = delete;

    const std::string& name() const noexcept { return name_; }
    const HookSettings& settings() const noexcept { return settings_; }
    const Counts& counts() const noexcept { return counts_; }
    // Requests that it answers now.
    std::size_t running() const noexcept { return running_; }
    // Whether it takes requests. Senders of others are asked to come again (503).
    void set_open(bool open) noexcept { is_open_ = open; }
    void set_secrets(std::vector<std::string> secrets) { secrets_ = std::move(secrets); }

    // Answers a request. Sends the event webhook.Received if the request is genuine, and responds
    // when the event is in its queue.
    static Task<> receive(std::shared_ptr<Hook> hook, http::Exchange& exchange);

private:
    void check(const http::Exchange& exchange, const std::string& body);
    Ref<Event> make_event(const http::Exchange& exchange, config::Value body) const;

    const std::string name_;
    const HookSettings settings_;
    const std::shared_ptr<Condition> ended_;  // shared with the module
    std::vector<std::string> secrets_;
    Counts counts_;
    std::size_t running_ = 0;
    bool is_open_ = true;
};

}  // namespace weir::webhook
