#include "config/settings/configuration.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace weir::config {

namespace {

// Returns whether a path leads to a module's section, or into it.
bool is_in_module(const Path& path) {
    if (path.size() < 2) return false;
    const auto* group = std::get_if<std::string>(&path.steps()[0]);
    const auto* name = std::get_if<std::string>(&path.steps()[1]);
    return group && name && *group == "module" && *name != "default";
}

// Returns the steps in [begin, end).
Path part(const Path& path, std::size_t begin, std::size_t end) {
    Path result;
    for (std::size_t index = begin; index < end; ++index) {
        std::visit([&](const auto& step) { result.push(step); }, path.steps()[index]);
    }
    return result;
}

// Returns where a missing setting would be added: preferably to an object in a file.
const Fragment& container(const Fragments& fragments) {
    for (auto fragment = fragments.rbegin(); fragment != fragments.rend(); ++fragment) {
        const Source* source = fragment->value->position.source.get();
        if (fragment->plain() && source && !source->one_line) return *fragment;
    }
    return fragments.back();
}

// Gives the value, and all values in it, the position.
void put_at(Value& value, const Position& position) {
    value.position = position;
    if (auto* list = value.get<Value::List>()) {
        for (Value& element : *list) put_at(element, position);
    } else if (auto* object = value.get<Value::Object>()) {
        for (Member& member : *object) {
            member.position = position;
            put_at(member.value, position);
        }
    }
}

}  // namespace

Configuration Configuration::load(const Sources& sources, Problems& problems) {
    Configuration result;
    result.layers_ = read_layers(sources, problems);
    return result;
}

Configuration Configuration::with(std::string path, Value value, const std::string& source) const {
    Configuration result = *this;
    // All such values of one source are in one layer, so that there are never more of them.
    if (result.layers_.empty() || result.layers_.back().source->name != source) {
        std::size_t order = 0;
        for (const Layer& layer : layers_) order = std::max(order, layer.source->order + 1);
        result.layers_.push_back(
            {std::make_shared<Source>(Source{source, order, true}), Value::object()});
        put_at(result.layers_.back().root, {result.layers_.back().source, 0, 0});
    }
    Layer& layer = result.layers_.back();
    auto& members = *layer.root.get<Value::Object>();
    std::erase_if(members, [&path](const Member& member) { return member.name == path; });
    const Position position{layer.source, 0, 0};
    put_at(value, position);
    members.push_back({std::move(path), position, std::move(value)});
    return result;
}

void Configuration::read(std::string_view section, const Description& description, void* object,
                         Problems& problems, bool may_miss) const {
    const Path path(section);
    const SectionFragments given = this->section(path);
    Reader reader(problems, position(path), path);
    if (may_miss) reader.allow_missing();
    description.read(given.fragments, object, reader, Unknown::ignore);
}

std::optional<Value> Configuration::value(const Path& path) const {
    if (!is_in_module(path)) return merged(section(path).fragments);
    const SectionFragments module = section(part(path, 0, 2));
    return merged(find(module.fragments, part(path, 2, path.size())));
}

std::vector<Name> Configuration::names(const Path& path) const {
    std::vector<Name> result;
    const SectionFragments given = section(path);
    for (const auto& [name, fragments] : settings_in(given.fragments)) {
        result.push_back({std::string(name), *fragments.back().name_position});
    }
    return result;
}

std::vector<std::string> Configuration::files() const {
    std::vector<std::string> result;
    for (const Layer& layer : layers_) {
        if (!layer.source->one_line) result.push_back(layer.source->name);
    }
    return result;
}

Configuration::SectionFragments Configuration::section(const Path& path) const {
    SectionFragments result;
    // Appended first: defaults for all modules count as layers below all other layers.
    if (is_in_module(path) && path.size() == 2) append(result, "module.default");
    append(result, path);
    return result;
}

// Appends what all layers say about `base`, above all earlier fragments.
void Configuration::append(SectionFragments& section, const Path& base) const {
    const std::size_t first = section.origins.size();
    Fragments roots;
    for (const Layer& layer : layers_) {
        section.origins.push_back(
            std::make_unique<const Origin>(Origin{first + roots.size(), base}));
        roots.push_back({&layer.root, &layer.root.position, {}, section.origins.back().get()});
    }
    const Fragments found = find(roots, base);
    section.fragments.insert(section.fragments.end(), found.begin(), found.end());
}

Configuration::Place Configuration::place(const Path& path) const {
    for (std::size_t length = path.size(); length > 0; --length) {
        SectionFragments given;
        const Path prefix = part(path, 0, length);
        append(given, prefix);
        if (given.fragments.empty() && length > 2 && is_in_module(prefix)) {
            append(given, Path("module.default") / part(prefix, 2, length));
        }
        if (given.fragments.empty()) continue;
        const Fragment& fragment =
            length < path.size() ? container(given.fragments) : given.fragments.back();
        return {fragment.value->position, *fragment.name_position};
    }
    for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
        if (layer->source->one_line) continue;
        const Position whole_file{layer->source, 0, 0};
        return {whole_file, whole_file};
    }
    return {};
}

}  // namespace weir::config
