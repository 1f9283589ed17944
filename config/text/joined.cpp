#include "config/text/joined.h"

namespace weir::config {

std::string joined(const std::vector<std::string>& texts, std::string_view separator) {
    std::string result;
    for (const std::string& text : texts) {
        if (&text != &texts.front()) result += separator;
        result += text;
    }
    return result;
}

}  // namespace weir::config
