#include "modules/otlp/settings.h"

#include <stdexcept>

#include "modules/http/response.h"
#include "modules/http/url.h"

namespace weir::otlp {

namespace {

std::string wrong_address(const std::string& address) {
    try {
        http::Url::parse(address);
        return "";
    } catch (const http::UrlError& error) {
        return error.what();
    }
}

std::string wrong_headers(const std::map<std::string, std::string>& headers) {
    try {
        http::Headers all;
        for (const auto& [name, value] : headers) {
            all.set(name, value);
        }
        return "";
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
}

}  // namespace

config::Settings<OtlpSettings> OtlpSettings::describe() {
    using namespace config;
    using S = OtlpSettings;
    using std::chrono::milliseconds;
    return settings<S>(
        "Sends traces to a collector of OpenTelemetry",
        setting("collector", &S::collector,
                "Address of the collector, to which spans are posted as JSON (OTLP/HTTP)")
            .check(wrong_address),
        setting("headers", &S::headers, "Headers of each request, such as Authorization")
            .check(wrong_headers)
            .secret(),
        setting("service_name", &S::service_name,
                "Name under which the collector shows this server")
            .not_empty(),
        setting("resource", &S::resource,
                "Further attributes of the server, as deployment.environment.name"),
        setting("begin_share", &S::begin_share,
                "Of the requests that bring no trace, this share begins one; requests that bring "
                "one are part of that if it is sampled")
            .range(0.0, 1.0),
        setting("max_spans", &S::max_spans,
                "Most spans that wait for the collector; further ones are dropped, and counted")
            .range(1, 1'000'000)
            .unit("spans"),
        setting("batch", &S::batch, "Most spans of one request").range(1, 10'000).unit("spans"),
        setting("interval", &S::interval, "How often spans are sent, if there are some")
            .at_least(milliseconds(10)),
        setting("timeout", &S::timeout, "How long the collector may take for a request")
            .at_least(milliseconds(1)));
}

}  // namespace weir::otlp
