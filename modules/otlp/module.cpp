// The plugin `otlp`: spans of traces on their way to a collector.

#include "modules/system/module/module.h"

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

#include "core/run/span_buffer.h"
#include "core/stream/socket_events.h"
#include "core/wait/timeout.h"
#include "modules/http/http_client.h"
#include "modules/otlp/settings.h"
#include "modules/otlp/span_json.h"
#include "modules/system/module/plugin.h"
#include "modules/system/server/server.h"

namespace weir::otlp {
namespace {

using std::chrono::seconds;

// How long the last spans may take when the module unloads: nobody waits longer for a collector.
constexpr Duration last_time = seconds(2);

// Whether the collector may take the same spans later (OTLP says so of these).
bool is_for_later(int status) noexcept {
    return status == 429 || status == 502 || status == 503 || status == 504;
}

class OtlpModule final : public ModuleOf<OtlpSettings> {
public:
    explicit OtlpModule(const ModuleContext& context)
        : ModuleOf(context), half_full_(scheduler()), client_(scheduler(), client_options()) {}
    ~OtlpModule() override { close(); }

    static auto declare() {
        return declare_module<OtlpModule>("otlp", "Sends traces to a collector of OpenTelemetry")
            .single("all spans of a server go to one collector")
            .counter("sent", "Spans that the collector has taken", &OtlpModule::sent_)
            .counter("dropped", "Spans that were dropped: too many waited, or it refused them",
                     &OtlpModule::dropped)
            .counter("failed_requests", "Requests that the collector has not answered well",
                     &OtlpModule::failed_)
            .gauge("waiting", "Spans that wait for the collector", &OtlpModule::waiting);
    }

    void begin() override {
        open();
        begin_to_send();
    }

    // The next version has opened the buffer for itself. What this one has taken, it sends.
    void retire() override {
        retired_ = true;
        Module::retire();
    }

    Task<> unload() override {
        sender_->close();  // what it was about to send is in the batch
        Task<> sending = send_all();
        co_await execute_with_timeout(last_time, std::move(sending));
        if (const std::size_t left = waiting(); left != 0) {
            log().warning("{} spans are lost: {} has not taken them", left, settings().collector);
        }
        if (!retired_) {
            spans().close();
        }
    }

    void unload_refused() override { begin_to_send(); }

    using ModuleOf::settings_changed;
    void settings_changed(const OtlpSettings&) override { open(); }

private:
    void begin_to_send() {
        sender_ = start(send_now_and_then(), {.name = "send spans", .daemon = true});
    }

    SpanBuffer& spans() const noexcept { return *server().spans(); }

    void open() {
        spans().open(settings().max_spans, settings().begin_share,
                     [this] { half_full_.signal(SocketEvent::Type::changed); });
    }

    http::HttpClientOptions client_options() const {
        // What is away now may be there later: the next time is soon enough.
        return {.max_connections = 1, .max_redirects = 0, .max_retries = 0};
    }

    // --- metrics

    std::uint64_t dropped() const noexcept { return refused_ + spans().dropped(); }
    std::size_t waiting() const noexcept { return batch_.size() + (retired_ ? 0 : spans().size()); }

    // --- sending

    Task<> send_now_and_then() {
        const MatcherOf<SocketEvent> half_full = half_full_.matcher(SocketEvent::Type::changed);
        for (;;) {
            half_full_.want(SocketEvent::Type::changed);
            co_await wait_with_timeout(settings().interval, half_full);
            co_await send_all();
        }
    }

    // Returns when all is sent, or the collector takes no more for now.
    Task<> send_all() {
        for (;;) {
            if (batch_.empty() && !retired_) {
                batch_ = spans().take(settings().batch);
            }
            if (batch_.empty()) {
                co_return;
            }
            const bool goes_on = co_await send_batch();
            if (!goes_on) {
                co_return;
            }
        }
    }

    // Keeps the batch if the collector may take it later.
    Task<bool> send_batch() {
        http::ClientRequest request = request_of(batch_);
        std::string why;
        bool later = true;
        try {
            const http::ClientResponse response = co_await client_.request(std::move(request));
            if (response.is_success()) {
                sent_ += batch_.size();
                batch_.clear();
                set_away("");
                co_return true;
            }
            why = "it answers " + std::to_string(response.status);
            later = is_for_later(response.status);
        } catch (const http::ClientError& error) {
            why = error.what();
        }
        ++failed_;
        set_away(why);
        if (!later) {
            refused_ += batch_.size();
            batch_.clear();
        }
        co_return !later;
    }

    http::ClientRequest request_of(std::span<const Span> spans_to_send) const {
        const Moment now{scheduler().now(), wall_time(scheduler().poller())};
        std::map<std::string, std::string> resource = settings().resource;
        resource["service.name"] = settings().service_name;
        if (!is_simulated(scheduler().poller())) {
            resource["process.pid"] = std::to_string(::getpid());
        }
        http::ClientRequest request("POST", settings().collector);
        request.timeout = settings().timeout;
        for (const auto& [name, value] : settings().headers) {
            request.headers.set(name, value);
        }
        request.headers.set("Content-Type", "application/json");
        request.body = span_json(spans_to_send, resource, now);
        return request;
    }

    // One line when it goes, and one when it is back.
    void set_away(const std::string& why) {
        if (away_ == why.empty()) {
            away_ = !why.empty();
            if (away_) {
                log().warning("cannot send spans: {}; up to {} wait", why, settings().max_spans);
            } else {
                log().info("{} takes spans again", settings().collector);
            }
        }
    }

    Source half_full_;
    http::HttpClient client_;
    Ref<Routine> sender_;
    std::vector<Span> batch_;  // taken, and not sent yet
    bool away_ = false;
    bool retired_ = false;
    std::uint64_t sent_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t refused_ = 0;
};

}  // namespace
}  // namespace weir::otlp

WEIR_PLUGIN(otlp, weir::otlp::OtlpModule)
