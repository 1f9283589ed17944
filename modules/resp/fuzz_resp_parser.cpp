// Feeds any bytes, in any pieces, to the parser of requests.
//
// `./dev fuzz` builds and runs it. What it finds, build/fuzz/fuzz_resp_parser-crash-..., is tried
// again by build/fuzz/bin/fuzz_resp_parser FILE.
//
// The first two bytes of an input say in which pieces the rest is fed.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "modules/resp/parser.h"

namespace {

using namespace weir::resp;
using Status = RequestParser::Status;

constexpr RequestLimits limits{
    .arguments = 8, .argument_bytes = 64, .request_bytes = 128, .line_bytes = 200};

void require(bool holds) {
    if (!holds) std::abort();
}

struct Outcome {
    Status status;
    Request request;
    std::string reason;

    bool operator==(const Outcome&) const = default;
};

std::string write(const Request& request) {
    std::string result = "*" + std::to_string(request.size()) + "\r\n";
    for (std::size_t i = 0; i != request.size(); ++i) {
        result += "$" + std::to_string(request[i].size()) + "\r\n";
        result.append(request[i]).append("\r\n");
    }
    return result;
}

// Feeds the bytes in pieces of the two sizes in turn.
std::vector<Outcome> read_all(std::string_view bytes, std::size_t odd, std::size_t even) {
    RequestParser parser(limits);
    std::vector<Outcome> result;
    for (bool is_odd = true; !bytes.empty(); is_odd = !is_odd) {
        std::string_view piece = bytes.substr(0, is_odd ? odd : even);
        bytes.remove_prefix(piece.size());
        while (!piece.empty()) {
            const std::size_t before = piece.size();
            const Status status = parser.parse(piece);
            require(piece.size() < before);
            if (status == Status::incomplete) {
                require(piece.empty());
                continue;
            }
            Outcome outcome{status, {}, {}};
            if (status == Status::complete) {
                outcome.request = std::move(parser.request());
                require(!outcome.request.empty());
                require(outcome.request.size() <= limits.arguments);
                require(outcome.request.bytes() <=
                        std::max(limits.request_bytes, limits.line_bytes));
                require(!parser.in_request());
            } else {
                outcome.reason = parser.reason();
                require(!outcome.reason.empty());
            }
            result.push_back(std::move(outcome));
            if (status == Status::broken || status == Status::other_protocol) return result;
        }
    }
    return result;
}

}  // namespace

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer looks for this name
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
    const std::vector<Outcome> whole = read_all(bytes, bytes.size(), 1);
    require(read_all(bytes, data[0] % 64 + 1U, data[1] % 16 + 1U) == whole);

    for (const Outcome& outcome : whole) {
        if (outcome.status != Status::complete) continue;
        // A line may hold longer arguments than the limits for arrays allow.
        RequestParser parser(RequestLimits{});
        const std::string text = write(outcome.request);
        std::string_view again = text;
        require(parser.parse(again) == Status::complete);
        require(again.empty());
        require(parser.request() == outcome.request);
    }
    return 0;
}
