#include "modules/system/event/event_description.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "modules/system/event/describe_event.h"

namespace weir {

namespace {

std::vector<EventMember> with_base(const EventDescription* base, std::vector<EventMember> own) {
    std::vector<EventMember> all = base == nullptr ? std::vector<EventMember>() : base->all();
    std::move(own.begin(), own.end(), std::back_inserter(all));
    return all;
}

std::vector<config::Setting> settings_of(const std::vector<EventMember>& members) {
    std::vector<config::Setting> settings;
    for (const EventMember& member : members) {
        settings.push_back(member.setting);
    }
    return settings;
}

// The event lives as long as the pointer to it.
std::shared_ptr<void> event_with_defaults(const EventDescription::Maker& maker) {
    Ref<Event> event = maker();
    void* const address = event.get();
    return {address, [kept = std::move(event)](void*) mutable { kept.reset(); }};
}

// A type that is derived from a described one, and not described itself, has its base's members.
IndexValue read_key(const Event& event, const std::string& name) {
    for (const EventType* type = &event.type(); type != nullptr; type = type->base()) {
        if (type->description() != nullptr) {
            return type->description()->key(event, name);
        }
    }
    return {};
}

}  // namespace

EventDescription::EventDescription(const EventDescription* base, std::string sentence,
                                   std::vector<EventMember> members, bool portable, Maker maker)
    : all_(with_base(base, std::move(members))),
      portable_(portable),
      maker_(std::move(maker)),
      members_(std::move(sentence), settings_of(all_),
               [make = maker_] { return event_with_defaults(make); }) {}

IndexValue EventDescription::key(const Event& event, std::string_view name) const {
    const auto found = std::ranges::find_if(
        all_, [name](const EventMember& member) { return member.setting.name == name; });
    return found == all_.end() || found->key == nullptr
               ? IndexValue()
               : found->key(found->setting.value_in(static_cast<const void*>(&event)));
}

void describe_event_type(EventType& type, std::string sentence, std::vector<EventMember> members,
                         bool portable, EventDescription::Maker maker) {
    const EventType* base = type.base();
    const EventDescription* inherited = base == nullptr ? nullptr : base->description().get();
    if (base != nullptr && inherited == nullptr && !base->index_names().empty()) {
        throw std::logic_error("event type '" + type.name() + "' is described, but its base '" +
                               base->name() + "' is not; describe both");
    }
    for (const EventMember& member : members) {
        if (member.is_index) {
            type.add_index(member.setting.name, member.setting.offset, member.names);
            type.set_kind_of_index(member.kind);
        } else if (member.key != nullptr) {
            type.add_member({member.setting.name, read_key});
        }
    }
    const auto description = std::make_shared<const EventDescription>(
        inherited, std::move(sentence), std::move(members), portable, std::move(maker));
    if (const std::string fault = config::fault_in_names(description->members().settings());
        !fault.empty()) {
        throw std::logic_error("event type '" + type.name() + "' " + fault);
    }
    type.set_description(description);
}

const config::NameIn* name_in_event(const config::Setting& member) noexcept {
    const auto* const index =
        dynamic_cast<const config::detail::IndexType<std::string>*>(member.type.get());
    return config::name_in(index == nullptr ? *member.type : index->value_type());
}

std::string why_not_portable(const EventType& type) {
    if (type.description() == nullptr) {
        return "it is not portable: its declaration does not describe its members";
    }
    if (!type.description()->portable()) {
        return "it is not portable: it is declared for this process only";
    }
    return "";
}

}  // namespace weir
