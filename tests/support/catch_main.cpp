// The main function of every test program, compiled once: this macro makes Catch2 put its whole
// implementation here.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
