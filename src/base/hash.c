/* FNV-1a, a hash for tables and names. */
#include "base/hash.h"

uint64_t
fnv1a(uint64_t sum, const void *p, size_t n)
{
	const unsigned char *octet = p;

	for (size_t i = 0; i < n; i++)
		sum = (sum ^ octet[i]) * UINT64_C(0x100000001b3);
	return sum;
}
