#include "config/document/document.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "config/document/syntax_error.h"
#include "config/text/quoted.h"
#include "config/text/text_cursor.h"
#include "config/text/utf8.h"

namespace weir::config {

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

// Counts what the parser has read. Copies share the count, because the parser copies its iterators.
class CountingIterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = char;
    using difference_type = std::ptrdiff_t;
    using pointer = const char*;
    using reference = const char&;

    CountingIterator(std::string_view text, std::size_t& consumed)
        : text_(text), consumed_(&consumed) {}

    reference operator*() const { return text_[*consumed_]; }
    CountingIterator& operator++() {
        ++*consumed_;
        return *this;
    }
    CountingIterator operator++(int) {
        CountingIterator before = *this;
        ++*this;
        return before;
    }
    // Iterators of one text always have the same position, so that only the end needs a comparison.
    friend bool operator==(const CountingIterator& left, const CountingIterator&) {
        return *left.consumed_ == left.text_.size();
    }
    friend bool operator!=(const CountingIterator& left, const CountingIterator& right) {
        return !(left == right);
    }

private:
    std::string_view text_;
    std::size_t* consumed_;
};

// Builds the tree from the parser's callbacks. The parser does not tell where a token begins: a
// token begins behind the token before it and the white space, comments and separator that follow.
class TreeBuilder : public nlohmann::json_sax<nlohmann::json> {
public:
    TreeBuilder(std::string_view text, std::shared_ptr<const Source> source,
                const std::size_t& consumed, Allowance& allowance, Problems& problems)
        : text_(text),
          consumed_(consumed),
          cursor_(text, std::move(source)),
          allowance_(allowance),
          problems_(problems) {}

    bool null() override { return add_value(nullptr); }
    bool boolean(bool value) override { return add_value(value); }
    bool number_integer(std::int64_t value) override { return add_value(value); }
    bool number_unsigned(std::uint64_t value) override { return add_value(value); }
    bool number_float(double value, const std::string&) override { return add_value(value); }
    bool string(std::string& value) override { return add_value(std::move(value)); }
    bool binary(nlohmann::json::binary_t&) override { return false; }  // JSON has none
    bool start_object(std::size_t) override { return begin(Value::object()); }
    bool start_array(std::size_t) override { return begin(Value::list()); }
    bool end_object() override { return end(); }
    bool end_array() override { return end(); }

    bool key(std::string& name) override {
        Frame& frame = open_.back();
        frame.name_position = begin_token();
        if (frame.named) path_.pop();
        path_.push(name);
        frame.named = true;
        frame.name = std::move(name);
        end_token(Before::name);
        const auto dots = std::count(frame.name.begin(), frame.name.end(), '.');
        if (static_cast<std::size_t>(dots) < allowance_.limits().depth) return true;
        return refuse(
            frame.name_position,
            "a name has more than " + std::to_string(allowance_.limits().depth) + " parts");
    }

    bool parse_error(std::size_t, const std::string&,
                     const nlohmann::detail::exception& error) override {
        const SyntaxError mistake =
            explain_syntax_error(text_, end_, before_, consumed_, error.what());
        std::string what = mistake.what;
        if (mistake.offset == text_.size() && !open_.empty()) {
            const Position& begin = open_.back().container.position;
            what += std::string(open_.back().container.is_list() ? "; the list" : "; the object") +
                    " that begins at line " + std::to_string(begin.line) + ", column " +
                    std::to_string(begin.column) + " is not closed";
        }
        if (!open_.empty() && open_.back().named && !mistake.is_in_value) {
            path_.pop();
            open_.back().named = false;
        }
        return refuse(cursor_.advance_to(mistake.offset), what);
    }

    // Returns what was read: the whole text, or as far as it could be read.
    std::optional<Value> take() {
        while (!open_.empty()) close();
        return std::move(root_);
    }

private:
    struct Frame {
        Value container;
        std::string name;  // of the member being read
        Position name_position;
        bool named = false;  // whether the path has a step for the value being read
    };

    // Returns the position of the current token. Called once for each token.
    const Position& begin_token() {
        std::size_t offset = after_blanks(text_, end_);
        const bool separated = before_ == Before::name || before_ == Before::list_value ||
                               before_ == Before::object_value;
        if (separated && offset < text_.size() &&
            text_[offset] == (before_ == Before::name ? ':' : ',')) {
            offset = after_blanks(text_, offset + 1);
        }
        token_ = offset;
        return cursor_.advance_to(offset);
    }

    void end_token(Before now) {
        // To find the end of a number, the parser has read one character too many.
        const std::size_t number_end = after_number(text_, token_);
        end_ = number_end > token_ ? number_end : consumed_;
        before_ = now;
    }

    bool refuse(const Position& position, std::string what) {
        problems_.add(position, path_, std::move(what));
        return false;
    }

    bool count_value(const Position& position) {
        if (allowance_.take_value()) return true;
        return refuse(position, "more than " + std::to_string(allowance_.limits().values) +
                                    " values in all files");
    }

    Before after_value() const {
        if (open_.empty()) return Before::document;
        return open_.back().container.is_list() ? Before::list_value : Before::object_value;
    }

    bool add_value(Value value) {
        value.position = begin_token();
        if (!count_value(value.position)) return false;
        end_token(after_value());
        attach(std::move(value));
        return true;
    }

    void attach(Value value) {
        if (open_.empty()) {
            root_ = std::move(value);
            return;
        }
        Frame& frame = open_.back();
        if (auto* list = frame.container.get<Value::List>()) {
            list->push_back(std::move(value));
            path_.pop();
            path_.push(list->size());
        } else {
            frame.container.get<Value::Object>()->push_back(
                {std::move(frame.name), frame.name_position, std::move(value)});
        }
    }

    bool begin(Value container) {
        container.position = begin_token();
        if (!count_value(container.position)) return false;
        if (open_.size() >= allowance_.limits().depth) {
            return refuse(container.position, "more than " +
                                                  std::to_string(allowance_.limits().depth) +
                                                  " lists and objects within each other");
        }
        const bool is_list = container.is_list();
        end_token(is_list ? Before::list_begin : Before::object_begin);
        open_.push_back({std::move(container), "", {}, is_list});
        if (is_list) path_.push(std::size_t{0});
        return true;
    }

    bool end() {
        close();
        end_ = consumed_;
        before_ = after_value();
        return true;
    }

    void close() {
        Frame frame = std::move(open_.back());
        open_.pop_back();
        if (frame.named) path_.pop();
        if (auto* members = frame.container.get<Value::Object>()) remove_twins(*members);
        attach(std::move(frame.container));
    }

    // Reports each name that an earlier member also has, and removes its member.
    void remove_twins(Value::Object& members) {
        std::vector<const Member*> sorted;
        for (const Member& member : members) sorted.push_back(&member);
        std::sort(sorted.begin(), sorted.end(), [](const Member* left, const Member* right) {
            const int order = left->name.compare(right->name);
            return order != 0 ? order < 0 : left < right;
        });
        std::vector<bool> is_twin(members.size());
        const Member* first = nullptr;
        for (const Member* member : sorted) {
            if (!first || first->name != member->name) {
                first = member;
                continue;
            }
            is_twin[static_cast<std::size_t>(member - members.data())] = true;
            path_.push(member->name);
            refuse(member->position, "the name is there twice, first at line " +
                                         std::to_string(first->position.line) + ", column " +
                                         std::to_string(first->position.column));
            path_.pop();
        }
        std::size_t index = 0;
        const auto twin = [&](const Member&) { return is_twin[index++]; };
        members.erase(std::remove_if(members.begin(), members.end(), twin), members.end());
    }

    std::string_view text_;
    const std::size_t& consumed_;  // by the parser, which is at most one character ahead
    std::size_t token_ = 0;        // where the current token begins
    std::size_t end_ = 0;          // behind the last token
    Before before_ = Before::nothing;
    TextCursor cursor_;
    Path path_;
    std::vector<Frame> open_;
    std::optional<Value> root_;
    Allowance& allowance_;
    Problems& problems_;
};

// Returns why the text cannot be parsed at all, or "". Sets `offset` to the place of the mistake.
std::string wrong_encoding(std::string_view text, std::size_t& offset) {
    const std::string_view mark = text.substr(0, 2);
    if (mark == "\xFF\xFE" || mark == "\xFE\xFF") return "the text is UTF-16, expected UTF-8";
    offset = utf8_prefix(text);
    if (offset < text.size()) {
        return "not UTF-8 here (" + printable(text.substr(offset, 1)) + ")";
    }
    offset = std::min(text.find('\0'), text.size());
    return offset < text.size() ? "a byte 0 is not allowed" : "";
}

}  // namespace

std::optional<Value> read_document(std::string_view text, std::shared_ptr<const Source> source,
                                   Allowance& allowance, Problems& problems) {
    const Limits& limits = allowance.limits();
    if (text.size() > limits.text_bytes || !allowance.take_bytes(text.size())) {
        const bool alone = text.size() > limits.text_bytes;
        problems.add({source, 0, 0}, {},
                     (alone ? "longer than " : "with this file, all are longer than ") +
                         std::to_string(alone ? limits.text_bytes : limits.all_text_bytes) +
                         " bytes");
        return std::nullopt;
    }
    if (text.substr(0, byte_order_mark.size()) == byte_order_mark) {
        text.remove_prefix(byte_order_mark.size());
    }
    std::size_t wrong = 0;
    if (std::string what = wrong_encoding(text, wrong); !what.empty()) {
        const std::string_view right = text.substr(0, wrong);
        problems.add(TextCursor(right, source).advance_to(wrong), {}, std::move(what));
        return std::nullopt;
    }
    std::size_t consumed = 0;
    TreeBuilder builder(text, std::move(source), consumed, allowance, problems);
    const CountingIterator begin(text, consumed);
    nlohmann::json::sax_parse(begin, begin, &builder, nlohmann::json::input_format_t::json, true,
                              true);
    return builder.take();
}

}  // namespace weir::config
