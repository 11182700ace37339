/*
 * Damaged files. Whatever a disk does to the file, a row that is handed out is
 * one that was put in: damage is either noticed, and then the file is set aside
 * at the next opening at the latest, or it is where nothing is.
 */
#include "index_fixture.h"

#include <sqlite3.h>

#define ROWS	300

struct bytes {
	unsigned char *p;
	size_t n;
};

static struct bytes
slurp(const struct fixture *f, const char *tail)
{
	char *name = xasprintf("%s%s", f->db, tail);
	struct bytes b;
	struct stat st;
	int fd = open(name, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	b.n = (size_t)st.st_size;
	b.p = xmalloc(b.n);
	assert_int_equal(read(fd, b.p, b.n), (ssize_t)b.n);
	close(fd);
	free(name);
	return b;
}

static void
spill(const struct fixture *f, const char *tail, const struct bytes *b)
{
	char *name = xasprintf("%s%s", f->db, tail);
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, b->p, b->n), (ssize_t)b->n);
	close(fd);
	free(name);
}

static void
forget(const struct fixture *f, const char *tail)
{
	char *name = xasprintf("%s%s", f->db, tail);

	(void)unlink(name);
	free(name);
}

/* Everything of row n follows from n. */
static void
expected(struct place *p, int64_t folder, uint32_t n)
{
	char text[40];

	place_init(p);
	p->folder = folder;
	p->uid = n;
	snprintf(text, sizeof(text), "17000%u.M%uP.host", n, n * 7);
	p->unique = xstrdup(text);
	snprintf(text, sizeof(text), "17000%u.M%uP.host:2,S", n, n * 7);
	p->file = xstrdup(text);
	state_set(&p->base_local, n % 3, FLAG_SEEN, "k");
	state_set(&p->base_remote, n % 3, FLAG_SEEN, "k");
	state_set(&p->local, n % 5, FLAG_SEEN, "k");
	state_set(&p->remote, n % 7, n % 64, "k");
	p->size = n * 1000;
	p->date = 1700000000 + n;
	p->fetched = FETCHED_FULL;
}

static int64_t
build(struct fixture *f)
{
	int64_t folder;

	fixture_open(f);
	ok(index_begin(f->ix, &f->err));
	folder = add_folder(f, "INBOX");
	ok(index_set(f->ix, "token", "abc", &f->err));
	for (uint32_t n = 1; n <= ROWS; n++) {
		struct fingerprint fp = { .content = {
		    (uint8_t)n, (uint8_t)(n >> 8) } };
		struct place p;

		expected(&p, folder, n);
		ok(index_content_put(f->ix, &fp, &p.content, &f->err));
		ok(index_place_put(f->ix, &p, &f->err));
		place_release(&p);
	}
	ok(index_commit(f->ix, &f->err));
	return folder;
}

static void
assert_same_state(const struct state *a, const struct state *b)
{
	assert_int_equal(a->present, b->present);
	assert_int_equal(a->flags, b->flags);
	assert_string_equal(a->keywords, b->keywords);
}

static void
assert_right(const struct place *p, int64_t folder)
{
	struct place e;

	expected(&e, folder, p->uid);
	assert_int_equal(p->folder, e.folder);
	assert_string_equal(p->unique, e.unique);
	assert_string_equal(p->file, e.file);
	assert_same_state(&p->base_local, &e.base_local);
	assert_same_state(&p->base_remote, &e.base_remote);
	assert_same_state(&p->local, &e.local);
	assert_same_state(&p->remote, &e.remote);
	assert_int_equal(p->size, e.size);
	assert_int_equal(p->date, e.date);
	assert_int_equal(p->fetched, e.fetched);
	place_release(&e);
}

/* Reads all there is by every way; false when something was noticed. */
static bool
read_all(struct fixture *f, int64_t folder)
{
	struct index_place_stream from = { PLACES_ALL, folder, 0 };
	struct index_folder *all = NULL;
	struct place p[50];
	size_t n_all = 0;
	unsigned rows = 0;
	char *token;
	int n;

	if (index_folders(f->ix, &all, &n_all, &f->err) < 0 ||
	    index_get(f->ix, "token", &token, &f->err) < 0)
		goto noticed;
	assert_int_equal(n_all, 1);
	assert_string_equal(all[0].name, "INBOX");
	assert_int_equal(all[0].uidvalidity, 7);
	assert_string_equal(token, "abc");
	free(token);
	while ((n = index_places(f->ix, &from, p, 50, &f->err)) > 0) {
		rows += (unsigned)n;
		for (int i = 0; i < n; i++) {
			assert_right(&p[i], folder);
			place_release(&p[i]);
		}
	}
	if (n < 0)
		goto noticed;
	assert_int_equal(rows, ROWS);
	for (uint32_t uid = 1; uid <= ROWS; uid++) {
		struct index_content c;
		int64_t content;

		n = index_place_by_uid(f->ix, folder, uid, p, &f->err);
		if (n < 0)
			goto noticed;
		assert_int_equal(n, 1);
		assert_int_equal(p->uid, uid);
		assert_right(p, folder);
		content = p->content;
		place_release(p);
		n = index_content_by_id(f->ix, content, &c, &f->err);
		if (n < 0)
			goto noticed;
		assert_int_equal(n, 1);
		assert_int_equal(c.digest[0], (uint8_t)uid);
		assert_int_equal(c.digest[1], uid >> 8);
	}
	index_folders_free(all, n_all);
	return true;
noticed:
	index_folders_free(all, n_all);
	assert_int_equal(f->err.kind, ERR_IO);
	return false;
}

enum outcome { HARMLESS, AT_OPEN, AT_READ };

/*
 * Opens what lies there. Noticed while it is read: the next opening must set it
 * aside. In the end there is a good index, and what was damaged is kept.
 */
static enum outcome
judge(struct fixture *f, int64_t folder)
{
	struct index_open_result result;
	enum outcome seen = HARMLESS;

	ok(index_open(&f->ix, f->db, INDEX_WRITE, &result, &f->err));
	if (result.set_aside == NULL && !result.fresh) {
		if (read_all(f, folder)) {
			fixture_close(f);
			return HARMLESS;
		}
		fixture_close(f);
		assert_true(there(f, ".suspect"));
		seen = AT_READ;
		ok(index_open(&f->ix, f->db, INDEX_WRITE, &result, &f->err));
		assert_non_null(result.set_aside);
	} else {
		seen = AT_OPEN;
	}
	assert_true(result.fresh);
	assert_false(there(f, ".suspect"));
	if (result.set_aside != NULL) {
		assert_int_equal(unlink(result.set_aside), 0);
		free(result.set_aside);
	}
	forget(f, ".damaged-1-wal");
	forget(f, ".damaged-1-shm");
	assert_false(there(f, ".damaged-2"));
	/* The new one works. */
	ok(index_begin(f->ix, &f->err));
	add_folder(f, "new");
	ok(index_commit(f->ix, &f->err));
	fixture_close(f);
	fixture_open(f);
	fixture_close(f);
	return seen;
}

static void
test_truncated(void **state)
{
	struct fixture *f = *state;
	const int64_t folder = build(f);
	struct bytes whole, cut;

	fixture_close(f);
	whole = slurp(f, "");
	for (unsigned i = 1; i < 24; i++) {
		cut.p = whole.p;
		/* Within pages, and between them. */
		cut.n = whole.n * i / 24;
		if (i % 2)
			cut.n -= cut.n % 4096;
		spill(f, "", &cut);
		assert_int_not_equal(judge(f, folder), HARMLESS);
	}
	for (unsigned i = 1; i < 200; i += 30) {
		cut.n = i;
		spill(f, "", &cut);
		assert_int_equal(judge(f, folder), AT_OPEN);
	}
	/* The last byte alone: its page may be one that is not read. */
	cut.n = whole.n - 1;
	spill(f, "", &cut);
	(void)judge(f, folder);
	free(whole.p);
}

static void
test_empty_and_garbage(void **state)
{
	struct fixture *f = *state;
	const int64_t folder = build(f);
	struct bytes b = { xcalloc(1, 20000), 0 };

	fixture_close(f);
	spill(f, "", &b);
	assert_int_equal(judge(f, folder), AT_OPEN);
	b.n = 20000;
	spill(f, "", &b);
	assert_int_equal(judge(f, folder), AT_OPEN);
	memset(b.p, 'x', b.n);
	spill(f, "", &b);
	assert_int_equal(judge(f, folder), AT_OPEN);
	free(b.p);
}

/* One bit at a time, all over the file; and a page that stands elsewhere. */
static void
test_flipped(void **state)
{
	struct fixture *f = *state;
	const int64_t folder = build(f);
	unsigned outcomes[3] = { 0 };
	struct bytes whole;

	fixture_close(f);
	whole = slurp(f, "");
	for (size_t at = 0; at < whole.n; at += at < 120 ? 1 : 397) {
		const unsigned char bit = (unsigned char)(1 << at % 8);

		whole.p[at] ^= bit;
		spill(f, "", &whole);
		outcomes[judge(f, folder)]++;
		whole.p[at] ^= bit;
	}
	print_message("flipped: %u at open, %u at read, %u harmless\n",
	    outcomes[AT_OPEN], outcomes[AT_READ], outcomes[HARMLESS]);
	assert_true(outcomes[AT_READ] > 0);
	assert_true(outcomes[AT_OPEN] > 0);
	free(whole.p);
}

/* What the user reads: not that his disk fails, and what comes of it. */
static void
test_sentence(void **state)
{
	struct fixture *f = *state;
	const int64_t folder = build(f);
	struct index_open_result result;
	unsigned read = 0;
	struct bytes whole;

	fixture_close(f);
	whole = slurp(f, "");
	for (size_t at = 4096 + 200; at < whole.n; at += 4096) {
		whole.p[at] ^= 1;
		spill(f, "", &whole);
		whole.p[at] ^= 1;
		ok(index_open(&f->ix, f->db, INDEX_WRITE, &result, &f->err));
		if (result.set_aside == NULL && !read_all(f, folder)) {
			read++;
			assert_null(strstr(f->err.msg, "I/O"));
			assert_non_null(strstr(f->err.msg, "is damaged: a page "
			    "is not as it was written; the next sync sets it "
			    "aside"));
		}
		free(result.set_aside);
		fixture_close(f);
		forget(f, ".suspect");
	}
	assert_true(read > 0);
	free(whole.p);
}

static void
test_pages_exchanged(void **state)
{
	struct fixture *f = *state;
	const int64_t folder = build(f);
	struct bytes whole;

	fixture_close(f);
	whole = slurp(f, "");
	for (size_t at = 4096; at + 2 * 4096 <= whole.n; at += 4096) {
		unsigned char page[4096];

		memcpy(page, whole.p + at, 4096);
		memcpy(whole.p + at, whole.p + at + 4096, 4096);
		spill(f, "", &whole);
		(void)judge(f, folder);
		memcpy(whole.p + at, page, 4096);
	}
	free(whole.p);
}

/*
 * An end that was not clean: the WAL holds what the file does not yet. Damage
 * in it may cost the last transactions, as a whole, never part of one.
 */
static void
test_wal_damaged(void **state)
{
	struct fixture *f = *state;
	const int64_t folder = build(f);
	struct bytes db = slurp(f, ""), wal = slurp(f, "-wal");

	assert_true(wal.n > 100000);
	fixture_close(f);
	for (size_t at = 0; at < wal.n; at += 3001) {
		struct index_open_result result;
		struct bytes cut = { wal.p, at };
		struct index_counts counts;

		for (int how = 0; how < 2; how++) {
			forget(f, "-shm");
			spill(f, "", &db);
			wal.p[at] ^= 0x10;
			spill(f, "-wal", how == 0 ? &wal : &cut);
			wal.p[at] ^= 0x10;
			ok(index_open(&f->ix, f->db, INDEX_WRITE, &result, &f->err));
			assert_null(result.set_aside);
			ok(index_counts(f->ix, 0, &counts, &f->err));
			if (result.fresh)
				assert_int_equal(counts.dirty, 0);
			else
				assert_true(read_all(f, folder));
			fixture_close(f);
		}
	}
	free(db.p);
	free(wal.p);
}

/* An index and its WAL, and damage in the file itself. */
static void
test_set_aside_with_its_wal(void **state)
{
	struct fixture *f = *state;
	struct index_open_result result;
	struct bytes db, wal;
	char *name;

	build(f);
	fixture_close(f);
	fixture_open(f);
	ok(index_begin(f->ix, &f->err));
	ok(index_set(f->ix, "x", "y", &f->err));
	ok(index_commit(f->ix, &f->err));
	db = slurp(f, "");
	wal = slurp(f, "-wal");
	fixture_close(f);
	/* A page in the middle, which the check of the whole file reads. */
	db.p[db.n / 2 + 100] ^= 1;
	for (int i = 1; i < 3; i++) {
		spill(f, "", &db);
		spill(f, "-wal", &wal);
		ok(index_open(&f->ix, f->db, INDEX_WRITE, &result, &f->err));
		assert_true(result.fresh);
		name = xasprintf("%s.damaged-%d", f->db, i);
		assert_string_equal(result.set_aside, name);
		free(name);
		name = xasprintf(".damaged-%d-wal", i);
		assert_true(there(f, name));
		free(name);
		free(result.set_aside);
		fixture_close(f);
	}
	free(db.p);
	free(wal.p);
}

/* Remains of an index that is gone are not taken for the new one's. */
static void
test_remains(void **state)
{
	struct fixture *f = *state;
	struct index_open_result result;
	struct bytes wal;

	build(f);
	wal = slurp(f, "-wal");
	fixture_close(f);
	forget(f, "");
	spill(f, "-wal", &wal);
	wal.n = 0;
	spill(f, ".suspect", &wal);
	ok(index_open(&f->ix, f->db, INDEX_WRITE, &result, &f->err));
	assert_true(result.fresh);
	assert_null(result.set_aside);
	assert_false(there(f, ".suspect"));
	assert_int_equal(dirty_of(f, 0), 0);
	free(wal.p);
}

/* Rows that another program changed: the pages are right, the rows are not. */
static const char *const tampered[] = {
	"uid = 400", "unique_part = 'x'", "file = 'x'", "file = NULL",
	"in_new = 1", "missing = 1", "base = 1 - base", "base_local_flags = 1",
	"base_local_keywords = ''", "base_remote_flags = 1",
	"base_remote_keywords = 'K'", "local = 1 - local", "local_flags = 1",
	"local_keywords = 'j'", "remote = 1 - remote", "remote_flags = 63",
	"remote_keywords = 'k k'", "content = NULL", "size = 1", "date = 1",
	"fetched = 0", "inode = 1", "file_size = 1", "mtime = 1", "has_date = 1",
	"likely = 1", "unconfirmed = 1", "expected = 1", "sum = sum + 1",
	"size = size + 4294967296",
	"remote = 2", "fetched = 3", "uid = -1", "local_flags = 'x'",
};

static void
tamper(const struct fixture *f, const char *set)
{
	char *sql = xasprintf("UPDATE place SET %s WHERE uid = 50", set);
	sqlite3 *db;

	assert_int_equal(sqlite3_open_v2(f->db, &db, SQLITE_OPEN_READWRITE,
	    "mailtern"), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_changes(db), 1);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	free(sql);
}

static void
test_rows_tampered_with(void **state)
{
	struct fixture *f = *state;
	struct bytes whole;
	struct place p;

	build(f);
	fixture_close(f);
	whole = slurp(f, "");
	for (size_t i = 0; i < sizeof(tampered) / sizeof(tampered[0]); i++) {
		spill(f, "", &whole);
		tamper(f, tampered[i]);
		fixture_open(f);
		if (index_place_by_id(f->ix, 50, &p, &f->err) != -1)
			fail_msg("%s went unnoticed", tampered[i]);
		assert_int_equal(f->err.kind, ERR_IO);
		assert_non_null(strstr(f->err.msg, "place 50"));
		assert_int_equal(index_place_by_id(f->ix, 51, &p, &f->err), 1);
		place_release(&p);
		assert_true(there(f, ".suspect"));
		fixture_close(f);
		forget(f, ".suspect");
	}
	free(whole.p);
}

/* A reader says so and changes nothing. */
static void
test_reader_of_a_damaged_file(void **state)
{
	struct fixture *f = *state;
	struct index_open_result result;
	struct bytes whole;
	struct place p;

	build(f);
	fixture_close(f);
	tamper(f, "size = 1");
	ok(index_open(&f->ix, f->db, INDEX_READ, &result, &f->err));
	assert_int_equal(index_place_by_id(f->ix, 50, &p, &f->err), -1);
	fixture_close(f);
	assert_false(there(f, ".suspect"));
	whole = slurp(f, "");
	whole.p[50] ^= 1;
	spill(f, "", &whole);
	free(whole.p);
	assert_int_equal(index_open(&f->ix, f->db, INDEX_READ, &result, &f->err),
	    -1);
	assert_int_equal(f->err.kind, ERR_IO);
	assert_false(there(f, ".suspect"));
	assert_false(there(f, ".damaged-1"));
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup_dir, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_truncated),
		TEST(test_empty_and_garbage),
		TEST(test_flipped),
		TEST(test_sentence),
		TEST(test_pages_exchanged),
		TEST(test_wal_damaged),
		TEST(test_set_aside_with_its_wal),
		TEST(test_remains),
		TEST(test_rows_tampered_with),
		TEST(test_reader_of_a_damaged_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
