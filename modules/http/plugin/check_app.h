#pragma once

namespace weir {

class AppCheck;

}  // namespace weir

namespace weir::http {

// Checks what of the settings depends on the rest of the app: what routes name. Warns of
// addresses where clients without a login get what other protocols give for a password only.
void check_app(const AppCheck& app);

}  // namespace weir::http
