#include "modules/resp/watches.h"

#include <algorithm>
#include <utility>

#include "config/document/value.h"
#include "modules/resp/protocol.h"
#include "modules/resp/session.h"
#include "modules/resp/writer.h"
#include "modules/system/call/api_error.h"
#include "modules/system/event/event_exchange.h"

namespace weir::resp {

namespace {

// Messages are collected while there are more, up to about this size.
constexpr std::size_t message_bytes = 16 * 1024;

std::string content_of(const EventWatch::Item& item) {
    if (item.event == nullptr) {
        return "{\"lost\":" + std::to_string(item.lost) + "}";
    }
    return "{\"type\":" + config::to_json(config::Value(item.event->type)) +
           ",\"event\":" + item.event->json + "}";
}

std::string ended_content(const ApiError& why) {
    return "{\"ended\":" + config::to_json(config::Value(to_text(why))) + "}";
}

void write_message(ReplyWriter& writer, std::string_view name, std::string_view content) {
    writer.push(3);
    writer.bulk("message");
    writer.bulk(name);
    writer.bulk(content);
}

}  // namespace

std::size_t Watches::bytes() const noexcept {
    std::size_t bytes = 0;
    for (const auto& sending : all_) {
        bytes += sending->watch.name.size();
    }
    return bytes;
}

bool Watches::has(std::string_view name) const noexcept {
    return std::ranges::any_of(all_, [name](const auto& one) { return one->watch.name == name; });
}

void Watches::add(NamedWatch watch) {
    Sending& added =
        *all_.emplace_back(std::make_unique<Sending>(Sending{std::move(watch), nullptr}));
    added.routine = session_.connection().start(
        send_events(session_, added.watch.name, *added.watch.watch),
        {.name = "watch of client " + std::to_string(session_.id()), .daemon = true});
}

bool Watches::remove(std::string_view name) noexcept {
    const auto found =
        std::ranges::find_if(all_, [name](const auto& one) { return one->watch.name == name; });
    if (found == all_.end()) {
        return false;
    }
    (*found)->routine->close();
    all_.erase(found);
    return true;
}

void Watches::clear() noexcept {
    for (const auto& one : all_) {
        if (one->routine != nullptr) {
            one->routine->close();
        }
    }
    all_.clear();
}

std::vector<NamedWatch> Watches::take() {
    std::vector<NamedWatch> taken;
    taken.reserve(all_.size());
    for (const auto& one : all_) {
        one->routine->close();
        taken.push_back(std::move(one->watch));
    }
    all_.clear();
    return taken;
}

void Watches::add_all(std::vector<NamedWatch> watches) {
    for (NamedWatch& watch : watches) {
        add(std::move(watch));
    }
}

Task<> Watches::send_events(Session& session, std::string name, EventWatch& watch) {
    const MatcherOf<TransactionEnded> ended = match<TransactionEnded>(&session);
    for (;;) {
        EventWatch::Item item = co_await watch.next();
        while (session.in_exec()) {  // a message must not stand within a reply
            co_await ended;
        }
        // The client may be another user by now, or its user may have lost the right.
        const std::optional<ApiError> refusal = EventExchange::refusal_to_watch(*session.caller());
        ReplyWriter writer;
        writer.set_version(session.reply().version());
        while (!refusal) {
            write_message(writer, name, content_of(item));
            if (!watch.ready() || writer.size() >= message_bytes) {
                break;
            }
            item = watch.take();
        }
        if (refusal) {
            write_message(writer, name, ended_content(*refusal));
        }
        co_await session.connection().write(writer.take());
        if (refusal) {
            session.watches().remove(name);  // and with it this routine
            co_return;
        }
    }
}

}  // namespace weir::resp
