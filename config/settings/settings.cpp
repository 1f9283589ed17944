#include "config/settings/settings.h"

namespace weir::config {

SettingDraft::SettingDraft(std::string name, std::string sentence) {
    setting_.name = std::move(name);
    setting_.sentence = std::move(sentence);
}
SettingDraft::SettingDraft(SettingDraft&&) noexcept = default;
SettingDraft::~SettingDraft() = default;

void SettingDraft::set_unit(std::string unit) {
    setting_.unit = std::move(unit);
}

void SettingDraft::add_alias(std::string name) {
    setting_.aliases.push_back(std::move(name));
}

Setting SettingDraft::finish(std::unique_ptr<const Type> type, std::ptrdiff_t offset) {
    setting_.type = std::move(type);
    setting_.offset = offset;
    return std::move(setting_);
}

template const Type& type_of<bool>();
template const Type& type_of<int>();
template const Type& type_of<long>();
template const Type& type_of<unsigned long>();
template const Type& type_of<double>();
template const Type& type_of<std::string>();
template class ScalarType<bool>;
template class ScalarType<int>;
template class ScalarType<long>;
template class ScalarType<unsigned long>;
template class ScalarType<double>;
template class ScalarType<std::string>;
template class ScalarType<std::chrono::nanoseconds>;
template class ScalarType<std::chrono::milliseconds>;
template class ScalarType<std::chrono::seconds>;
template class ScalarType<ByteSize>;
template class CheckedType<std::string>;
template class OptionalType<std::string>;
template class OptionalType<unsigned long>;
template class OptionalType<int>;
template class ListType<std::string>;
template class CheckedType<std::vector<std::string>>;

}  // namespace weir::config
