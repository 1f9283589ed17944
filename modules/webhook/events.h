#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "modules/system/event/describe_event.h"
#include "modules/webhook/api.h"

namespace weir::webhook {

// A genuine request has come in.
struct Received : Event {
    Index<std::string> hook;
    std::map<std::string, std::string> headers;
    std::map<std::string, std::string> query;
    config::Value body;

    static auto declare() {
        return portable_event<Received>(
            "webhook.Received", "A genuine request has come in",
            member("hook", &Received::hook, "Name of the hook").check(name_of_hook()),
            member("headers", &Received::headers,
                   "The headers that the hook names, in lower case; \"\": not sent"),
            member("query", &Received::query, "The parameters of the query"),
            member("body", &Received::body,
                   "JSON as it is; a form as an object; any other text; null: empty"));
    }
};

// A request could not be delivered, however often it was tried.
struct Failed : Event {
    Index<std::string> receiver;
    std::string id;
    std::string path;
    config::Value body;
    std::uint32_t tries = 0;
    int status = 0;
    std::string message;

    static auto declare() {
        return portable_event<Failed>(
            "webhook.Failed", "A request could not be delivered, however often it was tried",
            member("receiver", &Failed::receiver, "Name of the receiver").check(name_of_receiver()),
            member("id", &Failed::id, "What webhook.send has returned"),
            member("path", &Failed::path, "The path behind the receiver's address"),
            member("body", &Failed::body, "What was to be sent"),
            member("tries", &Failed::tries, "How often it was tried"),
            member("status", &Failed::status, "The last status; 0: there was no answer"),
            member("message", &Failed::message, "Why it has failed the last time"));
    }
};

}  // namespace weir::webhook
