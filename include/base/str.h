/* Small text helpers. Slices are (pointer, length), never terminated. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const char *p;
	size_t n;
};

struct span span_of(const char *);
bool span_eq(struct span, const char *);
bool span_ieq(struct span, const char *);	/* ASCII case folded */
char *span_dup(struct span);

/*
 * Reads all of s as a decimal number of digits only: no sign, no blanks, not
 * empty. False (and *out untouched) when it is anything else or above max.
 */
bool span_number(struct span s, uint64_t max, uint64_t *out);

/* Lower-case hex of n bytes into out[2n + 1]. */
void hex_format(char *out, const void *bytes, size_t n);

/*
 * How many of the n octets at s (one or more) the character has that they begin
 * with, and what it is. 0: no well-formed UTF-8 (RFC 3629), which has no
 * overlong form, no surrogate and nothing above U+10FFFF.
 */
size_t utf8_decode(const char *s, size_t n, uint32_t *code_out);

/*
 * Foreign text made safe to print on one line of a terminal: C0, C1, DEL, ESC,
 * bidi controls and invalid UTF-8 become '?'; cut to at most max bytes with
 * "..." at the end. out holds max + 4.
 */
void str_printable(char *out, size_t max, const char *s, size_t n);

/* 16 random bytes as 32 hex digits, from the kernel. */
void random_hex(char out[33]);

/* Levenshtein distance bounded at 64; for "did you mean". */
size_t str_distance(const char *, const char *);

#endif
