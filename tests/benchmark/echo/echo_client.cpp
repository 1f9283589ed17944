// The clients of W6 as a program: PORT CONNECTIONS REQUESTS. For profiling a server.

#include <cstdio>
#include <cstdlib>

#include "tests/benchmark/echo/echo_load.h"

int main(int argc, char** argv) {
    using namespace weir::benchmark;
    if (argc != 4) {
        std::fprintf(stderr, "Usage: %s PORT CONNECTIONS REQUESTS\n", argv[0]);
        return 1;
    }
    try {
        EchoClients clients(std::atoi(argv[1]), {.connections = std::atoi(argv[2])});
        const EchoFigures figures = clients.run(std::atol(argv[3]));
        std::printf("%.0f requests/s, p50 %.0f us, p99 %.0f us\n", figures.requests_per_second,
                    figures.median, figures.p99);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "echo_client: %s\n", error.what());
        return 1;
    }
}
