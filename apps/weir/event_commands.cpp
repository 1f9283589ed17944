#include "apps/weir/event_commands.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

#include "apps/weir/exit_code.h"
#include "apps/weir/figures.h"
#include "apps/weir/output.h"
#include "apps/weir/page.h"
#include "config/text/quoted.h"
#include "modules/system/call/json.h"

namespace weir::app {

namespace {

using Ordered = nlohmann::ordered_json;

std::string text_in(const Ordered& object, const char* name) {
    const auto found = object.find(name);
    return found == object.end() || !found->is_string()
               ? std::string()
               : config::printable(found->get<std::string>(), 500);
}

// Returns "string, required" or "integer, 1 to 100, default 1".
std::string kind_of(const Ordered& member) {
    std::string text = text_in(member, "type");
    if (const std::string allowed = text_in(member, "allowed"); !allowed.empty()) {
        text += ", " + allowed;
    }
    if (const std::string unit = text_in(member, "unit"); !unit.empty()) {
        text += ", in " + unit;
    }
    if (member.value("required", false)) {
        return text + ", required";
    }
    const auto found = member.find("default");
    return found == member.end() ? text : text + ", default " + printable_json(found->dump());
}

std::string members_text(const Ordered& type, const char* list, const char* title) {
    const Ordered& members = type.at(list);
    std::string text;
    for (const Ordered& member : members) {
        text += (text.empty() ? "  " + std::string(title) + '\n' : "") + "    " +
                text_in(member, "name") + "  (" + kind_of(member) + ")";
        if (const std::string what = text_in(member, "description"); !what.empty()) {
            text += "  " + what;
        }
        text += '\n';
    }
    return text;
}

std::string type_text(const Ordered& type) {
    std::string text = text_in(type, "type");
    if (const std::string what = text_in(type, "description"); !what.empty()) {
        text += ": " + what;
    }
    text += '\n';
    const std::string module = text_in(type, "module");
    text += "  " + (module.empty() ? "declared by the configuration" : "of the module " + module);
    if (const std::string base = text_in(type, "extends"); !base.empty()) {
        text += ", extends " + base;
    }
    text += type.value("ignorable", true) ? "\n" : ", not ignorable: cannot be watched\n";
    return text + members_text(type, "indices", "indices") +
           members_text(type, "members", "members");
}

int report(const char* command, const std::exception& error) {
    std::fprintf(stderr, "weir %s: %s\n", command, error.what());
    return failure;
}

}  // namespace

int run_events_command(const EventsCommand& events) {
    try {
        RemoteServer server(events.server);
        std::vector<std::string> request{"EVENTS"};
        if (!events.type.empty()) {
            request.push_back(events.type);
        }
        const Reply reply = server.command(request);
        const std::string text(reply.kind() == Reply::Kind::text ? reply.text() : "");
        Ordered types = Ordered::parse(text);
        if (events.json) {
            print(printable_json(types.dump(2)) + '\n');
            return success;
        }
        if (!types.is_array()) {
            types = Ordered::array({types});
        }
        std::string all;
        for (const Ordered& type : types) {
            all += (all.empty() ? "" : "\n") + type_text(type);
        }
        print(broken_text(all.empty() ? "no event type is portable\n" : all, page_width()));
        return success;
    } catch (const Ordered::exception&) {
        std::fprintf(stderr, "weir events: the answer of the server is not understood\n");
        return failure;
    } catch (const std::exception& error) {
        return report("events", error);
    }
}

int run_send_command(const SendCommand& send) {
    try {
        RemoteServer server(send.server);
        const Reply reply = server.long_command(
            {"SEND", send.type, send.json, "TIMEOUT", std::to_string(send.wait)});
        if (reply.kind() != Reply::Kind::text || reply.text() != "OK") {
            throw std::runtime_error("the answer of the server is not understood");
        }
        return success;
    } catch (const std::exception& error) {
        return report("send", error);
    }
}

int run_watch_command(const WatchCommand& watch) {
    try {
        RemoteServer server(watch.server);
        std::vector<std::string> request{"WATCH", watch.type};
        request.insert(request.end(), watch.filters.begin(), watch.filters.end());
        const Reply begun = server.command(request);
        if (begun.kind() != Reply::Kind::list || begun.texts().empty() ||
            begun.texts().front() != "watch") {
            throw std::runtime_error("the answer of the server is not understood");
        }
        std::string watched = watch.type;
        for (const std::string& filter : watch.filters) {
            watched += ' ' + filter;
        }
        std::fprintf(stderr, "weir watch: watching %s\n", config::printable(watched, 500).c_str());
        for (unsigned seen = 0; watch.count == 0 || seen != watch.count;) {
            const Reply message = server.next_message();
            if (message.kind() != Reply::Kind::list) {
                continue;
            }
            const std::vector<std::string_view> parts = message.texts();
            if (parts.size() != 3 || parts[0] != "message") {
                continue;
            }
            if (parts[2].starts_with("{\"ended\"")) {
                throw std::runtime_error("the watch has ended: " +
                                         text_in(Ordered::parse(parts[2]), "ended"));
            }
            print(printable_json(parts[2]) + '\n');
            seen += parts[2].starts_with("{\"lost\"") ? 0 : 1;
        }
        return success;
    } catch (const std::exception& error) {
        return report("watch", error);
    }
}

}  // namespace weir::app
