#pragma once

#include <concepts>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace weir::redis {

// The name of a command and its arguments, which may be any bytes, as they are sent to a server:
// Command("SET", "greeting", "hello"), Command("EXPIRE", key, 60).safe_to_repeat().
class Command {
public:
    template <class... T>
        requires(sizeof...(T) > 0 &&
                 (... && (std::convertible_to<const T&, std::string_view> || std::integral<T>)))
    explicit Command(const T&... arguments) {
        const std::string texts[] = {text_of(arguments)...};
        encode(texts);
    }
    // Requires that there is at least the name.
    explicit Command(std::span<const std::string> arguments) { encode(arguments); }

    // Says that it does no harm if it is executed twice: it is sent again when the connection is
    // lost before an answer.
    Command& safe_to_repeat(bool safe = true) & noexcept {
        is_safe_to_repeat_ = safe;
        return *this;
    }
    Command&& safe_to_repeat(bool safe = true) && noexcept {
        is_safe_to_repeat_ = safe;
        return static_cast<Command&&>(*this);
    }

    const std::string& name() const noexcept { return name_; }  // in capitals
    const std::string& bytes() const noexcept { return bytes_; }
    std::string&& take_bytes() noexcept { return static_cast<std::string&&>(bytes_); }
    bool is_safe_to_repeat() const noexcept { return is_safe_to_repeat_; }
    // Why it cannot be executed on a connection that many callers share; empty: it can. Such
    // commands change how the connection works for the others, or hold them up.
    std::string_view unfit() const noexcept { return unfit_; }

private:
    static std::string text_of(std::string_view text) { return std::string(text); }
    template <std::integral T>
    static std::string text_of(T number) {
        return std::to_string(number);
    }
    void encode(std::span<const std::string> arguments);

    std::string name_;
    std::string bytes_;
    std::string_view unfit_;  // a literal
    bool is_safe_to_repeat_ = false;
};

}  // namespace weir::redis
