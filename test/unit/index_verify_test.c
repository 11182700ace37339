/* What can't be right in an index is told, and all else with it. */
#include "index_fixture.h"

#include "index/verify.h"

#define ROWS	10

struct met {
	unsigned n[32], all;
	int64_t folder;
	char text[200];
};

static void
on_flaw(void *arg, const struct index_flaw_found *found)
{
	struct met *m = arg;

	m->n[found->flaw]++;
	m->all++;
	m->folder = found->folder;
	snprintf(m->text, sizeof(m->text), "%s", found->text);
}

static struct met
look(struct fixture *f)
{
	struct met m = { .all = 0 };
	const struct index_flaw_visit visit = { &m, on_flaw, 2000000000 };

	ok(index_verify(f->ix, &visit, &f->err));
	return m;
}

static int64_t
fill(struct fixture *f)
{
	struct index_folder row = { .name = xstrdup("INBOX"),
	    .raw = xstrdup("INBOX"), .path = xstrdup("INBOX"), .local = true,
	    .remote = true, .uidvalidity = 1, .uidnext = ROWS + 1,
	    .permanent_keywords = xstrdup("") };
	char text[40];
	struct place p;
	int64_t id;
	uint32_t i;

	ok(index_begin(f->ix, &f->err));
	ok(index_folder_put(f->ix, &row, &f->err));
	for (i = 1; i <= ROWS; i++) {
		place_init(&p);
		p.folder = row.id;
		p.uid = i;
		snprintf(text, sizeof(text), "17%u.host", i);
		p.unique = xstrdup(text);
		p.file = xasprintf("%s:2,S", text);
		state_set(&p.local, true, FLAG_SEEN, "");
		state_set(&p.remote, true, FLAG_SEEN, "");
		p.hint = (struct file_hint){ i, 10, 100 };
		ok(index_place_put(f->ix, &p, &f->err));
		place_release(&p);
	}
	ok(index_commit(f->ix, &f->err));
	id = row.id;
	index_folder_release(&row);
	return id;
}

/* By another program, so that nothing is set right on the way. */
static void
spoil(struct fixture *f, const char *sql)
{
	sqlite3 *db;
	char *why = NULL;

	fixture_close(f);
	assert_int_equal(sqlite3_open_v2(f->db, &db, SQLITE_OPEN_READWRITE,
	    "mailtern"), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	sqlite3_close(db);
	fixture_open(f);
}

static void
a_sound_one_has_no_flaw(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(look(f).all, 0);
	fill(f);
	assert_int_equal(look(f).all, 0);
}

static void
each_flaw_is_told(void **state)
{
	static const struct {
		const char *sql;
		enum index_flaw flaw;
		const char *text;
	} table[] = {
		{ "DROP INDEX place_owed", FLAW_TABLE, "place_owed" },
		{ "UPDATE tally SET remote = 3", FLAW_TALLY, "3 and 10" },
		{ "UPDATE folder SET raw = NULL", FLAW_NO_NAME, "INBOX" },
		{ "UPDATE folder SET last_full = 2100000000",
		    FLAW_FOLDER_CLOCK, "2036-07-18 13:20:00" },
		{ "UPDATE folder SET uidvalidity = 0", FLAW_UIDVALIDITY, "" },
		{ "INSERT INTO intent VALUES (1,9,1,1,1,1,1,1,0)",
		    FLAW_INTENT, "" },
		{ "INSERT INTO log VALUES (1,'x','','',0,'','',1,0,0,'','')",
		    FLAW_LOG, "1" },
	};
	struct fixture *f = *state;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct met m;

		fixture_close(f);
		unlink(f->db);
		fixture_open(f);
		fill(f);
		spoil(f, table[i].sql);
		m = look(f);
		if (m.n[table[i].flaw] != 1)
			fail_msg("%s: not told", table[i].sql);
		assert_string_equal(m.text, table[i].text);
		assert_int_equal(m.all, 1 + m.n[FLAW_LOG_CLOCK]);
	}
}

/* One is wrong; those around it come nevertheless. */
static void
a_wrong_row_stops_nothing(void **state)
{
	struct fixture *f = *state;
	struct index_verify_stream rows = { fill(f), 0, INT64_MAX };
	struct index_verified v[ROWS + 1];
	int i, n;

	spoil(f, "UPDATE place SET size = 5 WHERE uid = 4;"
	    "UPDATE place SET seen = 5 WHERE uid = 6;"
	    "UPDATE tally SET remote = 3");
	n = index_verify_rows(f->ix, &rows, v, ROWS + 1, &f->err);
	assert_int_equal(n, ROWS);
	for (i = 0; i < n; i++) {
		assert_int_equal(v[i].sum_right, i != 3);
		assert_int_equal(v[i].seen_right, i != 3 && i != 5);
		assert_int_equal(v[i].place.uid, i + 1);
		assert_non_null(v[i].place.unique);
		place_release(&v[i].place);
	}
	/* The file as such is read on. */
	assert_int_equal(look(f).n[FLAW_TALLY], 1);
}

static void
rows_come_in_ranges(void **state)
{
	struct fixture *f = *state;
	struct index_verify_stream rows = { fill(f), 2, 7 };
	struct index_verified v[3];
	int i, n, all = 0;

	while ((n = index_verify_rows(f->ix, &rows, v, 3, &f->err)) > 0) {
		for (i = 0; i < n; i++) {
			assert_int_equal(v[i].id, 3 + all++);
			place_release(&v[i].place);
		}
		rows.after = v[n - 1].id;
	}
	assert_int_equal(n, 0);
	assert_int_equal(all, 5);
}

#define with_index(test) \
	cmocka_unit_test_setup_teardown(test, setup_index, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		with_index(a_sound_one_has_no_flaw),
		with_index(each_flaw_is_told),
		with_index(a_wrong_row_stops_nothing),
		with_index(rows_come_in_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
