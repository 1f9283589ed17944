#include "modules/system/event/event_json.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "config/document/document.h"
#include "config/document/found.h"
#include "config/settings/reader.h"
#include "config/text/nearest_name.h"
#include "modules/system/call/api_error.h"
#include "modules/system/event/event_description.h"
#include "modules/system/event/event_error.h"

namespace weir {

namespace {

constexpr std::size_t most_problems = 10;

const EventDescription& require_description(const EventType& type) {
    if (type.description() == nullptr) {
        throw ApiException(EventError::bad_event, "events of type '" + type.name() +
                                                      "' cannot be made from data: the declaration "
                                                      "does not describe their members");
    }
    return *type.description();
}

void throw_problems(const config::Problems& problems) {
    if (problems.empty()) {
        return;
    }
    std::string message;
    for (const config::Problem& problem : problems) {
        message += (message.empty() ? "" : "; ") + to_text(problem);
    }
    throw ApiException(EventError::bad_event, std::move(message));
}

// Reads an object whose members are all scalars, known, allowed and there once, from JSON straight
// into what is described: the short way of nearly all events. What is different in any way is
// refused without a word, and must be read anew, by the reader of configurations, which knows
// positions and words the mistakes.
class FlatReader final : public nlohmann::json_sax<nlohmann::json> {
public:
    FlatReader(const config::Description& members, void* object)
        : members_(members), object_(object) {}

    // Returns whether all that is required was there. Requires that the parser took the text.
    bool complete() const {
        std::uint64_t bit = 1;
        for (const config::Setting& member : members_.settings()) {
            if (member.required && (seen_ & bit) == 0) {
                return false;
            }
            bit <<= 1;
        }
        return true;
    }

    bool null() override { return read(nullptr); }
    bool boolean(bool value) override { return read(value); }
    bool number_integer(std::int64_t value) override { return read(value); }
    bool number_unsigned(std::uint64_t value) override { return read(value); }
    bool number_float(double value, const std::string&) override { return read(value); }
    bool string(std::string& value) override { return read(std::move(value)); }
    bool binary(nlohmann::json::binary_t&) override { return false; }
    bool start_object(std::size_t) override { return !std::exchange(open_, true); }
    bool end_object() override { return true; }
    bool start_array(std::size_t) override { return false; }
    bool end_array() override { return false; }
    bool parse_error(std::size_t, const std::string&, const nlohmann::detail::exception&) override {
        return false;
    }

    bool key(std::string& name) override {
        member_ = members_.find(name);
        if (member_ == nullptr) {
            return false;
        }
        const std::uint64_t bit = std::uint64_t{1} << (member_ - members_.settings().data());
        const bool again = (seen_ & bit) != 0;
        seen_ |= bit;
        return !again;
    }

private:
    bool read(const config::Value& value) {
        return member_ != nullptr && member_->type->read_scalar(value, member_->value_in(object_));
    }

    const config::Description& members_;
    void* const object_;
    const config::Setting* member_ = nullptr;  // that is read
    std::uint64_t seen_ = 0;                   // a bit for each member
    bool open_ = false;
};

// Returns whether the short way has read all. If not, the object has read a part.
bool read_flat(std::string_view json, const config::Description& members, void* object) {
    const config::Limits limits;
    if (members.settings().size() > 64 || json.size() > limits.text_bytes ||
        json.find('\0') != std::string_view::npos) {
        return false;
    }
    FlatReader reader(members, object);
    return nlohmann::json::sax_parse(json.begin(), json.end(), &reader,
                                     nlohmann::json::input_format_t::json, true, true) &&
           reader.complete();
}

}  // namespace

config::Value event_value(const Event& event) {
    const EventDescription* description = event.type().description().get();
    return description == nullptr
               ? config::Value()
               : description->members().to_json(static_cast<const void*>(&event));
}

std::string event_json(const Event& event) {
    return config::to_json(event_value(event));
}

void read_event(const config::Value& object, Event& event) {
    const config::Description& members = require_description(event.type()).members();
    config::Problems problems(most_problems);
    if (!object.is_object()) {
        problems.add(object.position, {}, "expected an object, found " + config::found(object));
        throw_problems(problems);
    }
    for (const config::Member& member : *object.get<config::Value::Object>()) {
        if (members.find(member.name) == nullptr) {
            problems.add(member.position, {},
                         config::unknown_name("member", member.name, members.names()));
        }
    }
    config::Reader reader(problems, object.position, {});
    const config::Origin origin{0, {}};
    const config::Fragments fragments{{&object, &object.position, {}, &origin}};
    members.read(fragments, static_cast<void*>(&event), reader, config::Unknown::ignore);
    throw_problems(problems);
}

Ref<Event> event_from_json(const EventType& type, std::string_view json) {
    const EventDescription& description = require_description(type);
    Ref<Event> event = description.make();
    if (read_flat(json, description.members(), static_cast<void*>(event.get()))) {
        return event;
    }
    config::Problems problems(most_problems);
    const config::Limits limits;
    config::Allowance allowance(limits);
    const auto source = std::make_shared<const config::Source>(config::Source{.name = "event"});
    const std::optional<config::Value> value =
        config::read_document(json, source, allowance, problems);
    throw_problems(problems);
    event = description.make();
    read_event(*value, *event);
    return event;
}

}  // namespace weir
