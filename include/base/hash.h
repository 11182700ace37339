/*
 * FNV-1a, 64 bits: for tables, and for names that are told apart by a sum. It
 * stops nobody who looks for two texts with the same sum.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define FNV1A_START	UINT64_C(0xcbf29ce484222325)

/*
 * sum continued by n octets; the first sum is FNV1A_START. Such sums stand in
 * names on disk, and so must never change.
 */
uint64_t fnv1a(uint64_t sum, const void *p, size_t n);

#endif
