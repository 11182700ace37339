/*
 * The promises of base/os.h again, kept as on a system of which nothing is
 * known: the functions here stand before those of the library.
 */
#undef OS_PORTABLE
#define OS_PORTABLE
#define OS_WITHIN
#include "../../src/base/os.c"

#include "base_os_test.c"
