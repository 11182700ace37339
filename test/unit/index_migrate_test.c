/*
 * An index that version 6 wrote: INBOX with 60 messages whose files are gone,
 * which the guard holds; "Lists" with five that are in sync, of which three have
 * in their headers what that version saw otherwise.
 */
#include "index_fixture.h"

#include <zlib.h>

#define OLD	"test/fixture/index/version-6.db.gz"

static void
unpack(struct fixture *f)
{
	char *dir = xasprintf("%s/state", f->dir), part[4096];
	gzFile in = gzopen(OLD, "rb");
	FILE *out;
	int n;

	assert_non_null(in);
	assert_int_equal(mkdir(dir, 0700), 0);
	free(dir);
	out = fopen(f->db, "wb");
	assert_non_null(out);
	while ((n = gzread(in, part, sizeof(part))) > 0)
		assert_int_equal(fwrite(part, 1, (size_t)n, out), n);
	assert_int_equal(n, 0);
	assert_int_equal(gzclose(in), Z_OK);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(chmod(f->db, 0600), 0);
}

static int
setup_old(void **state)
{
	setup_dir(state);
	unpack(*state);
	return 0;
}

/* Each row is read, with its checksum. */
static void
test_rows_are_what_they_were(void **state)
{
	struct fixture *f = *state;
	struct index_place_stream rows = { .which = PLACES_ALL };
	struct index_counts counts;
	struct place p;
	int n = 0;

	fixture_open(f);
	ok(index_counts(f->ix, 0, &counts, &f->err));
	assert_int_equal(counts.paired, 65);
	assert_int_equal(counts.remote, 65);
	assert_int_equal(counts.local, 5);
	assert_int_equal(counts.dirty, 60);
	while (index_places(f->ix, &rows, &p, 1, &f->err) == 1) {
		n++;
		assert_true(p.has_date && p.date == 1500000000);
		assert_false(p.likely || p.unconfirmed || p.expected.present);
		assert_string_equal(p.expected.keywords, "");
		place_release(&p);
	}
	assert_int_equal(n, 65);
}

/* What is written into the migrated file stays, and the file is a whole one. */
static void
test_it_is_one_of_ours(void **state)
{
	struct fixture *f = *state;
	struct place p;

	fixture_open(f);
	ok(index_begin(f->ix, &f->err));
	assert_int_equal(index_place_by_uid(f->ix, 2, 1, &p, &f->err), 1);
	p.has_date = p.likely = p.unconfirmed = true;
	p.date = 0;
	p.lineage = 5;
	state_set(&p.expected, true, FLAG_SEEN, "one two");
	ok(index_place_put(f->ix, &p, &f->err));
	place_release(&p);
	ok(index_commit(f->ix, &f->err));
	fixture_close(f);
	fixture_open(f);
	assert_int_equal(index_place_by_uid(f->ix, 2, 1, &p, &f->err), 1);
	assert_true(p.has_date && p.likely && p.unconfirmed);
	assert_int_equal(p.date, 0);
	assert_int_equal(p.lineage, 5);
	assert_true(p.expected.present);
	assert_int_equal(p.expected.flags, FLAG_SEEN);
	assert_string_equal(p.expected.keywords, "one two");
	place_release(&p);
	fixture_close(f);
	assert_int_equal(number(f->db, "PRAGMA user_version"), 9);
	assert_int_equal(number(f->db, "SELECT quick_check = 'ok'"
	    " FROM pragma_quick_check"), 1);
}

/* A table, its columns without their order, an index, a trigger. */
static void
test_schema_is_that_of_a_new_one(void **state)
{
	static const char *const sql[] = {
		"SELECT count(*) FROM sqlite_schema",
		"SELECT count(*) FROM sqlite_schema s,"
		"	pragma_table_xinfo(s.name) WHERE s.type = 'table'",
		"SELECT count(*) FROM (SELECT name, type FROM sqlite_schema"
		"	EXCEPT SELECT name, type FROM new.sqlite_schema)",
		"SELECT count(*) FROM (SELECT s.name, c.name, c.type,"
		"	c.\"notnull\", c.hidden FROM sqlite_schema s,"
		"	pragma_table_xinfo(s.name) c EXCEPT"
		"	SELECT s.name, c.name, c.type, c.\"notnull\", c.hidden"
		"	FROM new.sqlite_schema s,"
		"	pragma_table_xinfo(s.name, 'new') c)",
		"SELECT count(*) FROM (SELECT name, sql FROM sqlite_schema"
		"	WHERE type <> 'table' EXCEPT"
		"	SELECT name, sql FROM new.sqlite_schema)",
	};
	struct fixture *f = *state;
	char *old = xstrdup(f->db), *attach;
	sqlite3 *db;

	fixture_open(f);
	fixture_close(f);
	snprintf(f->db, sizeof(f->db), "%s/state/new.db", f->dir);
	fixture_open(f);
	fixture_close(f);
	for (int i = 0; i < 2; i++)
		assert_int_equal(number(old, sql[i]), number(f->db, sql[i]));
	assert_int_equal(sqlite3_open(old, &db), SQLITE_OK);
	attach = xasprintf("ATTACH '%s' AS new", f->db);
	assert_int_equal(sqlite3_exec(db, attach, NULL, NULL, NULL), SQLITE_OK);
	for (int i = 2; i < 5; i++) {
		sqlite3_stmt *st;

		assert_int_equal(sqlite3_prepare_v2(db, sql[i], -1, &st, NULL),
		    SQLITE_OK);
		assert_int_equal(sqlite3_step(st), SQLITE_ROW);
		if (sqlite3_column_int(st, 0) != 0)
			fail_msg("%s: %d", sql[i], sqlite3_column_int(st, 0));
		sqlite3_finalize(st);
	}
	sqlite3_close(db);
	free(attach);
	free(old);
}

static struct fingerprint
print_of(const char *tok, const char *extra)
{
	struct fingerprinter *p = fingerprint_new();
	struct fingerprint fp;
	char *text = xasprintf("From: Ann <ann@example.org>\n"
	    "To: Bob <bob@example.org>\nSubject: about %s\n"
	    "Date: Fri, 14 Jul 2017 02:40:00 +0000\n"
	    "Message-ID: <%s@example.org>\nX-Tok: %s\n%s\nThis is %s.\n", tok,
	    tok, tok, extra, tok);

	fingerprint_add(p, text, strlen(text));
	fingerprint_end(p, &fp);
	free(text);
	return fp;
}

/* Who reads a message again finds its content, in our form from then on. */
static void
test_contents_are_taken_over(void **state)
{
	static const struct {
		const char *tok, *extra;
	} t[] = {
		{ "plain", "" },
		{ "tuid", "X-TUID: abcdefghijkl\n" },
		{ "eight", "X-Note: caf\xc3\xa9\n" },
		{ "moz", "X-Mozilla-Status: 0001\n" },
		{ "mine", "" },
	};
	struct fixture *f = *state;
	struct index_content c;

	fixture_open(f);
	ok(index_begin(f->ix, &f->err));
	for (uint32_t i = 0; i < 5; i++) {
		struct fingerprint fp = print_of(t[i].tok, t[i].extra);
		struct place p;
		int64_t id;

		assert_int_equal(index_place_by_uid(f->ix, 2, i + 1, &p,
		    &f->err), 1);
		assert_int_equal(index_content_by_id(f->ix, p.content, &c,
		    &f->err), 1);
		assert_int_equal(c.form, FORM_FIRST);
		if (!fingerprint_is(&fp, c.form, c.digest))
			fail_msg("%s is not known again", t[i].tok);
		ok(index_content_put(f->ix, &fp, &id, &f->err));
		assert_int_equal(id, p.content);
		assert_int_equal(index_content_by_id(f->ix, id, &c, &f->err),
		    1);
		assert_int_equal(c.form, FORM_NOW);
		assert_true(fingerprint_is(&fp, c.form, c.digest));
		assert_int_equal(c.size, fp.size);
		ok(index_content_put(f->ix, &fp, &id, &f->err));
		assert_int_equal(id, p.content);
		place_release(&p);
	}
	ok(index_commit(f->ix, &f->err));
}

/* Two messages that differ in 8-bit octets alone were one content: the first
 * that is read does not take the other one along. */
static void
test_a_shared_content_parts(void **state)
{
	struct fixture *f = *state;
	struct fingerprint fp = print_of("eight", "X-Note: caf\xc3\xa9\n");
	struct index_content c;
	struct place p;
	int64_t id, other;

	fixture_open(f);
	ok(index_begin(f->ix, &f->err));
	assert_int_equal(index_place_by_uid(f->ix, 2, 3, &p, &f->err), 1);
	other = p.content;
	place_release(&p);
	assert_int_equal(index_place_by_uid(f->ix, 2, 1, &p, &f->err), 1);
	p.content = other;
	ok(index_place_put(f->ix, &p, &f->err));
	place_release(&p);
	assert_int_equal(index_content_by_id(f->ix, other, &c, &f->err), 1);
	ok(index_content_renew(f->ix, &c, &fp, &f->err));
	assert_int_equal(index_content_by_id(f->ix, other, &c, &f->err), 1);
	assert_int_equal(c.form, FORM_FIRST);
	ok(index_content_put(f->ix, &fp, &id, &f->err));
	assert_int_not_equal(id, other);
	assert_int_equal(index_content_by_id(f->ix, other, &c, &f->err), 1);
	assert_int_equal(c.form, FORM_FIRST);
	ok(index_commit(f->ix, &f->err));
}

/* Status does not write; it says what will. It must not say that there is none,
 * as of an account that was never in sync. */
static void
test_a_reader_leaves_it_alone(void **state)
{
	struct fixture *f = *state;
	struct index_open_result result;

	assert_int_equal(index_open(&f->ix, f->db, INDEX_READ, &result,
	    &f->err), -1);
	assert_int_equal(f->err.kind, ERR_BUSY);
	assert_non_null(strstr(f->err.msg, "older mailtern"));
	assert_int_equal(number(f->db, "PRAGMA user_version"), 6);
}

/* Two directories that differ in case are two folders now. */
static void
test_paths_are_octets(void **state)
{
	struct fixture *f = *state;

	fixture_open(f);
	ok(index_begin(f->ix, &f->err));
	assert_true(add_folder(f, "lists") > 2);
	ok(index_commit(f->ix, &f->err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_rows_are_what_they_were,
		    setup_old, teardown),
		cmocka_unit_test_setup_teardown(test_it_is_one_of_ours,
		    setup_old, teardown),
		cmocka_unit_test_setup_teardown(
		    test_schema_is_that_of_a_new_one, setup_old, teardown),
		cmocka_unit_test_setup_teardown(test_contents_are_taken_over,
		    setup_old, teardown),
		cmocka_unit_test_setup_teardown(test_a_shared_content_parts,
		    setup_old, teardown),
		cmocka_unit_test_setup_teardown(test_a_reader_leaves_it_alone,
		    setup_old, teardown),
		cmocka_unit_test_setup_teardown(test_paths_are_octets,
		    setup_old, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
