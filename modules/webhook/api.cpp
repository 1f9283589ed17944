#include "modules/webhook/api.h"

#include <utility>

namespace weir::webhook {

using config::setting;
using config::settings;

namespace {

template <class S, class... More>
config::Settings<S> request_settings(std::string sentence, More... more) {
    using R = SendParameters;
    return settings<S>(
        std::move(sentence),
        setting("receiver", &R::receiver, "Its name in the configuration")
            .not_empty()
            .check(name_of_receiver())
            .required(),
        setting("path", &R::path, "What follows its address: \"/a/b\", \"?c=d\", or nothing"),
        setting("method", &R::method, "The method; \"\": the receiver's")
            .one_of({"", "POST", "PUT", "PATCH", "DELETE", "GET"}),
        setting("headers", &R::headers, "Further headers"),
        setting("body", &R::body, "What is sent, as JSON; null: nothing"),
        setting("text", &R::text, "A text that is sent instead"), std::move(more)...);
}

}  // namespace

config::Settings<SendParameters> SendParameters::describe() {
    return request_settings<SendParameters>(
        "Sends a request to a receiver, again and again until it is taken; returns its id as soon "
        "as there is room for it; if it fails for good, that is an event webhook.Failed");
}

config::Settings<AskParameters> AskParameters::describe() {
    return request_settings<AskParameters>(
        "Sends a request to a receiver at once, and once; returns the answer",
        setting("must_succeed", &AskParameters::must_succeed,
                "Whether the call fails, with the code `refused`, unless the status is 2xx"));
}

config::Settings<Answer> Answer::describe() {
    using S = Answer;
    return settings<S>("An answer", setting("status", &S::status, "The status"),
                       setting("headers", &S::headers, "The headers, in lower case"),
                       setting("body", &S::body, "JSON as it is; any other as text; null: none"));
}

config::Settings<HookInfo> HookInfo::describe() {
    using S = HookInfo;
    return settings<S>(
        "Where requests come in", setting("name", &S::name, "Its name"),
        setting("description", &S::description, "What it is for"),
        setting("path", &S::path, "Its path"),
        setting("received", &S::received, "Requests that became events"),
        setting("refused", &S::refused, "Requests with a wrong signature, or none"),
        setting("last_refusal", &S::last_refusal, "What was wrong with the last one"));
}

config::Settings<ReceiverInfo> ReceiverInfo::describe() {
    using S = ReceiverInfo;
    return settings<S>(
        "Where requests go", setting("name", &S::name, "Its name"),
        setting("description", &S::description, "What it is for"),
        setting("delivered", &S::delivered, "Requests of `send` that it has taken"),
        setting("failed", &S::failed, "Requests of `send` that have failed for good"),
        setting("retries", &S::retries, "How often requests were sent again"),
        setting("running", &S::running, "Requests of `send` that are under way"),
        setting("waiting", &S::waiting, "Requests of `send` that wait"));
}

config::Settings<WebhookList> WebhookList::describe() {
    using S = WebhookList;
    return settings<S>("Hooks and receivers", setting("hooks", &S::hooks, "Where requests come in"),
                       setting("receivers", &S::receivers, "Where requests go"));
}

}  // namespace weir::webhook
