/*
 * Which folders the patterns of syncrc take. Not fnmatch: "[Gmail]/Spam" is a
 * name that people write, and a bracket expression nobody does; and a matcher
 * that walks back once per star can't be made slow by a folder name.
 */
#include "conf/conf.h"

#include <string.h>
#include <strings.h>

/* INBOX in any case is one; so is the front of INBOX/child. */
static size_t
inbox_prefix(const char *folder)
{
	if (strncasecmp(folder, "INBOX", 5) == 0 &&
	    (folder[5] == '\0' || folder[5] == '/'))
		return 5;
	return 0;
}

static bool
same_byte(char a, char b, bool fold)
{
	return fold ? strncasecmp(&a, &b, 1) == 0 : a == b;
}

/* Past one character of UTF-8. */
static const char *
skip_char(const char *s)
{
	for (s++; (*s & 0xc0) == 0x80; s++)
		;
	return s;
}

bool
conf_pattern_matches(const char *pattern, const char *folder)
{
	const char *fold = folder + inbox_prefix(folder);
	const char *star = NULL, *from = NULL, *p = pattern, *f = folder;

	while (*f != '\0') {
		if (*p == '*') {
			star = ++p;
			from = f;
		} else if (*p == '?') {
			p++;
			f = skip_char(f);
		} else if (*p != '\0' && same_byte(*p, *f, f < fold)) {
			p++;
			f++;
		} else if (star != NULL) {
			/* The last star takes one more. */
			p = star;
			f = from = skip_char(from);
		} else {
			return false;
		}
	}
	return p[strspn(p, "*")] == '\0';
}

bool
conf_folder_matches(const struct conf_account *account, const char *folder)
{
	bool in = account->n_folders > 0 && account->folders[0][0] == '!';
	const char *pattern;
	size_t i;

	for (i = 0; i < account->n_folders; i++) {
		pattern = account->folders[i];
		if (conf_pattern_matches(pattern + (*pattern == '!'), folder))
			in = *pattern != '!';
	}
	return in;
}
