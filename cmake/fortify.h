// Included before each source (cmake/options.cmake): the C library's functions check the sizes that the compiler knows.
// Here and not on the command line, because only a compiler that optimizes can, and because packagers' flags (Debian's
// dpkg-buildflags) ask for a lower level.
#if defined(__OPTIMIZE__) && defined(__has_builtin)
#undef _FORTIFY_SOURCE
#if __has_builtin(__builtin_dynamic_object_size)
#define _FORTIFY_SOURCE 3
#else
#define _FORTIFY_SOURCE 2
#endif
#endif
