#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

namespace weir {

class Module;

// What one version of a module hands over to the next when it is reloaded: a plain struct that
// both know by the same name and version.
//
//     struct CounterState {
//         static constexpr std::string_view name = "counter";
//         static constexpr std::uint32_t version = 1;
//         std::uint64_t count = 0;
//     };
//
// The version stands for the layout: a change of a member needs another version, and the old struct
// stays if its states are to be taken over too. Members are of types that do not lie in the plugin:
// values, the standard library's, weir's. Anything else would need the old version's code.
template <class S>
concept HandedOver = requires {
    { S::name } -> std::convertible_to<std::string_view>;
    { S::version } -> std::convertible_to<std::uint32_t>;
};

// What happens to the calls of the module's functions that are under way when it hands over.
enum class CallsUnderWay {
    end_first,  // they end before, and new ones wait; the reload fails if they take too long
    go_on,      // they end in the old version later, without what was handed over
};

// How a kind of modules gives its state away, or takes one over.
struct Handover {
    std::string name;
    std::uint32_t version = 0;
    std::size_t size = 0;  // of the struct
    CallsUnderWay calls = CallsUnderWay::end_first;
    std::function<std::shared_ptr<void>(Module& module)> give;  // empty: only takes it
    std::function<void(Module& module, void* state)> take;

    // For messages: 'counter' version 1.
    std::string describe() const { return "'" + name + "' version " + std::to_string(version); }
};

template <HandedOver S, class M>
Handover make_handover(S (M::*give)(), void (M::*take)(S&),
                       CallsUnderWay calls = CallsUnderWay::end_first) {
    Handover result{.name = std::string(S::name),
                    .version = S::version,
                    .size = sizeof(S),
                    .calls = calls,
                    .give = {},
                    .take = {}};
    if (give != nullptr) {
        result.give = [give](Module& module) -> std::shared_ptr<void> {
            return std::make_shared<S>((static_cast<M&>(module).*give)());
        };
    }
    result.take = [take](Module& module, void* state) {
        (static_cast<M&>(module).*take)(*static_cast<S*>(state));
    };
    return result;
}

}  // namespace weir
