#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "modules/resp/session.h"

namespace weir::resp {

// Returns the line of a client in CLIENT LIST and CLIENT INFO, in the words of Redis where it has
// any: id=3 addr=127.0.0.1:51234 laddr=127.0.0.1:6380 name=worker age=12 idle=0 ... Without a line
// end.
std::string client_text(const Session& session);

// Returns the lines of the chosen clients, in the order in which they connected; each as it is when
// it is looked at. In pieces of long work for the caller, which must stay valid.
Task<std::vector<std::string>> list_clients(RespProtocol& protocol, const Caller& caller,
                                            std::function<bool(const Session&)> chosen);

// Returns the address of the client as Redis writes it: 127.0.0.1:51234, or unix:/path.
std::string client_address(const Session& session);
// The same of the server's side of the connection.
std::string client_local_address(const Session& session);

// Whether a client may have this name: no spaces, line ends or other bytes that are not printable.
bool is_client_name(std::string_view name) noexcept;

}  // namespace weir::resp
