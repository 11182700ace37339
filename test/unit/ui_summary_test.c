/* The summary as a line and as JSON, and what report lets through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ui/json.h"
#include "ui/report.h"
#include "ui/summary.h"

static const struct {
	struct summary summary;
	const char *line;
} lines[] = {
	{ { .account = "work", .pulled = { .new = 12, .flags = 3, .moved = 1 },
	    .pushed = { .new = 1, .flags = 2 }, .round_trips = 4,
	    .bytes_in = 30000, .bytes_out = 1000, .seconds = 0.4 },
	  "work: pulled 12 new, 3 flags, 1 moved; pushed 2 flags, 1 new; "
	  "4 round trips, 31 kB, 0.4 s" },
	{ { .account = "a" }, "a: nothing to do; 0 round trips, 0 B, 0.0 s" },
	{ { .account = "a", .round_trips = 1, .bytes_in = 999,
	    .seconds = 0.04 },
	  "a: nothing to do; 1 round trip, 999 B, 0.0 s" },
	{ { .account = "a", .exit = 75, .seconds = 30 },
	  "a: nothing done; 0 round trips, 0 B, 30.0 s" },
	{ { .account = "a", .held = 2, .exit = 1 },
	  "a: nothing done; 2 held; 0 round trips, 0 B, 0.0 s" },
	{ { .account = "a", .pending = 3, .held = 2, .exit = 1,
	    .pulled = { .new = 1 } },
	  "a: pulled 1 new; 3 pending, 2 held; 0 round trips, 0 B, 0.0 s" },
	{ { .account = "a", .pushed = { 1, 1, 1, 1, 1, 1 },
	    .bytes_out = 1000 },
	  "a: pushed 1 new, 1 flag, 1 deleted, 1 moved, 1 copied, 1 folder; "
	  "0 round trips, 1.0 kB, 0.0 s" },
	{ { .account = "a", .pulled = { .folders = 2, .copied = 9 },
	    .bytes_in = 9949 },
	  "a: pulled 9 copied, 2 folders; 0 round trips, 9.9 kB, 0.0 s" },
	{ { .account = "a", .bytes_in = 9950 },
	  "a: nothing to do; 0 round trips, 10 kB, 0.0 s" },
	{ { .account = "a", .bytes_in = 999499 },
	  "a: nothing to do; 0 round trips, 999 kB, 0.0 s" },
	{ { .account = "a", .bytes_in = 999500, .seconds = 99.96 },
	  "a: nothing to do; 0 round trips, 1.0 MB, 100 s" },
	{ { .account = "a", .bytes_in = 12345678901, .seconds = 3601.2 },
	  "a: nothing to do; 0 round trips, 12 GB, 3601 s" },
};

static void
line_follows_table(void **state)
{
	size_t i;
	char *line;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		line = summary_format_line(&lines[i].summary);
		assert_string_equal(line, lines[i].line);
		free(line);
	}
}

static const struct summary full = {
	.account = "work", .pulled = { 1, 2, 3, 4, 5, 6 },
	.pushed = { 7, 8, 9, 10, 11, 12 }, .pending = 13, .held = 14,
	.round_trips = 15, .bytes_in = 16, .bytes_out = 17, .fsyncs = 18,
	.seconds = 0.4004, .exit = 1,
};

#define FULL "{\"event\":\"summary\",\"account\":\"work\",\"pulled\":{" \
	"\"new\":1,\"flags\":2,\"deleted\":3,\"moved\":4,\"copied\":5," \
	"\"folders\":6},\"pushed\":{\"new\":7,\"flags\":8,\"deleted\":9," \
	"\"moved\":10,\"copied\":11,\"folders\":12},\"pending\":13," \
	"\"held\":14,\"round_trips\":15,\"bytes_in\":16,\"bytes_out\":17," \
	"\"fsyncs\":18,\"seconds\":0.4,\"exit\":1}"

static void
json_is_exact(void **state)
{
	char *line = summary_format_json(&full);

	(void)state;
	assert_string_equal(line, FULL);
	free(line);
}

static void
json_leaves_nothing_out(void **state)
{
	struct summary none = { .account = "a" };
	char *line = summary_format_json(&none);

	(void)state;
	assert_string_equal(line, "{\"event\":\"summary\",\"account\":\"a\","
	    "\"pulled\":{\"new\":0,\"flags\":0,\"deleted\":0,\"moved\":0,"
	    "\"copied\":0,\"folders\":0},\"pushed\":{\"new\":0,\"flags\":0,"
	    "\"deleted\":0,\"moved\":0,\"copied\":0,\"folders\":0},"
	    "\"pending\":0,\"held\":0,\"round_trips\":0,\"bytes_in\":0,"
	    "\"bytes_out\":0,\"fsyncs\":0,\"seconds\":0.0,\"exit\":0}");
	free(line);
}

static void
event_text_is_always_json(void **state)
{
	static const struct {
		const char *text, *json;
	} rows[] = {
		{ NULL, "null" },
		{ "", "\"\"" },
		{ "a\"b\\c\n", "\"a\\\"b\\\\c\\n\"" },
		{ "\x1b[0m", "\"\\u001B[0m\"" },
		{ "\xc3\xa4", "\"\xc3\xa4\"" },
		{ "\xe4x", "\"\xef\xbf\xbdx\"" },		/* Latin-1 */
		{ "x\xc3", "\"x\xef\xbf\xbd\"" },		/* cut */
		{ "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },	/* overlong */
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xf0\x9f\x90\xa6", "\"\xf0\x9f\x90\xa6\"" },
		{ "\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd"
		  "\xef\xbf\xbd\xef\xbf\xbd\"" },
	};
	char expected[100];
	struct json_event *e;
	size_t i;
	char *line;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		e = json_event_new("x");
		json_event_add_text(e, "t", rows[i].text);
		line = json_event_format(e);
		snprintf(expected, sizeof(expected),
		    "{\"event\":\"x\",\"t\":%s}", rows[i].json);
		assert_string_equal(line, expected);
		free(line);
		json_event_free(e);
	}
	json_event_free(NULL);
}

static void
event_values_keep_order(void **state)
{
	struct json_event *e = json_event_new("x");
	char *line;

	(void)state;
	json_event_add_number(e, "z", UINT64_MAX);
	json_event_enter(e, "in");
	json_event_add_bool(e, "yes", true);
	json_event_leave(e);
	json_event_add_bool(e, "no", false);
	json_event_add_real(e, "r", 1.5);
	line = json_event_format(e);
	assert_string_equal(line, "{\"event\":\"x\",\"z\":9223372036854775807,"
	    "\"in\":{\"yes\":true},\"no\":false,\"r\":1.5}");
	free(line);
	json_event_free(e);
}

/* Everything a command may report, once. */
static void
report_all(struct report *r)
{
	struct err err = { .kind = ERR_NET, .msg = "no answer" };
	struct summary s = full;

	report_line(r, "line %d", 1);
	report_event(r, json_event_new("e"));
	report_problem(r, "work", &err);
	s.exit = 75;
	report_summary(r, &s);
	err.kind = ERR_HELD;
	report_problem(r, NULL, &err);
}

/* What report_all printed on stdout and, behind a |, on stderr. */
static void
run_report(bool json, bool quiet, char *out, size_t max)
{
	struct err err = { 0 };
	struct report r = { .json = json, .quiet = quiet };
	FILE *diag = tmpfile();
	int saved = dup(2);
	size_t n;

	r.out = tmpfile();
	assert_non_null(r.out);
	assert_non_null(diag);
	dup2(fileno(diag), 2);
	report_all(&r);
	dup2(saved, 2);
	close(saved);
	assert_int_equal(report_close(&r, &err), 0);
	rewind(r.out);
	n = fread(out, 1, max - 2, r.out);
	fclose(r.out);
	out[n++] = '|';
	fseek(diag, 0, SEEK_SET);
	n += fread(out + n, 1, max - n - 1, diag);
	out[n] = '\0';
	fclose(diag);
}

static void
report_for_people(void **state)
{
	char out[2000];

	(void)state;
	run_report(false, false, out, sizeof(out));
	assert_non_null(strstr(out, "line 1\nwork: pulled 6 folders, "));
	assert_null(strchr(out, '{'));
	assert_non_null(strstr(strchr(out, '|'), "work: no answer\n"));
}

static void
report_quiet_for_cron(void **state)
{
	char out[2000];

	(void)state;
	run_report(false, true, out, sizeof(out));
	assert_int_equal(out[0], '|');
	assert_null(strstr(out, "work: no answer"));
	assert_non_null(strstr(out, "no answer\n"));
}

static void
report_for_programs(void **state)
{
	char out[2000];

	(void)state;
	run_report(true, false, out, sizeof(out));
	assert_null(strstr(out, "line 1"));
	assert_int_equal(strncmp(out, "{\"event\":\"e\"}\n"
	    "{\"event\":\"problem\",\"account\":\"work\",\"exit\":75,"
	    "\"message\":\"no answer\"}\n{\"event\":\"summary\",", 96), 0);
	assert_non_null(strstr(out, "{\"event\":\"problem\",\"account\":null,"
	    "\"exit\":1,\"message\":\"no answer\"}\n|"));
}

static void
report_sees_full_disk(void **state)
{
	struct err err = { 0 };
	struct report r = { .out = fopen("/dev/full", "w") };

	(void)state;
	assert_non_null(r.out);
	report_line(&r, "lost");
	assert_int_equal(report_close(&r, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	fclose(r.out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_follows_table),
		cmocka_unit_test(json_is_exact),
		cmocka_unit_test(json_leaves_nothing_out),
		cmocka_unit_test(event_text_is_always_json),
		cmocka_unit_test(event_values_keep_order),
		cmocka_unit_test(report_for_people),
		cmocka_unit_test(report_quiet_for_cron),
		cmocka_unit_test(report_for_programs),
		cmocka_unit_test(report_sees_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
