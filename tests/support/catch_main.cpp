// The main of every test program, compiled once: this line makes Catch2 put its whole
// implementation here.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
