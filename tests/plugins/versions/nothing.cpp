// A shared library that is no plugin.
int weir_test_nothing();

int weir_test_nothing() {
    return 1;
}
