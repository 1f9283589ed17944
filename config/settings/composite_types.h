#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "config/document/found.h"
#include "config/settings/schema_writer.h"
#include "config/settings/type.h"

namespace weir::config {

/// Called for a null with the fragments that it hides, those between it and an earlier null.
using AtNull = std::function<void(const Fragment& null, const Fragments& hidden)>;

/// Returns the fragments behind the last null, or all fragments if there is no null. Calls
/// `at_null` for each null, so that the mistakes of what it hides are reported.
Fragments after_null(const Fragments& fragments, Reader& reader, const AtNull& at_null);

/// Reports a null that is to remove the entry `name` of a map when there is none. `entries` are all
/// entries of all layers, `initial` the names of those that the map has without any layer.
void report_nothing_to_remove(const Fragment& null, std::string_view name,
                              const NamedFragments& entries, std::vector<std::string> initial,
                              Reader& reader);

/// Returns the schema, extended to accept null.
Value or_null(Value schema);

/// Any JSON. Merges the objects of several layers; otherwise the last layer wins.
class AnyType : public Type {
public:
    std::string name() const override { return "any JSON"; }
    void read(const Fragments& fragments, void* value, Reader& reader) const override;
    Value to_json(const void* value) const override { return *static_cast<const Value*>(value); }
    bool equal(const void* left, const void* right) const override {
        return *static_cast<const Value*>(left) == *static_cast<const Value*>(right);
    }
    void assign(const void* from, void* to) const override {
        *static_cast<Value*>(to) = *static_cast<const Value*>(from);
    }
    Value schema(SchemaWriter&) const override { return Value::object(); }
};

/// A value or null.
template <class T>
class OptionalType : public Type {
public:
    explicit OptionalType(std::unique_ptr<const Type> inner) : inner_(std::move(inner)) {}

    const Type& inner() const noexcept { return *inner_; }

    std::string name() const override { return inner_->name() + " or null"; }
    std::string allowed() const override { return inner_->allowed(); }

    void read(const Fragments& fragments, void* value, Reader& reader) const override {
        auto& result = *static_cast<std::optional<T>*>(value);
        const Fragments rest =
            after_null(fragments, reader, [&](const Fragment&, const Fragments& hidden) {
                T ignored{};
                if (!hidden.empty()) inner_->read(hidden, &ignored, reader);
                result.reset();
            });
        if (rest.empty()) return;
        T inner = result ? *std::move(result) : T{};
        inner_->read(rest, &inner, reader);
        result = std::move(inner);
    }
    bool read_scalar(const Value& scalar, void* value) const override {
        auto& result = *static_cast<std::optional<T>*>(value);
        if (scalar.is_null()) {
            result.reset();
            return true;
        }
        T inner{};
        if (!inner_->read_scalar(scalar, &inner)) return false;
        result = std::move(inner);
        return true;
    }

    Value to_json(const void* value) const override {
        const auto& optional = *static_cast<const std::optional<T>*>(value);
        return optional ? inner_->to_json(&*optional) : Value(nullptr);
    }
    bool equal(const void* left, const void* right) const override {
        const auto& one = *static_cast<const std::optional<T>*>(left);
        const auto& other = *static_cast<const std::optional<T>*>(right);
        return one && other ? inner_->equal(&*one, &*other) : !one && !other;
    }
    void assign(const void* from, void* to) const override {
        *static_cast<std::optional<T>*>(to) = *static_cast<const std::optional<T>*>(from);
    }
    Value schema(SchemaWriter& writer) const override { return or_null(inner_->schema(writer)); }
    Nested nested() const override {
        const Nested inner = inner_->nested();
        return {inner.description, inner.suffix};
    }

private:
    std::unique_ptr<const Type> inner_;
};

/// A list. The last layer's list wins as a whole.
template <class T>
class ListType : public Type {
public:
    explicit ListType(std::unique_ptr<const Type> element) : element_(std::move(element)) {}

    std::string name() const override { return "list of " + plural(element_->name()); }
    std::string allowed() const override { return element_->allowed(); }

    void read(const Fragments& fragments, void* value, Reader& reader) const override {
        reader.report_twins(fragments);
        if (reader.too_deep(fragments)) return;
        for (const Fragment& fragment : fragments) {
            const Value* plain = fragment.plain();
            const auto* list = plain ? plain->get<Value::List>() : nullptr;
            if (!list) {
                reader.mismatch(fragment, "a " + name());
                continue;
            }
            std::vector<T> result;
            for (const Value& item : *list) {
                const Reader::Inside inside(reader, result.size());
                T element{};
                element_->read({{&item, &item.position, {}, fragment.origin}}, &element, reader);
                result.push_back(std::move(element));
            }
            *static_cast<std::vector<T>*>(value) = std::move(result);
        }
    }

    Value to_json(const void* value) const override {
        Value list = Value::list();
        for (const T& element : *static_cast<const std::vector<T>*>(value)) {
            list.add(element_->to_json(&element));
        }
        return list;
    }
    bool equal(const void* left, const void* right) const override {
        const auto& one = *static_cast<const std::vector<T>*>(left);
        const auto& other = *static_cast<const std::vector<T>*>(right);
        return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                          [&](const T& a, const T& b) { return element_->equal(&a, &b); });
    }
    void assign(const void* from, void* to) const override {
        *static_cast<std::vector<T>*>(to) = *static_cast<const std::vector<T>*>(from);
    }
    Value schema(SchemaWriter& writer) const override {
        const SchemaWriter::Inside inside(writer, "items");
        const bool was_complete = writer.complete();
        writer.set_complete(true);
        Value items = element_->schema(writer);
        writer.set_complete(was_complete);
        return Value::object().add("type", "array").add("items", std::move(items));
    }
    Nested nested() const override {
        const Nested inner = element_->nested();
        return {inner.description, "[]" + inner.suffix};
    }

private:
    std::unique_ptr<const Type> element_;
};

/// Whether null is a value of the type. In a map of others, it removes an entry.
template <class T>
inline constexpr bool has_null = std::is_same_v<T, Value>;
template <class T>
inline constexpr bool has_null<std::optional<T>> = true;

/// Values by user-chosen names. Merges the entries of several layers into the entries of the
/// struct's default. A null removes what lower layers say of its entry (RFC 7396), unless it is a
/// value of the type; a null for an entry that they do not have is a mistake.
template <class T>
class MapType : public Type {
public:
    explicit MapType(std::unique_ptr<const Type> entry) : entry_(std::move(entry)) {}

    std::string name() const override { return "map to " + plural(entry_->name()); }
    std::string allowed() const override { return entry_->allowed(); }

    void read(const Fragments& fragments, void* value, Reader& reader) const override {
        if (reader.too_deep(fragments)) return;
        for (const Fragment& fragment : fragments) {
            if (!fragment.is_object()) reader.mismatch(fragment, "an object (a " + name() + ")");
        }
        auto& map = *static_cast<std::map<std::string, T>*>(value);
        const NamedFragments all = entries_in(fragments);
        for (const auto& [key, entries] : all) {
            const Reader::Inside inside(reader, key);
            const std::string name(key);
            if constexpr (has_null<T>) {
                entry_->read(entries, &map[name], reader);
            } else {
                const Fragments rest = after_null(
                    entries, reader,
                    [&, &key = key](const Fragment& null, const Fragments& hidden) {
                        T ignored{};
                        if (!hidden.empty()) {
                            entry_->read(hidden, &ignored, reader);
                        } else if (!map.contains(name)) {
                            report_nothing_to_remove(null, key, all, names_of(map), reader);
                        }
                        map.erase(name);
                    });
                if (!rest.empty()) entry_->read(rest, &map[name], reader);
            }
        }
    }

    Value to_json(const void* value) const override {
        Value object = Value::object();
        for (const auto& [key, entry] : *static_cast<const std::map<std::string, T>*>(value)) {
            object.add(key, entry_->to_json(&entry));
        }
        return object;
    }
    bool equal(const void* left, const void* right) const override {
        const auto& one = *static_cast<const std::map<std::string, T>*>(left);
        const auto& other = *static_cast<const std::map<std::string, T>*>(right);
        return std::equal(one.begin(), one.end(), other.begin(), other.end(),
                          [&](const auto& a, const auto& b) {
                              return a.first == b.first && entry_->equal(&a.second, &b.second);
                          });
    }
    void assign(const void* from, void* to) const override {
        using Map = std::map<std::string, T>;
        *static_cast<Map*>(to) = *static_cast<const Map*>(from);
    }
    Value schema(SchemaWriter& writer) const override {
        const SchemaWriter::Inside inside(writer, "additionalProperties");
        Value entry = entry_->schema(writer);
        if (!has_null<T> && !writer.complete()) entry = or_null(std::move(entry));
        return Value::object().add("type", "object").add("additionalProperties", std::move(entry));
    }
    Nested nested() const override {
        const Nested inner = entry_->nested();
        return {inner.description, ".<name>" + inner.suffix};
    }

private:
    static std::vector<std::string> names_of(const std::map<std::string, T>& map) {
        std::vector<std::string> names;
        for (const auto& [name, entry] : map) names.push_back(name);
        return names;
    }

    std::unique_ptr<const Type> entry_;
};

/// One of several types: the first that accepts the value. A text from outside of any file, as of
/// `--set`, that is an object or a list in JSON is a string only if nothing else accepts it.
template <class... Ts>
class VariantType : public Type {
public:
    using Alternatives = std::vector<std::unique_ptr<const Type>>;
    explicit VariantType(Alternatives alternatives) : alternatives_(std::move(alternatives)) {}

    std::string name() const override {
        std::string result;
        for (const auto& type : alternatives_) {
            result += (result.empty() ? "" : " or ") + type->name();
        }
        return result;
    }

    void read(const Fragments& fragments, void* value, Reader& reader) const override {
        reader.report_twins(fragments);
        auto& result = *static_cast<std::variant<Ts...>*>(value);
        for (const Fragment& fragment : fragments) {
            const std::optional<Value> json = as_json(fragment);
            const Fragment unread{json ? &*json : fragment.value, fragment.name_position,
                                  fragment.rest, fragment.origin};
            const std::index_sequence_for<Ts...> all;
            if (!(json && take(unread, result, all)) && !take(fragment, result, all)) {
                report(fragment, reader, all);
            }
        }
    }

    Value to_json(const void* value) const override {
        const auto& variant = *static_cast<const std::variant<Ts...>*>(value);
        return std::visit([&](const auto& held) { return type(variant).to_json(&held); }, variant);
    }
    bool equal(const void* left, const void* right) const override {
        const auto& one = *static_cast<const std::variant<Ts...>*>(left);
        const auto& other = *static_cast<const std::variant<Ts...>*>(right);
        if (one.index() != other.index()) return false;
        const auto address = [](const auto& held) -> const void* { return &held; };
        return type(one).equal(std::visit(address, one), std::visit(address, other));
    }
    void assign(const void* from, void* to) const override {
        *static_cast<std::variant<Ts...>*>(to) = *static_cast<const std::variant<Ts...>*>(from);
    }
    Value schema(SchemaWriter& writer) const override {
        Value any = Value::list();
        for (std::size_t index = 0; index < alternatives_.size(); ++index) {
            const SchemaWriter::Inside inside(writer, "anyOf/" + std::to_string(index));
            any.add(alternatives_[index]->schema(writer));
        }
        return Value::object().add("anyOf", std::move(any));
    }

    Nested nested() const override {
        for (const auto& type : alternatives_) {
            if (Nested nested = type->nested(); nested.description) {
                return {nested.description, nested.suffix};
            }
        }
        return {};
    }

private:
    // Returns the value without the text that it was; nothing if it was none.
    static std::optional<Value> as_json(const Fragment& fragment) {
        const Value* const plain = fragment.plain();
        if (!plain || !plain->substitution || fragment.failed() ||
            !(plain->is_object() || plain->is_list())) {
            return std::nullopt;
        }
        Value json = *plain;
        json.substitution.reset();
        return json;
    }

    // Where an object is wrong, what an alternative that is a struct says of it tells most.
    template <std::size_t... Index>
    void report(const Fragment& fragment, Reader& reader, std::index_sequence<Index...>) const {
        if (!(report_as<Index>(fragment, reader) || ...)) {
            reader.mismatch(fragment, with_article(name()));
        }
    }

    template <std::size_t Index>
    bool report_as(const Fragment& fragment, Reader& reader) const {
        if (!fragment.is_object() || !alternatives_[Index]->nested().is_member) return false;
        std::variant_alternative_t<Index, std::variant<Ts...>> ignored{};
        alternatives_[Index]->read({fragment}, &ignored, reader);
        return true;
    }

    const Type& type(const std::variant<Ts...>& variant) const {
        return *alternatives_[variant.index()];
    }

    template <std::size_t... Index>
    bool take(const Fragment& fragment, std::variant<Ts...>& result,
              std::index_sequence<Index...>) const {
        return (take_as<Index>(fragment, result) || ...);
    }

    template <std::size_t Index>
    bool take_as(const Fragment& fragment, std::variant<Ts...>& result) const {
        Problems ignored;
        Reader trial(ignored, {}, {});
        std::variant_alternative_t<Index, std::variant<Ts...>> value{};
        alternatives_[Index]->read({fragment}, &value, trial);
        if (fragment.failed() || trial.count() > 0) return false;
        result.template emplace<Index>(std::move(value));
        return true;
    }

    Alternatives alternatives_;
};

}  // namespace weir::config
