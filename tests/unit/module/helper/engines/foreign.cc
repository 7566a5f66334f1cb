// A shared object that is no engine library.
extern "C" __attribute__((visibility("default"))) int something_else() noexcept { return 0; }
