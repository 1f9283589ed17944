// A shared library that is not a plugin.
int weir_test_nothing();

int weir_test_nothing() {
    return 1;
}
