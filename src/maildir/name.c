/* The name of a message file: a unique part, and letters for its flags. */
#include "maildir/name.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "mail/flags.h"
#include "internal.h"

#define INFO		":2,"
#define INFO_LEN	3
#define OTHER_MARKS	";!"
#define HOST_MAX	64	/* bytes of the host name that we use */
#define RANDOM_LEN	16

/*
 * Letters end at a comma: Dovecot puts what is no flag behind one and keeps
 * what others put there.
 */
static size_t
letters_len(struct span letters)
{
	const char *comma = letters.n == 0 ? NULL :
	    memchr(letters.p, ',', letters.n);

	return comma != NULL ? (size_t)(comma - letters.p) : letters.n;
}

/* Behind another mark nothing else may stand: such names are rare, and words
 * with one of those in them are not. */
static const char *
find_info(const char *file, size_t len)
{
	const char *info = strstr(file, INFO), *p = file + len;

	if (info != NULL)
		return info;
	while (p > file && flag_from_letter(p[-1]) != 0)
		p--;
	if (p - file < INFO_LEN || memcmp(p - 2, &INFO[1], INFO_LEN - 1) != 0 ||
	    strchr(OTHER_MARKS, p[-INFO_LEN]) == NULL)
		return file + len;
	return p - INFO_LEN;
}

bool
maildir_name_parse(const char *file, struct maildir_name *out)
{
	size_t len = strlen(file), n;
	const char *info;

	if (len == 0 || file[0] == '.')
		return false;
	info = find_info(file, len);
	out->unique = (struct span){ file, (size_t)(info - file) };
	out->mark = *info;
	out->letters = *info == '\0' ? (struct span){ info, 0 } :
	    span_of(info + INFO_LEN);
	out->flags = 0;
	n = letters_len(out->letters);
	for (size_t i = 0; i < n; i++)
		out->flags |= flag_from_letter(out->letters.p[i]);
	return true;
}

bool
maildir_name_is_leftover(const char *file, struct span *of)
{
	size_t n = strlen(file);

	*of = (struct span){ file, n };
	if (n > 1 && file[n - 1] == '~' && file[0] != '.') {
		of->n = n - 1;
	} else if (n > 2 && file[0] == '#' && file[n - 1] == '#') {
		*of = (struct span){ file + 1, n - 2 };
	} else if (n > 5 && file[0] == '.' &&
	    memcmp(file + n - 4, ".sw", 3) == 0 &&
	    file[n - 1] >= 'a' && file[n - 1] <= 'p') {
		*of = (struct span){ file + 1, n - 5 };
	} else {
		return false;
	}
	return true;
}

bool
maildir_name_format(char out[MAILDIR_NAME_MAX + 1],
    const struct maildir_name *name, unsigned flags)
{
	const struct span unique = name->unique, letters = name->letters;
	bool has[256] = { false };
	size_t kept = letters_len(letters), tail = letters.n - kept;
	size_t n = 0, at;
	char own[7];

	flag_letters(flags, own);
	for (const char *p = own; *p != '\0'; p++)
		has[(unsigned char)*p] = true;
	for (size_t i = 0; i < kept; i++)
		if (flag_from_letter(letters.p[i]) == 0)
			has[(unsigned char)letters.p[i]] = true;
	for (size_t c = 1; c < 256; c++)
		n += has[c];
	if (unique.n + INFO_LEN + n + tail > MAILDIR_NAME_MAX)
		return false;
	memcpy(out, unique.p, unique.n);
	memcpy(out + unique.n, INFO, INFO_LEN);
	if (name->mark != '\0')
		out[unique.n] = name->mark;
	at = unique.n + INFO_LEN;
	for (size_t c = 1; c < 256; c++)
		if (has[c])
			out[at++] = (char)c;
	if (tail > 0)
		memcpy(out + at, letters.p + kept, tail);
	out[at + tail] = '\0';
	return true;
}

/* The host as it stands in file names, '/' and ':' escaped as Maildir wants. */
static void
name_host(char out[HOST_MAX + 5])
{
	char host[256] = "";
	size_t n = 0;

	if (gethostname(host, sizeof(host) - 1) < 0 || host[0] == '\0')
		memcpy(host, "localhost", sizeof("localhost"));
	for (const char *p = host; *p != '\0' && n < HOST_MAX; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '/' || c == ':') {
			memcpy(out + n, c == '/' ? "\\057" : "\\072", 4);
			n += 4;
		} else if (c > 0x20 && c != 0x7f) {
			out[n++] = (char)c;
		}
	}
	out[n] = '\0';
}

void
maildir_name_new(char out[MAILDIR_NAME_MAX + 1])
{
	static _Atomic uint64_t count;
	char host[HOST_MAX + 5], hex[33];
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	name_host(host);
	random_hex(hex);
	hex[RANDOM_LEN] = '\0';
	snprintf(out, MAILDIR_NAME_MAX + 1,
	    "%" PRIu64 ".M%06ldP%ldQ%" PRIu64 "R%s.%s",
	    now.tv_sec > 0 ? (uint64_t)now.tv_sec : 0,
	    now.tv_nsec / 1000, (long)getpid(),
	    atomic_fetch_add(&count, 1) + 1, hex, host);
}

/* One decimal number with the letter before it; NULL when it is not there. */
static const char *
skip_number(const char *p, char letter, uint64_t *out)
{
	size_t n;

	if (letter != '\0' && *p++ != letter)
		return NULL;
	n = strspn(p, "0123456789");
	return span_number((struct span){ p, n }, UINT64_MAX, out) ?
	    p + n : NULL;
}

bool
maildir_name_is_ours(const char *file, uint64_t *pid_out)
{
	char host[HOST_MAX + 5];
	const char *p = file;
	uint64_t ignored;

	if ((p = skip_number(p, '\0', &ignored)) == NULL || *p++ != '.' ||
	    (p = skip_number(p, 'M', &ignored)) == NULL ||
	    (p = skip_number(p, 'P', pid_out)) == NULL ||
	    (p = skip_number(p, 'Q', &ignored)) == NULL || *p++ != 'R' ||
	    strspn(p, "0123456789abcdef") != RANDOM_LEN ||
	    p[RANDOM_LEN] != '.')
		return false;
	name_host(host);
	return strcmp(p + RANDOM_LEN + 1, host) == 0;
}
