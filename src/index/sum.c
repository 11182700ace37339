/* The checksum that rows and pages of the index carry. */
#include "internal.h"

#include <string.h>

#include "base/os.h"

/*
 * Not against malice, who could write the file could write sums. Each step is
 * a bijection of the word taken in, so one changed word always changes the sum;
 * more go unnoticed once in 2^64.
 */
static uint64_t
sum_word(uint64_t sum, uint64_t word)
{
	sum = (sum ^ word) * 0xff51afd7ed558ccdu;
	return sum ^ sum >> 32;
}

uint64_t
index_sum_int(uint64_t sum, int64_t v)
{
	return sum_word(sum, (uint64_t)v);
}

uint64_t
index_sum(uint64_t sum, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	uint64_t word;
	size_t left = n;

	for (; left >= sizeof(word); left -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum = sum_word(sum, os_from_little_endian(word));
		p += sizeof(word);
	}
	word = 0;
	if (left > 0)
		memcpy(&word, p, left);
	sum = sum_word(sum, os_from_little_endian(word));
	/* The length last: pieces can't be shifted against each other. */
	return sum_word(sum, (uint64_t)n);
}
