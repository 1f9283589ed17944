#pragma once

// The TLS over a stream; only the .cpp files of this room include it. TlsContext makes one.

#include <memory>
#include <string>

#include "core/stream/byte_stream.h"

namespace weir {

class TlsRules;

// `host`: of clients. Throws TlsError.
ByteStream::Owner make_tls_stream(ByteStream::Owner lower, std::shared_ptr<const TlsRules> rules,
                                  const std::string& host);

}  // namespace weir
