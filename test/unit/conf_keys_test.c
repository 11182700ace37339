/*
 * The table of keys. What a new key of each kind gets from its one line: tables
 * as they could stand in the program, the sentences written from what syncrc(5)
 * promises. And that the keys of the program are those of that page.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "../../src/conf/key.h"

#define KIB	(UINT64_C(1) << 10)
#define MIB	(KIB << 10)
#define GIB	(MIB << 10)

enum attic { ATTIC_REMOVED, ATTIC_ALL, ATTIC_NONE };

/* What holds for all folders of an account, or for one. */
struct policy {
	unsigned newest;
	uint64_t max_size;
	enum attic attic;
	char **labels;
	size_t n_labels;
};

struct sample {
	char *token;
	char *cert;
	char *secret;
	unsigned priority;
	uint64_t verify_bytes;
	int64_t poll;
	enum attic attic;
	bool sandbox;
	char **quirks;
	size_t n_quirks;
	char *separator;
	struct policy policy;
};

/* One that no kind is for judges its value itself. */
static int
read_separator(const struct conf_value *v, struct err *err)
{
	if (strlen(v->text) == 1)
		return conf_value_read(v, err);
	return conf_fail(err, &v->place, "separator is not one character; "
	    "write . or /");
}

static const struct conf_word attic_words[] = {
	{ "removed", ATTIC_REMOVED, NULL },
	{ "all", ATTIC_ALL, NULL },
	{ "none", ATTIC_NONE, NULL },
	{ NULL, 0, NULL },
};

#define CONF_OWNER struct sample
static const struct conf_key sample_keys[] = {
	KEY_TEXT("token-command", token, .max = 20),
	KEY_PATH("tls-cert-file", cert, .max = 20),
	KEY_TEXT("secret", secret, .needs = "token-command", .secret = true),
	KEY_NUMBER("priority", priority, 1, 9, .preset = "5"),
	KEY_SIZE("verify-bytes", verify_bytes, KIB, 10 * GIB, .preset = "50M"),
	KEY_DURATION("poll-interval", poll, 60, CONF_DAY, .preset = "5m"),
	KEY_WORD("attic", attic, attic_words, .preset = "removed"),
	KEY_BOOL("sandbox", sandbox, .preset = "yes"),
	KEY_LIST("quirks", quirks, n_quirks),
	KEY_TEXT("separator", separator, .read = read_separator),
	KEY_END,
};
#undef CONF_OWNER

/* Of a folder; and of an account, for all of its folders. */
#define CONF_OWNER struct policy
static const struct conf_key policy_keys[] = {
	KEY_NUMBER("newest", newest, 1, 1000000),
	KEY_SIZE("max-size", max_size, 1, GIB),
	KEY_WORD("keep", attic, attic_words, .preset = "none"),
	KEY_LIST("labels", labels, n_labels, .preset = "all"),
	KEY_END,
};
#undef CONF_OWNER

static const struct conf_key *const tables[] = {
	sample_keys, policy_keys, NULL,
};

/* --- a text, and what the tables make of it --- */

struct file {
	struct conf_text text;
	cfg_t *cfg;
	struct err err;
};

static int
open_file(struct file *f, const char *text)
{
	*f = (struct file){ .cfg = NULL };
	if (conf_text_init(&f->text, "rc", text, strlen(text), &f->err) < 0)
		return -1;
	f->cfg = conf_parse(&f->text, tables, &f->err);
	return f->cfg == NULL ? -1 : 0;
}

static void
close_file(struct file *f)
{
	if (f->cfg != NULL)
		conf_parse_free(f->cfg, tables);
	conf_text_release(&f->text);
}

/* The section of that label, as a scope. */
static struct conf_scope
scope_of(const struct file *f, const char *label)
{
	unsigned accounts = 0;
	size_t i;

	for (i = 0; i < f->text.n_sections; i++) {
		const struct conf_section *s = &f->text.sections[i];
		bool is_account = strcmp(s->name, "account") == 0;

		if (strcmp(s->label, label) == 0)
			return (struct conf_scope){ .section = i,
			    .cfg = cfg_getnsec(f->cfg, s->name,
			    is_account ? accounts : 0) };
		accounts += is_account;
	}
	fail_msg("no section %s", label);
	return (struct conf_scope){ 0 };
}

/* What labels (up to NULL) say, the first that sets a key wins. */
static int
read_keys(struct file *f, const struct conf_key *keys, void *out,
    const char *const *labels)
{
	struct conf_scope scopes[4];
	struct conf_reader r = { .keys = keys, .text = &f->text,
	    .scopes = scopes, .out = out };

	while (labels[r.n_scopes] != NULL) {
		scopes[r.n_scopes] = scope_of(f, labels[r.n_scopes]);
		r.n_scopes++;
	}
	return conf_keys_read(&r, &f->err);
}

static const char *const one[] = { "account a", NULL };
static const char *const both[] = { "account a", "defaults", NULL };

static void
load(const char *text, const char *const *labels, struct sample *out)
{
	struct file f;

	*out = (struct sample){ .token = NULL };
	if (open_file(&f, text) < 0 ||
	    read_keys(&f, sample_keys, out, labels) < 0)
		fail_msg("%s", f.err.msg);
	close_file(&f);
}

/* text is the body of an account from line 2 on. */
static void
refuses(const char *text, const char *expected)
{
	char *all = xasprintf("account a {\n%s\n}\n", text);
	struct sample s = { .token = NULL };
	struct file f;

	if (open_file(&f, all) == 0)
		assert_int_equal(read_keys(&f, sample_keys, &s, one), -1);
	assert_int_equal(f.err.kind, ERR_CONFIG);
	assert_string_equal(f.err.msg, expected);
	conf_keys_release(sample_keys, &s);
	close_file(&f);
	free(all);
}

/* --- what one line brings --- */

static void
every_kind_is_read(void **state)
{
	struct sample s;

	(void)state;
	load("account a {\ntoken-command = \"oama x\"\n"
	    "tls-cert-file = \"~//c.pem/\"\nsecret = 's'\npriority = 9\n"
	    "verify-bytes = 3G\npoll-interval = 2h\nattic = all\n"
	    "sandbox = off\nquirks = {\"!gmail\", cyrus}\nseparator = .\n}",
	    one, &s);
	assert_string_equal(s.token, "oama x");
	assert_string_equal(s.cert, "/home/jane/c.pem");
	assert_string_equal(s.secret, "s");
	assert_int_equal(s.priority, 9);
	assert_int_equal(s.verify_bytes, 3 * GIB);
	assert_int_equal(s.poll, 7200);
	assert_int_equal(s.attic, ATTIC_ALL);
	assert_false(s.sandbox);
	assert_int_equal(s.n_quirks, 2);
	assert_string_equal(s.quirks[0], "!gmail");
	assert_string_equal(s.quirks[1], "cyrus");
	assert_string_equal(s.separator, ".");
	conf_keys_release(sample_keys, &s);
	assert_null(s.token);
	assert_null(s.cert);
	assert_null(s.secret);
	assert_null(s.quirks);
	assert_int_equal(s.n_quirks, 0);
}

static void
presets_hold_where_nothing_is_set(void **state)
{
	struct sample s;

	(void)state;
	load("account a {\n}\n", one, &s);
	assert_null(s.token);
	assert_null(s.cert);
	assert_int_equal(s.priority, 5);
	assert_int_equal(s.verify_bytes, 50 * MIB);
	assert_int_equal(s.poll, 300);
	assert_int_equal(s.attic, ATTIC_REMOVED);
	assert_true(s.sandbox);
	assert_null(s.quirks);
	assert_int_equal(s.n_quirks, 0);
	conf_keys_release(sample_keys, &s);
}

static void
account_wins_over_defaults(void **state)
{
	struct sample s;

	(void)state;
	load("account a {\npriority = 2\nquirks = {b}\ntoken-command = t\n}\n"
	    "defaults {\npriority = 3\nattic = none\nverify-bytes = 1K\n"
	    "quirks = {c, d}\nsandbox = no\ntls-cert-file = /d\n"
	    "poll-interval = 1d\nsecret = x\n}\n", both, &s);
	assert_int_equal(s.priority, 2);
	assert_int_equal(s.n_quirks, 1);
	assert_string_equal(s.quirks[0], "b");
	assert_int_equal(s.attic, ATTIC_NONE);
	assert_int_equal(s.verify_bytes, KIB);
	assert_int_equal(s.poll, 86400);
	assert_false(s.sandbox);
	assert_string_equal(s.cert, "/d");
	assert_string_equal(s.secret, "x");
	conf_keys_release(sample_keys, &s);
}

/* What a key needs is not there: it is not looked at, not even for errors. */
static void
what_needs_another_is_left(void **state)
{
	struct sample s;

	(void)state;
	load("account a {\nsecret = ''\n}\n", one, &s);
	assert_null(s.secret);
	conf_keys_release(sample_keys, &s);
}

static const struct {
	const char *text, *expected;
} wrong[] = {
	{ "\ntoken-command = ''",
	    "rc:3: account a: token-command is empty; give it a value or "
	    "remove it" },
	{ "token-command = \"a\\tb\"",
	    "rc:2: account a: token-command has a line end or another control "
	    "character in it; write it on one line" },
	{ "token-command = '123456789012345678901'",
	    "rc:2: account a: token-command is longer than 20 bytes; "
	    "shorten it" },
	{ "tls-cert-file = c.pem",
	    "rc:2: account a: tls-cert-file is no absolute path; begin it "
	    "with / or ~/" },
	{ "tls-cert-file = /a/../b",
	    "rc:2: account a: tls-cert-file is the root directory or has .. "
	    "in it; write the path in full" },
	{ "tls-cert-file = '/2345678901234567890/1'",
	    "rc:2: account a: tls-cert-file is too long a path; shorten it" },
	{ "priority = 0",
	    "rc:2: account a: priority is no number from 1 to 9; correct it" },
	{ "priority = 10",
	    "rc:2: account a: priority is no number from 1 to 9; correct it" },
	{ "verify-bytes = many",
	    "rc:2: account a: verify-bytes is no size such as 500K, 50M or 2G, "
	    "up to 10G; correct it" },
	{ "poll-interval = 5",
	    "rc:2: account a: poll-interval is no time such as 5m or 12h, up "
	    "to 1d; correct it" },
	{ "attic = some",
	    "rc:2: account a: attic is none of removed, all and none; write "
	    "one of them" },
	{ "sandbox = auto",
	    "rc:2: account a: sandbox is neither yes nor no; write one of "
	    "them" },
	{ "quirks = {}",
	    "rc:2: account a: quirks is empty; give it a value or remove it" },
	{ "quirks = {a, '!'}",
	    "rc:2: account a: quirks has an empty item or a control character "
	    "in it; remove it" },
	{ "separator = ''",
	    "rc:2: account a: separator is not one character; write . or /" },
	{ "prioritty = 1",
	    "rc:2: account a: there is no key \"prioritty\"; did you mean "
	    "priority?" },
	{ "max_sise = 1",
	    "rc:2: account a: there is no key \"max_sise\"; did you mean "
	    "max-size?" },
	{ "poll-interval = 5m\npoll-interval = 6m",
	    "rc:3: account a: poll-interval is set in line 2 already; remove "
	    "one of the two" },
	{ "}\nsandbox = no\ndefaults {",
	    "rc:3: sandbox belongs to an account; put it into account NAME "
	    "{ } or defaults { }" },
};

static void
errors_are_sentences(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		refuses(wrong[i].text, wrong[i].expected);
}

static void
defaults_are_blamed_for_their_values(void **state)
{
	struct sample s = { .token = NULL };
	struct file f;

	(void)state;
	assert_int_equal(open_file(&f, "account a {\n}\ndefaults {\n\n"
	    "priority = x\n}\n"), 0);
	assert_int_equal(read_keys(&f, sample_keys, &s, both), -1);
	assert_string_equal(f.err.msg, "rc:5: defaults: priority is no number "
	    "from 1 to 9; correct it");
	conf_keys_release(sample_keys, &s);
	close_file(&f);
}

/* Key by key, the first section that has it: so sections within an account
 * (here they are other accounts) need no more than their place in the row. */
static void
a_table_serves_sections_in_a_row(void **state)
{
	static const char *const chain[] = {
		"account late", "account early", "account a", "defaults", NULL,
	};
	struct policy p = { .newest = 0 }, whole = { .newest = 0 };
	struct file f;

	(void)state;
	assert_int_equal(open_file(&f, "defaults {\nkeep = all\nnewest = 1\n"
	    "max-size = 1M\nlabels = {x}\n}\naccount a {\nnewest = 2\n"
	    "max-size = 2M\npriority = 1\n}\naccount early {\nnewest = 3\n"
	    "max-size = 3M\n}\naccount late {\nnewest = 4\n}\n"), 0);
	assert_int_equal(read_keys(&f, policy_keys, &p, chain), 0);
	assert_int_equal(p.newest, 4);
	assert_int_equal(p.max_size, 3 * MIB);
	assert_int_equal(p.attic, ATTIC_ALL);
	assert_int_equal(p.n_labels, 1);
	assert_string_equal(p.labels[0], "x");
	assert_int_equal(read_keys(&f, policy_keys, &whole, one), 0);
	assert_int_equal(whole.newest, 2);
	assert_int_equal(whole.attic, ATTIC_NONE);
	assert_string_equal(whole.labels[0], "all");
	conf_keys_release(policy_keys, &p);
	conf_keys_release(policy_keys, &whole);
	close_file(&f);
}

/* --- sizes and times --- */

struct amount {
	uint64_t size;
	int64_t time;
};

#define CONF_OWNER struct amount
#define TIME(least, most) { KEY_DURATION("t", time, least, most), KEY_END }
#define SIZE(least, most) { KEY_SIZE("t", size, least, most), KEY_END }
static const struct {
	struct conf_key keys[2];
	const char *text;
	int64_t value;		/* -1: refused, with */
	const char *expected;	/* behind "t is no" */
} amounts[] = {
	{ TIME(CONF_HOUR, 3650 * CONF_DAY), "1h", 3600, NULL },
	{ TIME(CONF_HOUR, 3650 * CONF_DAY), "3650d", 315360000, NULL },
	{ TIME(CONF_HOUR, 3650 * CONF_DAY), "521w", 315100800, NULL },
	{ TIME(CONF_HOUR, 3650 * CONF_DAY), "60m", -1,
	    "time such as 12h, 7d or 2w, up to 3650d" },
	{ TIME(CONF_HOUR, 3650 * CONF_DAY), "522w", -1,
	    "time such as 12h, 7d or 2w, up to 3650d" },
	{ TIME(CONF_HOUR, 3650 * CONF_DAY), "0h", -1,
	    "time such as 12h, 7d or 2w, up to 3650d" },
	{ TIME(1, CONF_HOUR), "90s", 90, NULL },
	{ TIME(1, CONF_HOUR), "60m", 3600, NULL },
	{ TIME(1, CONF_HOUR), "3601s", -1, "time such as 30s or 5m, up to 1h" },
	{ TIME(300, CONF_DAY), "5m", 300, NULL },
	{ TIME(300, CONF_DAY), "4m", -1,
	    "time such as 5m or 12h, from 5m up to 1d" },
	{ TIME(300, CONF_DAY), "300s", -1,
	    "time such as 5m or 12h, from 5m up to 1d" },
	{ TIME(CONF_DAY, 7 * CONF_DAY), "7d", 604800, NULL },
	{ TIME(CONF_DAY, 7 * CONF_DAY), "1w", 604800, NULL },
	{ TIME(CONF_DAY, 7 * CONF_DAY), "24h", -1,
	    "time such as 7d, up to 1w" },
	{ TIME(CONF_HOUR, 2 * CONF_HOUR), "3h", -1,
	    "time such as 2h, up to 2h" },
	{ TIME(0, CONF_DAY), "0s", 0, NULL },
	{ TIME(1, CONF_DAY), "", -1, "time such as 30s, 5m or 12h, up to 1d" },
	{ TIME(1, CONF_DAY), "s", -1, "time such as 30s, 5m or 12h, up to 1d" },
	{ TIME(1, CONF_DAY), "5M", -1,
	    "time such as 30s, 5m or 12h, up to 1d" },
	{ TIME(1, CONF_DAY), "-5m", -1,
	    "time such as 30s, 5m or 12h, up to 1d" },
	{ TIME(1, CONF_DAY), "18446744073709551617s", -1,
	    "time such as 30s, 5m or 12h, up to 1d" },
	{ TIME(1, INT64_MAX), "307445734561825861m", -1,
	    "time such as 30s, 5m or 12h, up to 9223372036854775807s" },
	{ SIZE(0, GIB), "0K", 0, NULL },
	{ SIZE(0, GIB), "1G", 1 << 30, NULL },
	{ SIZE(0, GIB), "1048577K", -1,
	    "size such as 500K or 50M, up to 1G" },
	{ SIZE(0, GIB), "100", -1, "size such as 500K or 50M, up to 1G" },
	{ SIZE(0, GIB), "1k", -1, "size such as 500K or 50M, up to 1G" },
	{ SIZE(2 * MIB, GIB), "1M", -1,
	    "size such as 50M, from 2M up to 1G" },
	{ SIZE(0, 4294967295), "1T", -1,
	    "size such as 500K, 50M or 2G, up to 4294967295 octets" },
};
#undef CONF_OWNER

static void
check_amount(size_t i)
{
	char *text = xasprintf("account a {\nt = \"%s\"\n}\n", amounts[i].text);
	const struct conf_key *const table[] = { amounts[i].keys, NULL };
	struct amount out = { .size = 0 };
	struct file f = { .cfg = NULL };
	char expected[200];
	int status;

	assert_int_equal(conf_text_init(&f.text, "rc", text, strlen(text),
	    &f.err), 0);
	f.cfg = conf_parse(&f.text, table, &f.err);
	assert_non_null(f.cfg);
	status = read_keys(&f, amounts[i].keys, &out, one);
	if (amounts[i].expected != NULL) {
		snprintf(expected, sizeof(expected), "rc:2: account a: t is "
		    "no %s; correct it", amounts[i].expected);
		assert_int_equal(status, -1);
		assert_string_equal(f.err.msg, expected);
	} else {
		if (status < 0)
			fail_msg("row %zu: %s", i, f.err.msg);
		assert_int_equal(out.time + (int64_t)out.size,
		    amounts[i].value);
	}
	conf_parse_free(f.cfg, table);
	conf_text_release(&f.text);
	free(text);
}

static void
amounts_have_units_and_a_range(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(amounts) / sizeof(amounts[0]); i++)
		check_amount(i);
}

/* --- the keys of the program, and syncrc(5) --- */

static const struct conf_key *
find_key(const char *name, size_t n)
{
	const struct conf_key *k;

	for (k = conf_account_keys; k->name != NULL; k++) {
		if (strlen(k->name) == n && memcmp(k->name, name, n) == 0)
			return k;
	}
	return NULL;
}

/* What another key decides about it must be read before. */
static void
is_above(const struct conf_key *k, const char *other)
{
	const struct conf_key *o;

	if (other == NULL)
		return;
	o = find_key(other, strlen(other));
	if (o == NULL || o >= k)
		fail_msg("%s needs %s above it", k->name, other);
}

static void
rows_are_complete(void **state)
{
	const struct conf_key *k;

	(void)state;
	for (k = conf_account_keys; k->name != NULL; k++) {
		if (find_key(k->name, strlen(k->name)) != k)
			fail_msg("%s is there twice", k->name);
		if (k->needed && k->example == NULL)
			fail_msg("%s: nobody says what to add", k->name);
		is_above(k, k->needs);
		is_above(k, k->replaced_by);
	}
}

#define ENTRY ".It Ic "

static char *
manual(void)
{
	FILE *f = fopen("man/syncrc.5", "r");
	char *text = xcalloc(1, 64 << 10);
	size_t n;

	assert_non_null(f);
	n = fread(text, 1, 64 << 10, f);
	assert_in_range(n, 1000, (64 << 10) - 1);
	fclose(f);
	return text;
}

/* What the manual says of the key: up to the next one; or NULL. */
static char *
entry_of(const char *text, const char *key)
{
	char *head = xasprintf("\n" ENTRY "%s No = ", key);
	const char *at = strstr(text, head), *end;
	char *out = NULL;

	if (at != NULL) {
		end = strstr(at + 1, "\n.It ");
		if (end == NULL || strstr(at, "\n.El") < end)
			end = strstr(at, "\n.El");
		assert_non_null(end);
		out = xstrndup(at, (size_t)(end - at));
	}
	free(head);
	return out;
}

static void
says(const char *entry, const char *key, const char *what)
{
	if (strstr(entry, what) == NULL)
		fail_msg("syncrc(5), %s: no word of %s", key, what);
}

/* Words, range and default of a key are there. */
static void
check_entry(const struct conf_key *k, const char *entry)
{
	const struct conf_word *w = k->words;
	char range[64];

	for (; w != NULL && w->word != NULL; w++) {
		if (w->refusal == NULL)
			says(entry, k->name, w->word);
	}
	snprintf(range, sizeof(range), "%llu to %llu",
	    (unsigned long long)k->min, (unsigned long long)k->max);
	if (k->kind == KIND_NUMBER)
		says(entry, k->name, range);
	if (k->preset != NULL) {
		says(entry, k->name, "default");
		says(entry, k->name, k->preset);
	}
}

static void
each_key_is_documented(void **state)
{
	const struct conf_key *k;
	char *text = manual(), *entry;

	(void)state;
	for (k = conf_account_keys; k->name != NULL; k++) {
		entry = entry_of(text, k->name);
		if (entry == NULL)
			fail_msg("syncrc(5) does not know %s", k->name);
		check_entry(k, entry);
		free(entry);
	}
	free(text);
}

static void
no_other_key_is_documented(void **state)
{
	char *text = manual();
	const char *at = strstr(text, "\n.Sh KEYS\n"), *name, *end;
	size_t entries = 0, keys = 0;

	(void)state;
	assert_non_null(at);
	end = strstr(at + 1, "\n.Sh ");
	assert_non_null(end);
	while ((at = strstr(at + 1, "\n.It ")) != NULL && at < end) {
		name = at + strlen("\n" ENTRY);
		if (strncmp(at + 1, ENTRY, strlen(ENTRY)) != 0 ||
		    find_key(name, strcspn(name, " \n")) == NULL)
			fail_msg("there is no key of this: %.60s", at + 1);
		entries++;
	}
	while (conf_account_keys[keys].name != NULL)
		keys++;
	assert_int_equal(entries, keys);
	free(text);
}

static int
setup(void **state)
{
	(void)state;
	return setenv("HOME", "/home/jane", 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_read),
		cmocka_unit_test(presets_hold_where_nothing_is_set),
		cmocka_unit_test(account_wins_over_defaults),
		cmocka_unit_test(what_needs_another_is_left),
		cmocka_unit_test(errors_are_sentences),
		cmocka_unit_test(defaults_are_blamed_for_their_values),
		cmocka_unit_test(a_table_serves_sections_in_a_row),
		cmocka_unit_test(amounts_have_units_and_a_range),
		cmocka_unit_test(rows_are_complete),
		cmocka_unit_test(each_key_is_documented),
		cmocka_unit_test(no_other_key_is_documented),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
