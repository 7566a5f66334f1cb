/* The smallest object that can be loaded: what dlopen costs by itself. */
__attribute__((visibility("default"))) int trivial(void) { return 0; }
