/* The log, read: in order, filtered, followed, and with rows gone bad. */
#include "index_fixture.h"

#include <sqlite3.h>
#include <time.h>

#include "index/log.h"
#include "../../src/index/internal.h"

#define MAX	8

/* Past the interface, with the sums of the pages kept right. */
static void
sql(struct fixture *f, const char *text)
{
	char *why = NULL;
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(f->db, &db, SQLITE_OPEN_READWRITE,
	    index_vfs()), SQLITE_OK);
	if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", text, why);
	sqlite3_close(db);
}

#define LOG(f, w, o, n, u, why) \
	ok(index_log((f)->ix, &(struct index_log_line){ .what = w, \
	    .folder = o, .uid = n, .unique = u, .evidence = why }, &(f)->err))

/* "1 3 7": the ids that come. */
static void
listed(struct fixture *f, struct index_log_query query, const char *want)
{
	struct index_log_entry e[MAX];
	char all[200] = "";
	int n = index_log_entries(f->ix, &query, e, MAX, &f->err);

	ok(n);
	for (int i = 0; i < n; i++) {
		size_t at = strlen(all);

		snprintf(all + at, sizeof(all) - at, "%s%lld", i ? " " : "",
		    (long long)e[i].id);
		index_log_release(&e[i]);
	}
	assert_string_equal(all, want);
}

#define LISTED(f, want, ...) \
	listed(f, (struct index_log_query){ __VA_ARGS__ }, want)

static void
ranges(struct fixture *f, int64_t oldest, int64_t newest)
{
	int64_t a = -1, b = -1;

	ok(index_log_range(f->ix, &a, &b, &f->err));
	assert_int_equal(a, oldest);
	assert_int_equal(b, newest);
}

/* Entry n is about uid n, at 1000 * n once ages() was called. */
static void
fill(struct fixture *f)
{
	static const char *const what[] = { "removed-local", "trashed" };
	static const char *const folder[] = { "INBOX", "lists/foo", NULL };
	char unique[20];

	ok(index_begin(f->ix, &f->err));
	for (uint32_t n = 1; n <= 6; n++) {
		snprintf(unique, sizeof(unique), "u%u", n);
		LOG(f, what[n % 2], folder[n % 3], n, unique, "two scans");
	}
	ok(index_commit(f->ix, &f->err));
}

static void
ages(struct fixture *f)
{
	sql(f, "UPDATE log SET at = 1000 * id");
}

static void
reopen(struct fixture *f, enum index_open_as as)
{
	struct index_open_result result;

	fixture_close(f);
	ok(index_open(&f->ix, f->db, as, &result, &f->err));
	assert_null(result.set_aside);
}

/* --- what comes --- */

static void
test_empty(void **state)
{
	struct fixture *f = *state;

	LISTED(f, "", .after = 0);
	LISTED(f, "", .folder = "INBOX", .what = "trashed", .since = 1);
	ranges(f, 0, 0);
	reopen(f, INDEX_READ);
	LISTED(f, "", .after = 0);
	ranges(f, 0, 0);
}

static void
test_entry_comes_back(void **state)
{
	struct fixture *f = *state;
	struct index_log_query every = { .after = 0 };
	struct index_log_entry e[MAX];

	ok(index_begin(f->ix, &f->err));
	LOG(f, "removed-remote", "a/\xc3\xa4", UINT32_MAX, "u:1", "why; so");
	LOG(f, "dropped-local", NULL, 0, NULL, NULL);
	ok(index_commit(f->ix, &f->err));
	reopen(f, INDEX_READ);
	assert_int_equal(index_log_entries(f->ix, &every, e, MAX, &f->err), 2);
	assert_int_equal(e[0].id, 1);
	assert_in_range(e[0].at, 1600000000, INT32_MAX * 2u);
	assert_string_equal(e[0].what, "removed-remote");
	assert_string_equal(e[0].folder, "a/\xc3\xa4");
	assert_int_equal(e[0].uid, UINT32_MAX);
	assert_string_equal(e[0].unique, "u:1");
	assert_string_equal(e[0].evidence, "why; so");
	assert_false(e[0].bad);
	assert_int_equal(e[1].id, 2);
	assert_string_equal(e[1].folder, "");
	assert_int_equal(e[1].uid, 0);
	assert_null(e[1].unique);
	assert_string_equal(e[1].evidence, "");
	assert_false(e[1].bad);
	index_log_release(&e[0]);
	assert_null(e[0].what);
	index_log_release(&e[0]);
	index_log_release(&e[1]);
}

static void
test_filters(void **state)
{
	struct fixture *f = *state;

	fill(f);
	ages(f);
	LISTED(f, "1 2 3 4 5 6", .after = 0);
	LISTED(f, "3 4 5 6", .since = 3000);
	LISTED(f, "4 5 6", .since = 3001);
	LISTED(f, "1 2", .until = 3000);
	LISTED(f, "3", .since = 3000, .until = 4000);
	LISTED(f, "", .since = 4000, .until = 3000);
	LISTED(f, "", .since = INT64_MAX);
	LISTED(f, "3 6", .folder = "INBOX");
	LISTED(f, "1 4", .folder = "lists/foo");
	LISTED(f, "2 5", .folder = "");
	LISTED(f, "", .folder = "inbox");
	LISTED(f, "", .folder = "lists");
	LISTED(f, "1 3 5", .what = "trashed");
	LISTED(f, "", .what = "trash");
	LISTED(f, "3", .folder = "INBOX", .what = "trashed");
	LISTED(f, "6", .folder = "INBOX", .after = 3);
	LISTED(f, "5", .what = "trashed", .since = 4000, .until = 6000);
	LISTED(f, "6", .after = 5);
	LISTED(f, "", .after = 6);
	LISTED(f, "", .after = INT64_MAX);
	LISTED(f, "1 2 3 4 5 6", .after = INT64_MIN);
	/* Borrowed texts of one call are not those of the next. */
	LISTED(f, "1 2 3 4 5 6", .after = 0);
	/* What looks like a pattern or ends the text is neither. */
	LISTED(f, "", .folder = "%");
	LISTED(f, "", .folder = "' OR 1 --");
}

static void
test_pages(void **state)
{
	struct fixture *f = *state;
	struct index_log_query query = { .folder = "INBOX" };
	struct index_log_entry e[2];
	int64_t want = 0;
	int n, calls = 0;

	fill(f);
	fill(f);
	fill(f);
	assert_int_equal(index_log_entries(f->ix, &query, e, 0, &f->err), 0);
	while ((n = index_log_entries(f->ix, &query, e, 2, &f->err)) > 0) {
		calls++;
		for (int i = 0; i < n; i++) {
			assert_int_equal(e[i].id, want += 3);
			query.after = e[i].id;
			index_log_release(&e[i]);
		}
	}
	ok(n);
	assert_int_equal(want, 18);
	assert_int_equal(calls, 3);
}

/* --- a feed --- */

/* Beside a writer: what is committed comes, once, and nothing else. */
static void
test_follow(void **state)
{
	struct fixture *f = *state;
	struct fixture reader = *f;
	struct index_open_result result;

	fill(f);
	assert_int_equal(index_open(&reader.ix, f->db, INDEX_READ, &result,
	    &reader.err), 0);
	LISTED(&reader, "4 5 6", .after = 3);
	ok(index_begin(f->ix, &f->err));
	LOG(f, "trashed", "x", 7, NULL, NULL);
	LISTED(&reader, "", .after = 6);
	LISTED(f, "7", .after = 6);
	index_rollback(f->ix);
	LISTED(&reader, "", .after = 6);
	ok(index_begin(f->ix, &f->err));
	LOG(f, "trashed", "y", 8, NULL, NULL);
	ok(index_commit(f->ix, &f->err));
	/* The id of what was rolled back is not a gap. */
	LISTED(&reader, "7", .after = 6);
	ranges(&reader, 1, 7);
	index_close(reader.ix);
}

#define DAY	86400

/* n lines, each so many days old. */
static void
aged(struct fixture *f, int n, int days)
{
	char *text = xasprintf("WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL"
	    " SELECT n + 1 FROM c WHERE n < %d) INSERT INTO log (at, what,"
	    " folder, evidence, run, flags) SELECT %lld, 'trashed', 'x', '',"
	    " 1, 0 FROM c", n, (long long)(time(NULL) - (int64_t)days * DAY));

	sql(f, text);
	free(text);
}

/* Entries went before they were read: the feed can tell. */
static void
test_oldest_go(void **state)
{
	struct fixture *f = *state;
	struct index_log_entry e[1];
	struct index_log_query behind = { .after = 3 };

	aged(f, 2000, 91);
	aged(f, 10, 89);
	reopen(f, INDEX_WRITE);
	ranges(f, 2001, 2010);
	assert_int_equal(index_log_entries(f->ix, &behind, e, 1, &f->err), 1);
	assert_int_equal(e->id, 2001);
	index_log_release(e);
	/* A few are not worth a write; nor is it the age of one in between. */
	aged(f, 900, 91);
	aged(f, 10, 1);
	reopen(f, INDEX_WRITE);
	ranges(f, 2001, 2920);
}

/* A clock that was years ahead, or behind, for a run, empties nothing. */
static void
test_clock_that_was_wrong(void **state)
{
	struct fixture *f = *state;

	aged(f, 3, -5000);
	aged(f, 3000, 20000);
	aged(f, 3, 0);
	reopen(f, INDEX_WRITE);
	ranges(f, 1, 3006);
}

static void
test_a_million_is_enough(void **state)
{
	struct fixture *f = *state;

	aged(f, 3000, 0);
	sql(f, "UPDATE log SET id = 1002000 WHERE id = 3000");
	reopen(f, INDEX_WRITE);
	ranges(f, 2001, 1002000);
}

/* --- what a line speaks of --- */

static int64_t
content_of(struct fixture *f, const char *text)
{
	struct fingerprinter *p = fingerprint_new();
	struct fingerprint fp;
	int64_t id;

	fingerprint_add(p, text, strlen(text));
	fingerprint_end(p, &fp);
	ok(index_content_put(f->ix, &fp, &id, &f->err));
	return id;
}

/* What an older version wrote has no subject before it is read again. */
static void
test_subject_comes_later(void **state)
{
	static const char text[] = "Subject: Lunch\n\n";
	struct index_content c;
	struct fixture *f = *state;
	int64_t id;

	ok(index_begin(f->ix, &f->err));
	id = content_of(f, text);
	ok(index_commit(f->ix, &f->err));
	sql(f, "UPDATE content SET subject = NULL, sender = NULL");
	assert_int_equal(index_content_by_id(f->ix, id, &c, &f->err), 1);
	assert_string_equal(c.subject, "");
	ok(index_begin(f->ix, &f->err));
	assert_int_equal(content_of(f, text), id);
	ok(index_commit(f->ix, &f->err));
	assert_int_equal(index_content_by_id(f->ix, id, &c, &f->err), 1);
	assert_string_equal(c.subject, "Lunch");
}

/* The content of a message that is nowhere any more stays as long as the line
 * does that tells of it. */
static void
test_content_stays(void **state)
{
	struct index_log_query every = { .after = 0 };
	struct index_log_line line = {
		.what = "removed-local", .folder = "INBOX", .run = 7,
		.flags = FLAG_SEEN | FLAG_FLAGGED, .keywords = "Junk work",
		.detail = "+\\Seen", .evidence = "why",
	};
	struct fixture *f = *state;
	struct index_log_entry e;

	ok(index_begin(f->ix, &f->err));
	line.content = content_of(f, "Message-ID: <a@b>\nSubject: Lunch\n"
	    "From: Jane <j@b>\n\ntext\n");
	ok(index_log(f->ix, &line, &f->err));
	ok(index_commit(f->ix, &f->err));
	sql(f, "INSERT INTO loose SELECT id FROM content");
	reopen(f, INDEX_WRITE);
	assert_int_equal(number(f->db, "SELECT count(*) FROM loose"), 0);
	assert_int_equal(index_log_entries(f->ix, &every, &e, 1, &f->err), 1);
	assert_false(e.bad);
	assert_int_equal(e.content, line.content);
	assert_string_equal(e.message_id, "<a@b>");
	assert_string_equal(e.subject, "Lunch");
	assert_string_equal(e.sender, "Jane");
	assert_int_equal(e.run, 7);
	assert_int_equal(e.flags, FLAG_SEEN | FLAG_FLAGGED);
	assert_string_equal(e.keywords, "Junk work");
	assert_string_equal(e.detail, "+\\Seen");
	index_log_release(&e);
	sql(f, "DELETE FROM log");
	reopen(f, INDEX_WRITE);
	assert_int_equal(number(f->db, "SELECT count(*) FROM content"), 0);
}

/* --- rows that nobody wrote --- */

static void
spoil(struct fixture *f, const char *rows)
{
	char *text;

	fixture_close(f);
	fixture_open(f);
	text = xasprintf("DROP TABLE log; CREATE TABLE log (id INTEGER PRIMARY"
	    " KEY AUTOINCREMENT, at, what, folder, uid, unique_part, evidence,"
	    " run DEFAULT 0, content, flags DEFAULT 0, keywords, detail);"
	    "INSERT INTO log (at, what, folder, uid, unique_part, evidence)"
	    " VALUES %s", rows);
	sql(f, text);
	free(text);
}

static struct index_log_entry
read_bad(struct fixture *f, const char *row, enum index_open_as as)
{
	struct index_log_query every = { .after = 0 };
	struct index_log_entry e[MAX];

	spoil(f, row);
	reopen(f, as);
	assert_int_equal(index_log_entries(f->ix, &every, e, MAX, &f->err), 1);
	assert_true(e->bad);
	assert_int_equal(e->id, 1);
	reopen(f, INDEX_WRITE);
	return *e;
}

static const struct {
	const char *row;
	int64_t at;
	uint32_t uid;
	const char *folder, *unique, *evidence;
} bad[] = {
	{ "(NULL, NULL, NULL, NULL, NULL, NULL)", 0, 0, "", NULL, "" },
	{ "('x', 'w', 'f', 1, 'u', 'e')", 0, 1, "f", "u", "e" },
	{ "(-1, 'w', 'f', 1, 'u', 'e')", 0, 1, "f", "u", "e" },
	{ "(1.5, 'w', 'f', 1, 'u', 'e')", 0, 1, "f", "u", "e" },
	{ "(5, 'w', 'f', 4294967296, 'u', 'e')", 5, 0, "f", "u", "e" },
	{ "(5, 'w', 'f', -1, 'u', 'e')", 5, 0, "f", "u", "e" },
	{ "(5, 'w', 'f', 'many', 'u', 'e')", 5, 0, "f", "u", "e" },
	{ "(5, 'w', 7, 1, 8, 9)", 5, 1, "7", "8", "9" },
	{ "(5, 'w', x'41', 1, x'', x'4200')", 5, 1, "A", "", "B" },
	{ "(5, 'w', 'a' || char(0) || 'b', 1, 'u', 'e')", 5, 1, "a", "u",
	    "e" },
	{ "(5, NULL, 'f', 1, 'u', 'e')", 5, 1, "f", "u", "e" },
};

static void
test_bad_rows(void **state)
{
	struct fixture *f = *state;
	struct index_log_entry e;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = read_bad(f, bad[i].row, i % 2 ? INDEX_READ : INDEX_WRITE);
		assert_int_equal(e.at, bad[i].at);
		assert_int_equal(e.uid, bad[i].uid);
		assert_string_equal(e.folder, bad[i].folder);
		assert_string_equal(e.evidence, bad[i].evidence);
		if (bad[i].unique == NULL)
			assert_null(e.unique);
		else
			assert_string_equal(e.unique, bad[i].unique);
		assert_non_null(e.what);
		index_log_release(&e);
	}
}

/* One that is as long as SQLite lets it be takes no memory of ours. */
static void
test_endless_text(void **state)
{
	struct fixture *f = *state;
	struct index_log_entry e;

	e = read_bad(f, "(5, 'w', 'f', 1, 'u', hex(zeroblob(8000000)))",
	    INDEX_READ);
	assert_int_equal(strlen(e.evidence), 4096);
	index_log_release(&e);
}

/* It stops nothing: the good ones around it come, and so do filters. */
static void
test_bad_row_among_good(void **state)
{
	struct fixture *f = *state;

	spoil(f, "(1, 'w', 'f', 1, 'u', 'e'), ('x', 'w', 'f', x'00', 'u', 'e'),"
	    " (3, 'w', 'f', 1, 'u', 'e')");
	LISTED(f, "1 2 3", .after = 0);
	LISTED(f, "1 2 3", .folder = "f");
	LISTED(f, "3", .after = 2);
	LISTED(f, "1", .until = 3);
}

static void
test_no_log_at_all(void **state)
{
	struct fixture *f = *state;
	struct index_log_query every = { .after = 0 };
	struct index_log_entry e[MAX];
	int64_t a, b;

	spoil(f, "(1, 'w', 'f', 1, 'u', 'e')");
	sql(f, "DROP TABLE log");
	reopen(f, INDEX_READ);
	assert_int_equal(index_log_entries(f->ix, &every, e, MAX, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_IO);
	assert_int_equal(index_log_range(f->ix, &a, &b, &f->err), -1);
	assert_int_equal(f->err.kind, ERR_IO);
}

/* Who goes on behind the last id must get further each time. */
static void
test_ids_that_stand_still(void **state)
{
	static const char *const ids[] = { "(3), (3)", "('x')", "(4), ('')" };
	struct fixture *f = *state;
	struct index_log_query every = { .after = 0 };
	struct index_log_entry e[MAX];

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		char *text = xasprintf("DROP TABLE log; CREATE TABLE log (id,"
		    " at, what, folder, uid, unique_part, evidence, run,"
		    " content, flags, keywords, detail);"
		    "INSERT INTO log (id) VALUES %s", ids[i]);

		reopen(f, INDEX_READ);
		sql(f, text);
		free(text);
		assert_int_equal(index_log_entries(f->ix, &every, e, MAX,
		    &f->err), -1);
		assert_int_equal(f->err.kind, ERR_IO);
		assert_non_null(strstr(f->err.msg, "damaged"));
	}
}

/* --- damage --- */

#define ENTRIES	200

/* Entry n, all of which follows from n. */
static bool
is_right(const struct index_log_entry *e)
{
	char text[60];

	snprintf(text, sizeof(text), "reason number %lld of them all",
	    (long long)e->id);
	return !e->bad && e->uid == e->id && strcmp(e->what, "trashed") == 0 &&
	    strcmp(e->folder, "INBOX") == 0 && strcmp(e->evidence, text) == 0;
}

/* All that can be read; the number, or -1 where damage was noticed. */
static int
read_all(struct fixture *f)
{
	struct index_log_query query = { .after = 0 };
	struct index_log_entry e[7];
	int n, all = 0;

	while ((n = index_log_entries(f->ix, &query, e, 7, &f->err)) > 0) {
		for (int i = 0; i < n; i++) {
			query.after = e[i].id;
			assert_true(is_right(&e[i]));
			index_log_release(&e[i]);
			all++;
		}
		assert_in_range(all, 1, ENTRIES);
	}
	return n < 0 ? -1 : all;
}

/* One byte after the other: noticed, or of no account. */
static void
test_damaged_pages(void **state)
{
	struct fixture *f = *state;
	struct index_open_result result;
	unsigned noticed = 0;
	char text[60];
	struct stat st;
	int fd;

	ok(index_begin(f->ix, &f->err));
	for (uint32_t n = 1; n <= ENTRIES; n++) {
		snprintf(text, sizeof(text), "reason number %u of them all", n);
		LOG(f, "trashed", "INBOX", n, NULL, text);
	}
	ok(index_commit(f->ix, &f->err));
	fixture_close(f);
	fd = open(f->db, O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	for (off_t at = 100; at < st.st_size; at += 997) {
		unsigned char was, is;

		assert_int_equal(pread(fd, &was, 1, at), 1);
		is = was ^ 0x41;
		assert_int_equal(pwrite(fd, &is, 1, at), 1);
		if (index_open(&f->ix, f->db, INDEX_READ, &result,
		    &f->err) < 0) {
			noticed++;
		} else {
			int all = read_all(f);

			assert_true(all == -1 || all == ENTRIES);
			noticed += all == -1;
		}
		fixture_close(f);
		assert_int_equal(pwrite(fd, &was, 1, at), 1);
	}
	close(fd);
	assert_true(noticed > 5);
	reopen(f, INDEX_READ);
	assert_int_equal(read_all(f), ENTRIES);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_index, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_empty),
		TEST(test_entry_comes_back),
		TEST(test_filters),
		TEST(test_pages),
		TEST(test_follow),
		TEST(test_oldest_go),
		TEST(test_clock_that_was_wrong),
		TEST(test_a_million_is_enough),
		TEST(test_content_stays),
		TEST(test_subject_comes_later),
		TEST(test_bad_rows),
		TEST(test_endless_text),
		TEST(test_bad_row_among_good),
		TEST(test_no_log_at_all),
		TEST(test_ids_that_stand_still),
		TEST(test_damaged_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
