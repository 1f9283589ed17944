#include "modules/system/module/module_metric.h"

#include <algorithm>
#include <stdexcept>

namespace weir {

namespace {

constexpr bool may_be_in_name(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

ModuleMetric::ModuleMetric(MetricKind its_kind, std::string its_name, std::string its_sentence,
                           detail::MemberPointer its_member, Collect its_collect)
    : kind(its_kind),
      name(std::move(its_name)),
      sentence(std::move(its_sentence)),
      member(its_member),
      collect(its_collect) {
    if (name.empty() || !std::ranges::all_of(name, may_be_in_name)) {
        throw std::invalid_argument("the metric '" + name +
                                    "' needs a name of small letters, digits and '_'");
    }
    if (sentence.find_first_of("\n\\") != std::string::npos) {
        throw std::invalid_argument("the sentence of the metric '" + name +
                                    "' must be one line without a backslash");
    }
}

std::string ModuleMetric::full_name(const std::string& plugin) const {
    std::string result = "weir_" + plugin + '_' + name;
    std::ranges::replace_if(
        result, [](char c) { return !may_be_in_name(c); }, '_');
    switch (kind) {
        case MetricKind::counter:
            return result + "_total";
        case MetricKind::histogram:
            return result + "_seconds";
        case MetricKind::gauge:
            break;
    }
    return result;
}

}  // namespace weir
