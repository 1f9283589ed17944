#pragma once

#include <string>

namespace weir {

/// Parameters of a call in JSON, as a client outside has written them; "" for none. The function's
/// side reads them, scalars straight into its struct, and says what is wrong.
struct JsonText {
    std::string text;
};

}  // namespace weir
