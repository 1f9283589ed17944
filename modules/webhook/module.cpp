// The plugin `webhook`: signed requests of HTTP that come in as events, and go out in order.

#include "modules/system/module/module.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "config/text/utf8.h"
#include "core/base/ascii.h"
#include "core/run/newest_routine.h"
#include "core/run/random_id.h"
#include "core/run/routine.h"
#include "core/system/secret_file.h"
#include "core/wait/send.h"
#include "modules/http/http_client.h"
#include "modules/http/http_host.h"
#include "modules/system/call/json.h"
#include "modules/system/call/parse_value.h"
#include "modules/system/call/require_named.h"
#include "modules/system/module/app_check.h"
#include "modules/system/module/plugin.h"
#include "modules/webhook/api.h"
#include "modules/webhook/check.h"
#include "modules/webhook/events.h"
#include "modules/webhook/hook.h"
#include "modules/webhook/receiver.h"

namespace weir::webhook {
namespace {

// What one version of the module hands to the next: the requests that are not delivered yet, by
// receiver.
struct WebhookState {
    static constexpr std::string_view name = "webhook";
    static constexpr std::uint32_t version = 1;

    std::map<std::string, std::vector<Outgoing>> requests;
};

http::HttpClientOptions client_options() {
    http::HttpClientOptions options;
    options.max_connections = 1000;  // receivers have limits of their own
    options.max_body = 1024 * 1024;
    // What a receiver is asked is for it alone; and the module itself tries again.
    options.max_redirects = 0;
    options.max_retries = 0;
    return options;
}

// What is no JSON, or nested more deeply than a value may be, is text.
config::Value body_value(const std::string& body) {
    return body.empty() ? config::Value() : parse_value(body).value_or(config::Value(body));
}

template <class T>
bool same(const T& left, const T& right) {
    return config::description_of<T>().equal(&left, &right);
}

class WebhookModule final : public ModuleOf<WebhookSettings> {
public:
    explicit WebhookModule(const ModuleContext& context)
        : ModuleOf(context), client_(context.scheduler, client_options()) {}
    ~WebhookModule() override {
        end_receivers();
        close_all();
    }

    static auto declare() {
        return declare_module<WebhookModule>("webhook",
                                             "Receives and sends signed requests of HTTP")
            .depends_on("http")
            .event<Received>()
            .event<Failed>()
            .checks(&check_app)
            .shows_flows(&WebhookModule::flows)
            .hands_over<WebhookState>(&WebhookModule::hand_over, &WebhookModule::take_over)
            .function("send", &WebhookModule::send_request)
            .function("ask", &WebhookModule::ask)
            .function("list", "Lists hooks and receivers, with what they have done",
                      &WebhookModule::list)
            .counter("received", "Requests that became events", &WebhookModule::add_received)
            .counter("refused", "Requests with a wrong signature, or none",
                     &WebhookModule::add_refused)
            .counter("delivered", "Requests that receivers have taken",
                     &WebhookModule::add_by_receiver<&ReceiverInfo::delivered>)
            .counter("failed", "Requests that have failed for good",
                     &WebhookModule::add_by_receiver<&ReceiverInfo::failed>)
            .counter("retries", "How often requests were sent again",
                     &WebhookModule::add_by_receiver<&ReceiverInfo::retries>)
            .gauge("waiting", "Requests that wait",
                   &WebhookModule::add_by_receiver<&ReceiverInfo::waiting>)
            .reads({"list"});
    }

    Task<> load() override {
        Task<Secrets> reading = read_secrets(settings());
        secrets_ = co_await reading;
        for (const auto& [receiver_name, receiver] : settings().receivers) {
            add_receiver(receiver_name, receiver);
        }
    }

    void begin() override {
        is_begun_ = true;
        add_hooks();
        for (const auto& [receiver_name, receiver] : receivers_) {
            receiver->begin();
        }
    }

    // The settings may be others, and so may the secrets under the same settings.
    void read_files_again() override {
        changing_.start(use_settings(settings()), {.name = "webhook settings"});
    }

    Task<> unload() override {
        set_hooks_open(false);  // senders are asked to come again
        Task<bool> ending = ended_->until([this] { return is_idle(); });
        co_await ending;
    }
    void unload_refused() override { set_hooks_open(true); }

private:
    // Of each hook and receiver, by name.
    struct Secrets {
        std::map<std::string, std::vector<std::string>> hooks;
        std::map<std::string, std::vector<std::string>> receivers;
    };
    using Receivers = std::map<std::string, std::unique_ptr<Receiver>>;

    struct Door {
        std::shared_ptr<Hook> hook;  // shared with its route and the requests under way
        std::unique_ptr<http::Route> route;
    };

    static bool is_at_work(const std::unique_ptr<Receiver>& receiver) {
        return receiver->running() + receiver->waiting() != 0;
    }
    static bool is_busy(const Receivers::value_type& entry) { return is_at_work(entry.second); }
    static bool answers(const std::shared_ptr<Hook>& hook) { return hook->running() != 0; }
    static bool is_answering(const std::pair<const std::string, Door>& entry) {
        return answers(entry.second.hook);
    }

    bool is_idle() const {
        return std::ranges::none_of(receivers_, is_busy) &&
               std::ranges::none_of(leaving_receivers_, is_at_work) &&
               std::ranges::none_of(doors_, is_answering) &&
               std::ranges::none_of(leaving_hooks_, answers);
    }

    static std::vector<Flow> flows(const AppCheck& app) {
        std::vector<Flow> all;
        for (const auto& [hook_name, hook] : app.settings<WebhookSettings>().hooks) {
            all.push_back({{Flow::Kind::thing, "hook " + hook_name},
                           {Flow::Kind::event, event_type<Received>().name()}});
        }
        const Flow::End function{Flow::Kind::function,
                                 std::get<std::string>(app.section().steps().at(1)) + ".send"};
        for (const auto& [receiver_name, receiver] : app.settings<WebhookSettings>().receivers) {
            all.push_back({function, {Flow::Kind::thing, "receiver " + receiver_name}});
            all.push_back(
                {function, {Flow::Kind::event, event_type<Failed>().name()}, "not delivered"});
        }
        return all;
    }

    // --- settings

    Task<Secrets> read_secrets(WebhookSettings settings) const {
        Secrets read;
        for (const auto& [hook_name, hook] : settings.hooks) {
            read.hooks[hook_name] = co_await read_secret(place("hooks", hook_name), hook);
        }
        for (const auto& [receiver_name, receiver] : settings.receivers) {
            read.receivers[receiver_name] =
                co_await read_secret(place("receivers", receiver_name), receiver);
        }
        co_return read;
    }

    config::Path place(const char* list, const std::string& entry) const {
        config::Path path("module");
        path.push(name());
        path.push(list);
        path.push(entry);
        return path;
    }

    static Task<std::vector<std::string>> read_secret(config::Path place, SigningSettings signing) {
        std::vector<std::string> secrets;
        if (signing.secret) {
            secrets.push_back(*signing.secret);
        } else if (signing.secret_file) {
            Task<std::vector<std::string>> reading =
                read_secret_lines(*signing.secret_file, (place / "secret_file").text());
            secrets = co_await reading;
        }
        co_return secrets;
    }

    // What has not changed goes on as it is.
    Task<> use_settings(WebhookSettings now) {
        std::optional<std::string> failure;
        Secrets read;
        try {
            read = co_await read_secrets(now);
        } catch (const QuitException&) {
            throw;
        } catch (const std::exception& error) {
            failure = error.what();
        }
        if (failure) {
            log().error("{}; the hooks and receivers stay as they were", *failure);
        } else if (is_begun_) {
            secrets_ = std::move(read);
            change_hooks();
            change_receivers();
        }
    }

    // --- hooks

    void change_hooks() {
        std::erase_if(leaving_hooks_, [](const auto& hook) { return !answers(hook); });
        for (auto door = doors_.begin(); door != doors_.end();) {
            const auto now = settings().hooks.find(door->first);
            if (now != settings().hooks.end() && same(now->second, door->second.hook->settings())) {
                door->second.hook->set_secrets(secrets_.hooks.at(door->first));
                ++door;
            } else {
                leaving_hooks_.push_back(door->second.hook);
                door = doors_.erase(door);
            }
        }
        add_hooks();
    }

    void add_hooks() {
        for (const auto& [hook_name, hook_settings] : settings().hooks) {
            if (doors_.contains(hook_name)) {
                continue;
            }
            auto hook = std::make_shared<Hook>(hook_name, hook_settings,
                                               secrets_.hooks.at(hook_name), ended_);
            auto route = http::HttpHost::add_route(
                *this, "POST", hook_settings.path,
                [hook](http::Exchange& exchange) { return Hook::receive(hook, exchange); });
            doors_[hook_name] = {std::move(hook), std::move(route)};
        }
    }

    void set_hooks_open(bool open) noexcept {
        for (const auto& [hook_name, door] : doors_) {
            door.hook->set_open(open);
        }
    }

    void close_hooks() {
        for (const auto& [hook_name, door] : doors_) {
            leaving_hooks_.push_back(door.hook);
        }
        doors_.clear();
    }

    // --- receivers

    void change_receivers() {
        std::erase_if(leaving_receivers_,
                      [](const auto& receiver) { return !is_at_work(receiver); });
        for (auto entry = receivers_.begin(); entry != receivers_.end();) {
            const auto now = settings().receivers.find(entry->first);
            if (now == settings().receivers.end()) {
                leaving_receivers_.push_back(std::move(entry->second));
                entry = receivers_.erase(entry);
            } else {
                entry->second->change(now->second, signing_secret(entry->first));
                ++entry;
            }
        }
        for (const auto& [receiver_name, receiver] : settings().receivers) {
            if (!receivers_.contains(receiver_name)) {
                add_receiver(receiver_name, receiver);
                receivers_[receiver_name]->begin();
            }
        }
    }

    void add_receiver(const std::string& receiver_name, const ReceiverSettings& receiver) {
        receivers_[receiver_name] = std::make_unique<Receiver>(
            scheduler(), client_, *ended_, receiver_name, receiver, signing_secret(receiver_name),
            [this](const Receiver& of, const Outgoing& request, const Failure& failure,
                   std::uint32_t tries) { return give_up(of, request, failure, tries); });
    }

    std::string signing_secret(const std::string& receiver_name) const {
        const std::vector<std::string>& secrets = secrets_.receivers.at(receiver_name);
        return secrets.empty() ? "" : secrets.front();
    }

    Receiver& find(const std::string& receiver_name) const {
        return *require_named(receivers_, "receiver", receiver_name)->second;
    }

    Task<> give_up(const Receiver& receiver, const Outgoing& request, const Failure& failure,
                   std::uint32_t tries) {
        log().warning("the request {} to the receiver '{}' has failed for good: {}", request.id,
                      receiver.name(), failure.message);
        Ref<Event> event =
            make_event<Failed>(receiver.name(), request.id, request.path, body_value(request.body),
                               tries, failure.status, failure.message);
        co_await send(std::move(event));
    }

    void end_receivers() noexcept {
        for (const auto& [receiver_name, receiver] : receivers_) {
            leave(*receiver);
        }
        for (const auto& receiver : leaving_receivers_) {
            leave(*receiver);
        }
    }

    void leave(Receiver& receiver) noexcept {
        try {
            if (const std::size_t left = receiver.stop().size(); left != 0) {
                log().warning("{} requests to the receiver '{}' are not delivered", left,
                              receiver.name());
            }
        } catch (const std::bad_alloc&) {
            // The log has no line then.
        }
    }

    WebhookState hand_over() {
        is_begun_ = false;
        close_hooks();
        WebhookState state;
        for (const auto& [receiver_name, receiver] : receivers_) {
            state.requests[receiver_name] = receiver->stop();
        }
        return state;
    }

    // Also called with what this has handed over, when the new version has failed.
    void take_over(WebhookState& state) {
        for (auto& [receiver_name, requests] : state.requests) {
            const auto receiver = receivers_.find(receiver_name);
            if (receiver != receivers_.end()) {
                receiver->second->take_over(std::move(requests));
            } else if (!requests.empty()) {
                log().warning("the receiver '{}' is gone, with {} requests that wait for it",
                              receiver_name, requests.size());
            }
        }
        if (!replaces()) {
            begin();
        }
    }

    // --- functions

    Outgoing made_of(const Receiver& receiver, SendParameters parameters) {
        if (const std::string wrong = wrong_headers(parameters.headers); !wrong.empty()) {
            throw ApiException(ApiError::bad_parameter, "headers: " + wrong);
        }
        if (parameters.text && !parameters.body.is_null()) {
            throw ApiException(ApiError::bad_parameter, "text: there is a body already");
        }
        Outgoing made;
        made.id = random_id(scheduler().poller()) + random_id(scheduler().poller());
        made.method = parameters.method.empty() ? receiver.settings().method : parameters.method;
        made.path = std::move(parameters.path);
        if (parameters.text) {
            made.headers["Content-Type"] = "text/plain; charset=utf-8";
            made.body = *std::move(parameters.text);
        } else if (!parameters.body.is_null()) {
            made.headers["Content-Type"] = "application/json";
            made.body = config::to_json(parameters.body);
        }
        for (auto& [header_name, value] : parameters.headers) {
            made.headers[header_name] = std::move(value);
        }
        try {
            receiver.url_with(made.path);
        } catch (const std::invalid_argument& error) {
            throw ApiException(ApiError::bad_parameter, error.what());
        }
        return made;
    }

    Task<std::string> send_request(SendParameters parameters) {
        Receiver& receiver = find(parameters.receiver);
        Outgoing made = made_of(receiver, std::move(parameters));
        std::string id = made.id;
        Task<> adding = receiver.add(std::move(made));
        co_await adding;
        co_return id;
    }

    Task<Answer> ask(AskParameters parameters) {
        Receiver& receiver = find(parameters.receiver);
        const bool must_succeed = parameters.must_succeed;
        Task<http::ClientResponse> asking = receiver.ask(made_of(receiver, std::move(parameters)));
        std::optional<std::string> failure;
        http::ClientResponse response;
        try {
            response = co_await asking;
        } catch (const http::ClientError& error) {
            failure = error.what();
        }
        if (failure) {
            throw ApiException("unreachable", *failure);
        }
        if (must_succeed && !response.is_success()) {
            throw ApiException("refused", refusal_text(response));
        }
        co_return answer_of(response);
    }

    static Answer answer_of(const http::ClientResponse& response) {
        if (config::utf8_prefix(response.body) != response.body.size()) {
            throw ApiException("bad_answer", "the answer is no UTF-8");
        }
        Answer answer;
        answer.status = response.status;
        for (const auto& [header_name, value] : response.headers) {
            answer.headers[in_lower_case(header_name)] = value;
        }
        const auto type = answer.headers.find("content-type");
        const bool is_json =
            type != answer.headers.end() && type->second.find("json") != std::string::npos;
        answer.body = is_json || response.body.empty() ? body_value(response.body)
                                                       : config::Value(response.body);
        return answer;
    }

    WebhookList list() const {
        WebhookList all;
        for (const auto& [hook_name, door] : doors_) {
            const Hook::Counts& counts = door.hook->counts();
            all.hooks.push_back({hook_name, door.hook->settings().description,
                                 door.hook->settings().path, counts.received, counts.refused,
                                 counts.last_refusal});
        }
        for (const auto& [receiver_name, receiver] : receivers_) {
            const Receiver::Counts& counts = receiver->counts();
            all.receivers.push_back({receiver_name, receiver->settings().description,
                                     counts.delivered, counts.failed, counts.retries,
                                     receiver->running(), receiver->waiting()});
        }
        return all;
    }

    // --- metrics

    template <auto Member>
    void add_by_receiver(MetricFamily& values) const {
        for (const ReceiverInfo& info : list().receivers) {
            values.add(info.*Member, {{"receiver", info.name}});
        }
    }
    void add_received(MetricFamily& values) const {
        for (const auto& [hook_name, door] : doors_) {
            values.add(door.hook->counts().received, {{"hook", hook_name}});
        }
    }
    void add_refused(MetricFamily& values) const {
        for (const auto& [hook_name, door] : doors_) {
            values.add(door.hook->counts().refused, {{"hook", hook_name}});
        }
    }

    // A request has ended. Shared with the hooks, whose requests may end after the module.
    const std::shared_ptr<Condition> ended_ = std::make_shared<Condition>();
    Secrets secrets_;
    std::map<std::string, Door> doors_;
    std::vector<std::shared_ptr<Hook>> leaving_hooks_;  // that may still answer requests
    http::HttpClient client_;
    Receivers receivers_;
    std::vector<std::unique_ptr<Receiver>> leaving_receivers_;  // that still have something to do
    NewestRoutine changing_{*this};
    bool is_begun_ = false;
};

}  // namespace
}  // namespace weir::webhook

WEIR_PLUGIN(webhook, weir::webhook::WebhookModule)
