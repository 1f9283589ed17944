#pragma once

#include <string>
#include <type_traits>
#include <utility>

#include "modules/system/call/api_function.h"
#include "modules/system/metrics/metric_family.h"

namespace weir {

/// A metric that a module declares: what is counted, and where its values are. Made by
/// ModuleDeclaration::counter, gauge and histogram.
struct ModuleMetric {
    using Collect = void (*)(const ModuleMetric& metric, const Module& module,
                             MetricFamily& values);

    /// Throws std::invalid_argument if the name has anything but small letters, digits and "_", or
    /// the sentence more than one line: the text format has no room for that.
    ModuleMetric(MetricKind its_kind, std::string its_name, std::string its_sentence,
                 detail::MemberPointer its_member, Collect its_collect);

    /// Returns its name among all metrics of a server: weir_lock_acquired_total.
    std::string full_name(const std::string& plugin) const;

    MetricKind kind;
    std::string name;      ///< within the module
    std::string sentence;  ///< without a full stop
    detail::MemberPointer member;
    Collect collect;
};

/// Makes a metric of a member of the module M; see ModuleDeclaration::counter.
template <class M, class V>
ModuleMetric make_module_metric(MetricKind kind, std::string name, std::string sentence, V value) {
    static_assert(std::is_member_pointer_v<V>,
                  "the value of a metric is a member of the module: a number, a weir::Histogram, a "
                  "const function that returns one of them, or a void (MetricFamily&) const");
    const auto collect = [](const ModuleMetric& metric, const Module& module,
                            MetricFamily& values) {
        const M& object = static_cast<const M&>(module);
        const V member = metric.member.as<V>();
        if constexpr (std::is_invocable_v<V, const M&, MetricFamily&>) {
            (object.*member)(values);
        } else if constexpr (std::is_member_object_pointer_v<V>) {
            values.add(object.*member);
        } else {
            values.add((object.*member)());
        }
    };
    return {kind, std::move(name), std::move(sentence), detail::MemberPointer(value), collect};
}

}  // namespace weir
