#pragma once

#include <weir/core.h>

#include "core/system/file_stream.h"
#include "core/system/process.h"

inline weir::ProcessOptions gzip_options() {
    weir::ProcessOptions options;
    options.command = {"gzip", "--stdout"};
    options.input = options.output = weir::StandardFile::piped;
    return options;
}

inline weir::Task<> feed(weir::ByteStream& source, weir::ByteStream::Owner input) {
    co_await source.copy_to(*input);
    co_await input->shutdown();
}

// Compresses a file into another. Returns the size of that.
inline weir::Task<std::uint64_t> compress(std::string from, std::string to) {
    const weir::ByteStream::Owner source = co_await weir::open_file_stream(from);
    const weir::ByteStream::Owner target =
        co_await weir::open_file_stream(to, weir::FileAccess::create);
    weir::Process gzip((co_await weir::this_routine()).scheduler(), gzip_options());
    weir::Container container((co_await weir::this_routine()).scheduler());
    container.start(feed(*source, gzip.input_stream()));
    const auto size = co_await gzip.output_stream()->copy_to(*target);
    co_await target->shutdown();
    co_return size;
}
