#include "modules/redis/plugin/module.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "config/document/value.h"
#include "config/text/utf8.h"
#include "core/base/ascii.h"
#include "core/wait/send.h"
#include "modules/redis/events.h"
#include "modules/redis/plugin/reply_json.h"
#include "modules/system/call/api_error.h"
#include "modules/system/call/json.h"
#include "modules/system/call/parse_value.h"
#include "modules/system/module/app_check.h"
#include "modules/system/module/plugin.h"

namespace weir::redis {
namespace {

// The first word of the server's text, in small letters; `refused` for its ERR, which says nothing.
std::string code_of(const ServerError& error) {
    std::string code(error.code());
    const auto is_capital = [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; };
    if (code == "ERR" || code.empty() || !std::ranges::all_of(code, is_capital)) {
        return "refused";
    }
    return in_lower_case(code);
}

// Throws the error that is being handled as one for callers. Requires that there is one.
[[noreturn]] void throw_for_caller() {
    try {
        throw;
    } catch (const ServerError& error) {
        throw ApiException(code_of(error), error.what());
    } catch (const InDoubtError& error) {
        throw ApiException("in_doubt", error.what());
    } catch (const LimitError& error) {
        throw ApiException("limit_reached", error.what());
    } catch (const Error& error) {
        throw ApiException("unavailable", error.what());
    } catch (const std::invalid_argument& error) {
        throw ApiException(ApiError::bad_parameter, error.what());
    }
}

Task<Json> as_json(Task<Reply> asking) {
    try {
        const Reply reply = co_await asking;
        co_return json_of(reply);
    } catch (const QuitException&) {
        throw;
    } catch (const std::exception&) {
        throw_for_caller();
    }
}

std::vector<std::string> texts_of(const std::vector<config::Value>& values) {
    std::vector<std::string> texts;
    texts.reserve(values.size());
    for (const config::Value& value : values) {
        texts.push_back(argument_text(value));
    }
    return texts;
}

api::ConnectionInfo info_of(const Client& client) {
    return {.connected = client.is_connected(),
            .version = client.version(),
            .connections = client.connections(),
            .obstacle = client.obstacle()};
}

config::Value data_of(const std::string& payload) {
    return parse_value(payload).value_or(config::Value());
}

bool is_utf8(const std::string& text) {
    return config::utf8_prefix(text) == text.size();
}

}  // namespace

ModuleDeclaration<RedisModule> RedisModule::declare() {
    return declare_module<RedisModule>("redis", "A client of Redis, Valkey, KeyDB and lockd")
        .event<api::MessageEvent>()
        .event<ConnectionChanged>()
        .hands_over<RedisState>(&RedisModule::hand_over, &RedisModule::take_over)
        .checks(&RedisModule::check)
        .shows_flows(&RedisModule::flows)
        .function("command", &RedisModule::command)
        .function("script", &RedisModule::script)
        .function("publish", &RedisModule::publish)
        .function("status", "Tells how the connections are", &RedisModule::status)
        .counter("commands", "Commands that were sent", &RedisModule::sent_commands)
        .counter("in_doubt", "Commands of which it is not known whether they were executed",
                 &RedisModule::in_doubt)
        .counter("connections", "How often the connection for commands was made",
                 &RedisModule::connections)
        .counter("messages", "Messages that have come", &RedisModule::messages)
        .counter("not_text", "Messages that became no events: they are not UTF-8",
                 &RedisModule::not_text_)
        .gauge("connected", "1 while the connection for commands is there, else 0",
               &RedisModule::connected)
        .gauge("pending", "Commands that wait, to be sent or for a reply", &RedisModule::pending)
        .reads({"status"});
}

void RedisModule::check(const AppCheck& app) {
    if (std::string wrong = wrong_connection(app.settings<RedisSettings>()); !wrong.empty()) {
        app.report(app.section(), std::move(wrong));
    }
}

std::vector<Flow> RedisModule::flows(const AppCheck& app) {
    std::vector<Flow> all;
    const auto add = [&all](const std::string& what, const std::string& channel) {
        all.push_back({{Flow::Kind::thing, what + ' ' + channel},
                       {Flow::Kind::event, event_type<api::MessageEvent>().name()}});
    };
    for (const std::string& channel : app.settings<RedisSettings>().channels) {
        add("channel", channel);
    }
    for (const std::string& pattern : app.settings<RedisSettings>().patterns) {
        add("channels", pattern);
    }
    return all;
}

// It does not wait for the server: commands do, up to their deadlines.
Task<> RedisModule::load() {
    Task<Login> reading = read_login(settings());
    login_ = co_await reading;
    if (!replaces()) {
        commands_ = connection_for_commands();
        messages_ = connection_for_messages(nullptr);
    }
}

std::unique_ptr<Client> RedisModule::connection_for_commands() const {
    ClientOptions options = client_options(name());
    options.login = login_;
    return std::make_unique<Client>(scheduler(), std::move(options));
}

void RedisModule::begin() {
    if (messages_ != nullptr) {
        sending_messages_ = start(send_messages(), {.name = name() + ".messages", .daemon = true});
    }
}

// --- reload

RedisState RedisModule::hand_over() {
    return {fixed_settings(), channels(), std::move(commands_), std::move(messages_)};
}

// Also called with what this has handed over, when the new version has failed.
void RedisModule::take_over(RedisState& state) {
    const bool connects_anew = state.settings != fixed_settings();
    const bool listens_anew = connects_anew || state.channels != channels();
    // What can fail comes before the state is changed.
    if (connects_anew) {
        commands_ = connection_for_commands();
    }
    if (listens_anew) {
        messages_ = connection_for_messages(state.messages.get());
    }
    if (!connects_anew) {
        commands_ = std::move(state.commands);
        commands_->set_login(login_);
    }
    if (!listens_anew) {
        messages_ = std::move(state.messages);
    }
    if (messages_ != nullptr) {
        messages_->set_login(login_);
    }
}

std::string RedisModule::fixed_settings() const {
    std::string text;
    for (const config::Setting& setting : config::description_of<RedisSettings>().settings()) {
        if (setting.fixed) {
            text += setting.name + '=' +
                    config::to_json(setting.type->to_json(setting.value_in(&settings()))) + '\n';
        }
    }
    return text;
}

std::string RedisModule::channels() const {
    config::Value both = config::Value::list();
    for (const std::vector<std::string>* names : {&settings().channels, &settings().patterns}) {
        config::Value list = config::Value::list();
        for (const std::string& one : *names) {
            list.add(one);
        }
        both.add(std::move(list));
    }
    return config::to_json(both);
}

// --- settings

void RedisModule::settings_changed(const RedisSettings& before) {
    if (before.channels != settings().channels || before.patterns != settings().patterns) {
        std::unique_ptr<Client> client = connection_for_messages(messages_.get());
        if (sending_messages_ != nullptr) {
            std::exchange(sending_messages_, nullptr)->close();
        }
        messages_ = std::move(client);
        begin();
    }
}

void RedisModule::read_files_again() {
    logging_in_.start(log_in_anew(settings()), {.name = name() + ".settings"});
    try {
        commands_->read_certificates_again();
        if (messages_ != nullptr) {
            messages_->read_certificates_again();
        }
    } catch (const TlsError& error) {
        log().error("{}; the certificates stay as they were", error.what());
    }
}

Task<> RedisModule::log_in_anew(RedisSettings now) {
    Task<Login> reading = read_login(now);
    try {
        login_ = co_await reading;
    } catch (const std::runtime_error& error) {
        log().error("{}; the password stays as it was", error.what());
        co_return;
    }
    commands_->set_login(login_);
    if (messages_ != nullptr) {
        messages_->set_login(login_);
    }
}

// --- messages

// Returns null if there are no channels. Messages that have come by the connection before, if there
// is one, and are no events yet, will be events by this one.
std::unique_ptr<Client> RedisModule::connection_for_messages(Client* before) const {
    const std::size_t waiting = before == nullptr ? 0 : before->waiting_messages();
    if (settings().channels.empty() && settings().patterns.empty()) {
        if (waiting != 0) {
            log().warning("{} messages become no events: there are no channels any more", waiting);
        }
        return nullptr;
    }
    ClientOptions options = client_options(name() + ".messages");
    options.login = login_;
    options.channels = settings().channels;
    options.patterns = settings().patterns;
    auto made = std::make_unique<Client>(scheduler(), std::move(options));
    if (waiting != 0) {
        made->take_messages(*before);
    }
    return made;
}

// A message leaves the client when its event is in its queue: none is lost in a reload.
Task<> RedisModule::send_messages() {
    for (;;) {
        Client& client = *messages_;
        const Message& message = co_await client.next_message();
        if (Ref<Event> event = event_of(message)) {
            co_await send(std::move(event));
        }
        client.pop_message();
    }
}

// Returns null for a message that is no text.
Ref<Event> RedisModule::event_of(const Message& message) {
    if (!is_utf8(message.payload) || !is_utf8(message.channel)) {
        if (not_text_++ == 0) {
            log().warning(
                "a message that is not UTF-8 becomes no event; metrics count further "
                "ones (not_text)");
        }
        return {};
    }
    return make_event<api::MessageEvent>(message.channel, name(), message.pattern, message.payload,
                                         data_of(message.payload));
}

// --- functions

Time RedisModule::deadline(const std::optional<std::chrono::milliseconds>& timeout) const {
    return timeout ? scheduler().now() + *timeout : usual_deadline;
}

Task<Reply> RedisModule::ask(Command command, Time until) {
    PendingReply asking = commands_->command(std::move(command), until);
    co_return co_await asking;
}

Task<Json> RedisModule::command(api::CommandParameters parameters) {
    if (parameters.arguments.empty()) {
        throw ApiException(ApiError::bad_parameter, "arguments: the command is missing");
    }
    return as_json(
        ask(Command(texts_of(parameters.arguments)).safe_to_repeat(parameters.safe_to_repeat),
            deadline(parameters.timeout)));
}

Task<Json> RedisModule::script(api::ScriptParameters parameters) {
    return as_json(commands_->script(std::move(parameters.text), texts_of(parameters.keys),
                                     texts_of(parameters.arguments), parameters.safe_to_repeat,
                                     deadline(parameters.timeout)));
}

Task<Json> RedisModule::publish(api::PublishParameters parameters) {
    return as_json(ask(Command("PUBLISH", parameters.channel, argument_text(parameters.payload)),
                       usual_deadline));
}

api::Status RedisModule::status() const {
    api::Status result;
    result.server = commands_->server().text();
    result.commands = info_of(*commands_);
    if (messages_ != nullptr) {
        result.messages = info_of(*messages_);
    }
    result.pending = commands_->requests().size();
    return result;
}

}  // namespace weir::redis

WEIR_PLUGIN(redis, weir::redis::RedisModule)
