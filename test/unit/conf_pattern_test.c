/* Which folders `folders =` takes in; expected by hand from syncrc(5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "conf/conf.h"

#define MAX 4

static const struct {
	const char *patterns[MAX];
	const char *folder;
	bool in;
} lists[] = {
	{ { "*" }, "INBOX", true },
	{ { "*" }, "a/b/c", true },
	{ { "a" }, "a", true },
	{ { "a" }, "a/b", false },
	{ { "a" }, "A", false },
	{ { "a/*" }, "a", false },
	{ { "a/*" }, "a/b", true },
	{ { "a/*" }, "a/b/c", true },
	{ { "*/c" }, "a/b/c", true },
	{ { "*/c" }, "c", false },
	{ { "*", "!Spam" }, "Spam", false },
	{ { "*", "!Spam" }, "Spam/old", true },
	{ { "*", "!Spam*" }, "Spam/old", false },
	{ { "!Spam", "*" }, "Spam", true },
	{ { "!Spam" }, "Spam", false },
	{ { "!Spam" }, "other", true },
	{ { "!lists/*", "lists/c" }, "lists/c", true },
	{ { "!lists/*", "lists/c" }, "lists/d", false },
	{ { "!lists/*", "lists/c" }, "work", true },
	{ { "INBOX" }, "Sent", false },
	{ { "*", "!inbox" }, "INBOX", false },
	{ { "lists/*", "!lists/a*", "lists/ab" }, "lists/ab", true },
	{ { "lists/*", "!lists/a*", "lists/ab" }, "lists/ac", false },
};

static const struct {
	const char *pattern, *folder;
	bool matches;
} patterns[] = {
	{ "", "", true },
	{ "", "a", false },
	{ "*", "", true },
	{ "**", "a/b", true },
	{ "?", "a", true },
	{ "?", "", false },
	{ "?", "ab", false },
	{ "?", "\xc3\xa4", true },
	{ "??", "\xc3\xa4", false },
	{ "a*b*c", "aXbYc", true },
	{ "a*b*c", "abcbc", true },
	{ "a*b*c", "abcb", false },
	{ "*\xc3\xa4", "x\xc3\xa4", true },
	{ "[Gmail]/*", "[Gmail]/All Mail", true },
	{ "[Gmail]/*", "G/All Mail", false },
	{ "a\\b", "a\\b", true },
	{ "a\\*", "a*", false },
	{ "inbox", "INBOX", true },
	{ "INBOX", "inbox", true },
	{ "Inbox/*", "INBOX/Sub", true },
	{ "Inbox/sub", "INBOX/Sub", false },
	{ "INBOX", "INBOXES", false },
	{ "inbox*", "INBOXES", false },
	{ "in*", "INBOX", true },
	{ "*box", "InBoX", true },
};

static void
lists_decide_by_last_match(void **state)
{
	struct conf_account a = { 0 };
	size_t i, n;

	(void)state;
	for (i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		for (n = 0; n < MAX && lists[i].patterns[n] != NULL; n++)
			;
		a.folders = (char **)(uintptr_t)lists[i].patterns;
		a.n_folders = n;
		if (conf_folder_matches(&a, lists[i].folder) != lists[i].in)
			fail_msg("row %zu: %s", i, lists[i].folder);
	}
}

static void
pattern_matches_whole_name(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(patterns) / sizeof(patterns[0]); i++) {
		if (conf_pattern_matches(patterns[i].pattern,
		    patterns[i].folder) != patterns[i].matches)
			fail_msg("row %zu: %s %s", i, patterns[i].pattern,
			    patterns[i].folder);
	}
}

/* A matcher that tries every split would not come back from this. */
static void
many_stars_end_soon(void **state)
{
	char folder[1001], pattern[201];
	size_t i;

	(void)state;
	memset(folder, 'a', 1000);
	folder[1000] = '\0';
	for (i = 0; i < 198; i += 2)
		memcpy(pattern + i, "*a", 2);
	memcpy(pattern + 198, "*b", 3);
	assert_false(conf_pattern_matches(pattern, folder));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_decide_by_last_match),
		cmocka_unit_test(pattern_matches_whole_name),
		cmocka_unit_test(many_stars_end_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
