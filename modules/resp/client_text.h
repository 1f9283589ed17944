#pragma once

#include <string>
#include <string_view>

#include "modules/resp/session.h"

namespace weir::resp {

// A client as CLIENT LIST and CLIENT INFO show it, in the words of Redis where there are such:
// id=3 addr=127.0.0.1:51234 laddr=127.0.0.1:6380 name=worker age=12 idle=0 ... Without a line end.
std::string client_text(const Session& session);

// The address of the other side as Redis writes it: 127.0.0.1:51234, or unix:/path.
std::string client_address(const Session& session);

// Whether a client may have this name: no spaces, line ends or other bytes that are not printed.
bool is_client_name(std::string_view name) noexcept;

}  // namespace weir::resp
