/* Lines that status and sync print, and notes that -q keeps back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../src/cmd/internal.h"

static void
operations_are_told(void **state)
{
	static const struct {
		struct sync_done done;
		const char *line;
	} table[] = {
		{ { SYNC_PULL, "INBOX", 5, NULL, "", NULL, NULL },
		    "work: INBOX: pull UID 5" },
		{ { SYNC_PUSH, "lists/a b", 0, "17.M1.host", NULL, NULL,
		    NULL },
		    "work: lists/a b: push 17.M1.host" },
		{ { SYNC_PUSH, "INBOX", 9, "17.M1.host", "", NULL, NULL },
		    "work: INBOX: push 17.M1.host" },
		{ { SYNC_PUSH, "INBOX", 9, "", "", NULL, NULL },
		    "work: INBOX: push UID 9" },
		{ { SYNC_FLAG_REMOTE, "INBOX", 7, "17.M1.host",
		    "+\\Seen -Junk", NULL, NULL },
		    "work: INBOX: flag-remote UID 7 +\\Seen -Junk" },
		{ { SYNC_PULL, "a\033[2Jb\n", 4294967295u, NULL, "", NULL,
		    NULL }, "work: a?[2Jb?: pull UID 4294967295" },
		{ { SYNC_REMOVE_LOCAL, "INBOX", 5, "u", "", "Lunch\n", "Jane" },
		    "work: INBOX: remove-local UID 5, \"Lunch?\", from Jane" },
		{ { SYNC_REMOVE_LOCAL, "INBOX", 5, "u", "", "", "Jane" },
		    "work: INBOX: remove-local UID 5, from Jane" },
	};
	char *line;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		line = op_format("work", &table[i].done);
		assert_string_equal(line, table[i].line);
		free(line);
	}
}

static void
status_is_told(void **state)
{
	/* 2026-11-23 04:46:00 UTC */
	const int64_t t = 1795409160;
	static const struct {
		struct sync_status s;
		int64_t age;
		const char *line;
	} table[] = {
		{ { 0, 0, 0, 0, 0, false }, 0,
		    "work: nothing waits; never in sync" },
		{ { 0, 0, 0, 0, 1, false }, 59, "work: nothing waits; last sync "
		    "2026-11-23 04:46 (just now)" },
		{ { 3, 2, 1, 0, 1, false }, 60, "work: 3 to push, 2 to pull, "
		    "1 needs you; last sync 2026-11-23 04:46 (1 minute "
		    "ago)" },
		{ { 0, 2, 0, 0, 1, true }, 3599, "work: 2 to pull; last sync "
		    "2026-11-23 04:46 (59 minutes ago); a sync is at work "
		    "now" },
		{ { 0, 0, 4, 0, 1, false }, 3600, "work: 4 need you; last "
		    "sync 2026-11-23 04:46 (1 hour ago)" },
		{ { 1, 0, 0, 0, 1, false }, 172799, "work: 1 to push; last sync "
		    "2026-11-23 04:46 (47 hours ago)" },
		{ { 1, 0, 0, 0, 1, false }, 172800, "work: 1 to push; last sync "
		    "2026-11-23 04:46 (2 days ago)" },
		{ { 1, 0, 0, 0, 1, false }, -5, "work: 1 to push; last sync "
		    "2026-11-23 04:46" },
	};
	struct sync_status s;
	char *line;
	size_t i;

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		s = table[i].s;
		s.last_sync *= t;
		line = status_format("work", &s, t + table[i].age);
		assert_string_equal(line, table[i].line);
		free(line);
	}
}

/* What goes to stderr while it points into a file. */
static char *
stderr_of(bool quiet, int status, int notes, char *out, size_t size)
{
	struct report r = { .out = stdout, .quiet = quiet };
	struct notes kept = { 0 };
	int saved = dup(STDERR_FILENO);
	FILE *f = tmpfile();
	size_t n;
	int i;

	assert_non_null(f);
	dup2(fileno(f), STDERR_FILENO);
	for (i = 0; i < notes; i++)
		notes_tell(&kept, &r, "work", "INBOX is held");
	notes_end(&kept, "work", status);
	dup2(saved, STDERR_FILENO);
	close(saved);
	rewind(f);
	n = fread(out, 1, size - 1, f);
	out[n] = '\0';
	fclose(f);
	return out;
}

static void
quiet_keeps_notes_back(void **state)
{
	static const char one[] = "mailtern: work: INBOX is held\n";
	static char out[65536];

	(void)state;
	assert_string_equal(stderr_of(false, 0, 1, out, sizeof(out)), one);
	assert_string_equal(stderr_of(false, 1, 1, out, sizeof(out)), one);
	assert_string_equal(stderr_of(true, 1, 1, out, sizeof(out)), one);
	assert_string_equal(stderr_of(true, 78, 1, out, sizeof(out)), one);
	assert_string_equal(stderr_of(true, 0, 1, out, sizeof(out)), "");
	assert_string_equal(stderr_of(true, 75, 1, out, sizeof(out)), "");
	assert_string_equal(stderr_of(true, 0, 502, out, sizeof(out)), "");
	assert_non_null(strstr(stderr_of(true, 1, 502, out, sizeof(out)),
	    "held\nmailtern: work: and 2 more; see mailtern status work\n"));
}

static void
events_have_all_keys(void **state)
{
	const struct sync_done pull = { .op = SYNC_PULL,
	    .folder = "INBOX", .uid = 5 };
	const struct sync_done push = { .op = SYNC_PUSH,
	    .folder = "INBOX", .unique = "u", .detail = "+\\Seen" };
	char *text = NULL;
	size_t n = 0;
	struct report r = { .json = true };

	(void)state;
	r.out = open_memstream(&text, &n);
	assert_non_null(r.out);
	op_report_event(&r, "work", &pull, true);
	op_report_event(&r, "work", &push, false);
	fclose(r.out);
	assert_string_equal(text,
	    "{\"event\":\"op\",\"account\":\"work\",\"folder\":\"INBOX\","
	    "\"op\":\"pull\",\"uid\":5,\"unique\":null,\"detail\":\"\","
	    "\"dry_run\":true}\n"
	    "{\"event\":\"op\",\"account\":\"work\",\"folder\":\"INBOX\","
	    "\"op\":\"push\",\"uid\":null,\"unique\":\"u\","
	    "\"detail\":\"+\\\\Seen\"}\n");
	free(text);
}

/* What is not known leaves no comma behind; an escape is no escape. */
static void
log_is_told(void **state)
{
	static const struct {
		struct sync_log_entry e;
		const char *wanted;
	} table[] = {
		{ { .id = 7, .at = 1795409160, .run = 3,
		    .what = "removed-local", .folder = "INBOX", .uid = 5,
		    .unique = "u", .message_id = "<a@b>", .subject = "Lunch",
		    .sender = "Jane", .flags = "", .detail = "",
		    .why = "gone" }, "work: [7] 2026-11-23 04:46, r3: INBOX: "
		    "removed-local UID 5, \"Lunch\", from Jane, <a@b>: gone" },
		{ { .id = 8, .at = 1795409160, .what = "flags-local",
		    .folder = "a\033[2J", .unique = "u", .message_id = "",
		    .subject = "", .sender = "", .flags = "",
		    .detail = "+\\Seen", .why = "" },
		    "work: [8] 2026-11-23 04:46: a?[2J: flags-local u "
		    "+\\Seen" },
	};

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *line = log_format("work", &table[i].e);

		assert_string_equal(line, table[i].wanted);
		free(line);
	}
}

static void
times_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t wanted;		/* -1: it is none */
	} table[] = {
		{ "2026-11-23", 1795392000 },
		{ "2026-11-23 04:46", 1795409160 },
		{ "2026-11-23T04:46", 1795409160 },
		{ "2026-11-23 04:46:09", 1795409169 },
		{ "@1795409160", 1795409160 },
		{ "3d", 1000000000 - 3 * 86400 },
		{ "2w", 1000000000 - 14 * 86400 },
		{ "12h", 1000000000 - 12 * 3600 },
		{ "5m", 1000000000 - 300 },
		{ "", -1 }, { "d", -1 }, { "-3d", -1 }, { "3", -1 },
		{ "3y", -1 }, { "@", -1 }, { "@0", -1 }, { "@-5", -1 },
		{ "2026", -1 }, { "2026-11", -1 }, { "2026-11-23 04", -1 },
		{ "2026-02-30", -1 }, { "2026-13-01", -1 },
		{ "2026-11-23 24:00", -1 }, { "2026-11-23 04:60", -1 },
		{ "2026-11-23 04:46:09Z", -1 }, { "26-11-23", -1 },
		{ "2026-11-23-04", -1 },
	};

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int64_t out = -1;
		bool is = when_parse(table[i].text, 1000000000, &out);

		if (is != (table[i].wanted >= 0) || out != table[i].wanted)
			fail_msg("%s: %lld", table[i].text, (long long)out);
	}
}

static void
durations_are_parsed(void **state)
{
	static const struct {
		const char *text;
		int64_t want;		/* 0: refused */
	} table[] = {
		{ "1", 1 }, { "90", 90 }, { "90s", 90 }, { "5m", 300 },
		{ "2h", 7200 }, { "0", 0 }, { "0s", 0 }, { "", 0 }, { "s", 0 },
		{ "5d", 0 }, { "-5", 0 }, { "5 m", 0 }, { "5mm", 0 },
		{ "1000001h", 0 },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int64_t out = 0;

		assert_int_equal(duration_parse(table[i].text, &out),
		    table[i].want != 0);
		assert_int_equal(out, table[i].want);
	}
}

static void
findings_are_told(void **state)
{
	static const struct {
		struct sync_finding f;
		const char *line;
	} table[] = {
		{ { FINDING_DAMAGE, "k", "INBOX", 5, "u", "is", "should",
		    "remedy" }, "w: INBOX: u, UID 5: is; expected: should; "
		    "to do: remedy" },
		{ { FINDING_DAMAGE, "k", "INBOX", 5, NULL, "is", "a", "b" },
		    "w: INBOX: UID 5: is; expected: a; to do: b" },
		{ { FINDING_CHANGED, "k", NULL, 0, NULL, "i\ns", "a", "b" },
		    "w: i?s; expected: a; to do: b" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *line = finding_format("w", &table[i].f);

		assert_string_equal(line, table[i].line);
		free(line);
	}
}

static void
repairs_are_told(void **state)
{
	const struct sync_finding f = { .folder = "INBOX", .uid = 5,
	    .unique = "u", .is = "it is" };
	char *line = repaired_format("w", &f);

	(void)state;
	assert_string_equal(line, "w: INBOX: u, UID 5: repaired: it is");
	free(line);
}

static void
sums_of_verify_are_told(void **state)
{
	static const struct {
		struct sync_verified v;
		const char *line;
	} table[] = {
		{ { .folders = 1, .messages = 1 },
		    "w: 1 message in 1 folder: nothing is wrong" },
		{ { .folders = 2, .messages = 9, .damaged = 1 },
		    "w: 9 messages in 2 folders: 1 thing is wrong" },
		{ { .folders = 2, .damaged = 2, .changed = 3, .foreign = 4 },
		    "w: 0 messages in 2 folders: 2 things are wrong, 3 changed "
		    "since the last sync, 4 not mailtern's" },
		{ { .folders = 2, .damaged = 2, .repaired = 1 },
		    "w: 0 messages in 2 folders: 2 things are wrong, 1 "
		    "repaired" },
		{ { .never = true }, "w: 0 messages in 0 folders: nothing is "
		    "wrong; it was never synced" },
		{ { .folders = 1, .messages = 1, .total = 9, .stopped = true },
		    "w: 1 of 9 messages in 1 folder: nothing is wrong; the "
		    "time was up before the end" },
		{ { .folders = 1, .messages = 2, .online = true, .bodies = 2 },
		    "w: 2 messages in 1 folder: 2 compared with the server; "
		    "nothing is wrong" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char *line = verified_format("w", &table[i].v);

		assert_string_equal(line, table[i].line);
		free(line);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(durations_are_parsed),
		cmocka_unit_test(findings_are_told),
		cmocka_unit_test(repairs_are_told),
		cmocka_unit_test(sums_of_verify_are_told),
		cmocka_unit_test(log_is_told),
		cmocka_unit_test(times_are_read),
		cmocka_unit_test(operations_are_told),
		cmocka_unit_test(status_is_told),
		cmocka_unit_test(quiet_keeps_notes_back),
		cmocka_unit_test(events_have_all_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
