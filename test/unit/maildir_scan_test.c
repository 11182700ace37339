#include "maildir/scan.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/str.h"
#include "maildir/name.h"
#include "maildir_root.h"

/* Which of the numbered files were seen, and how often. */
struct seen {
	unsigned *count;
	size_t n;
	uint64_t entries, in_new, foreign, odd;
	unsigned restarts;
	uint64_t stop_at;
};

static int
seen_entry(void *arg, const struct maildir_entry *e, struct err *err)
{
	struct seen *s = arg;
	struct maildir_name name;
	uint64_t i;

	if (s->stop_at != 0 && ++s->entries == s->stop_at)
		return err_set(err, ERR_CANCELED, "enough");
	s->odd += e->odd;
	if (e->odd)
		return 0;
	s->in_new += e->in_new;
	if (maildir_name_parse(e->file, &name) &&
	    span_number(name.unique, s->n - 1, &i))
		s->count[i]++;
	else
		s->foreign++;
	return 0;
}

static void
seen_restart(void *arg)
{
	struct seen *s = arg;

	memset(s->count, 0, s->n * sizeof(*s->count));
	s->in_new = s->foreign = s->odd = 0;
	s->restarts++;
}

static void
seen_init(struct seen *s, size_t n)
{
	*s = (struct seen){ .count = xcalloc(n, sizeof(unsigned)), .n = n };
}

static void
scan(struct root *r, struct seen *s, struct maildir_scan *out)
{
	const struct maildir_visit visit = { s, seen_entry, seen_restart };
	struct err err = { 0 };

	seen_restart(s);
	s->restarts = 0;
	assert_ok(maildir_scan(&r->m, "INBOX", &visit, out, &err), &err);
}

static void
fill(struct root *r, const char *sub, size_t first, size_t n,
    const char *info)
{
	char one[64];

	for (size_t i = first; i < first + n; i++) {
		char path[64];

		snprintf(path, sizeof(path), "INBOX/%s/%zu%s", sub, i, info);
		/* links are faster made than files */
		if (i == first)
			root_write(r, path, "", 0);
		else
			assert_int_equal(linkat(r->m.fd, one, r->m.fd, path,
			    0), 0);
		if (i == first)
			snprintf(one, sizeof(one), "%s", path);
	}
}

static void
test_small(void **state)
{
	struct root *r = root_new();
	struct maildir_scan out, stamps;
	struct seen s;
	struct err err = { 0 };

	(void)state;
	root_folder(r, "INBOX");
	seen_init(&s, 10);
	scan(r, &s, &out);
	assert_int_equal(out.files, 0);
	assert_true(out.complete);
	fill(r, "new", 0, 2, "");
	fill(r, "cur", 2, 3, ":2,S");
	root_write(r, "INBOX/cur/.hidden", "", 0);
	root_write(r, "INBOX/tmp/9", "", 0);
	root_write(r, "INBOX/8", "", 0);
	root_mkdir(r, "INBOX/cur/7");
	root_link(r, "/etc/passwd", "INBOX/cur/6:2,S");
	root_write(r, "INBOX/cur/other.host", "", 0);
	{
		char *fifo = root_path(r, "INBOX/new/5");

		assert_int_equal(mkfifo(fifo, 0600), 0);
		free(fifo);
	}
	scan(r, &s, &out);
	assert_true(out.complete);
	assert_int_equal(out.files, 6);
	assert_int_equal(s.in_new, 2);
	assert_int_equal(s.foreign, 1);
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(s.count[i], i < 5);
	assert_int_equal(s.odd, 3);
	assert_ok(maildir_stamps(&r->m, "INBOX", &stamps, &err), &err);
	assert_int_equal(stamps.new_mtime, out.new_mtime);
	assert_int_equal(stamps.cur_mtime, out.cur_mtime);
	/* a later change moves the stamp, even within one clock tick */
	for (int i = 0; i < 20; i++) {
		root_write(r, "INBOX/new/9", "", 0);
		scan(r, &s, &out);
		assert_int_equal(s.count[9], 1);
		assert_int_equal(unlinkat(r->m.fd, "INBOX/new/9", 0), 0);
		assert_ok(maildir_stamps(&r->m, "INBOX", &stamps, &err), &err);
		assert_int_not_equal(stamps.new_mtime, out.new_mtime);
		assert_int_equal(stamps.cur_mtime, out.cur_mtime);
	}
	free(s.count);
	root_free(r);
}

static void
test_missing(void **state)
{
	struct root *r = root_new();
	struct maildir_scan out;
	struct seen s;
	const struct maildir_visit visit = { &s, seen_entry, seen_restart };
	struct err err = { 0 };

	(void)state;
	seen_init(&s, 1);
	assert_int_equal(maildir_scan(&r->m, "INBOX", &visit, &out, &err), -1);
	assert_int_equal(err.kind, ERR_STALE);
	root_folder(r, "INBOX");
	assert_int_equal(unlinkat(r->m.fd, "INBOX/cur", AT_REMOVEDIR), 0);
	assert_int_equal(maildir_scan(&r->m, "INBOX", &visit, &out, &err), -1);
	assert_int_equal(err.kind, ERR_STALE);
	assert_int_equal(maildir_stamps(&r->m, "INBOX", &out, &err), -1);
	root_link(r, "/tmp", "INBOX/cur");
	assert_int_equal(maildir_scan(&r->m, "INBOX", &visit, &out, &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_int_equal(maildir_scan(&r->m, "../root/INBOX", &visit, &out,
	    &err), -1);
	free(s.count);
	root_free(r);
}

static void
test_stop(void **state)
{
	struct root *r = root_new();
	struct maildir_scan out;
	struct seen s;
	const struct maildir_visit visit = { &s, seen_entry, seen_restart };
	struct err err = { 0 };

	(void)state;
	root_folder(r, "INBOX");
	fill(r, "cur", 0, 10, ":2,");
	seen_init(&s, 10);
	s.stop_at = 4;
	assert_int_equal(maildir_scan(&r->m, "INBOX", &visit, &out, &err), -1);
	assert_int_equal(err.kind, ERR_CANCELED);
	assert_string_equal(err.msg, "enough");
	assert_int_equal(s.entries, 4);
	assert_false(out.complete);
	free(s.count);
	root_free(r);
}

#define MANY	5000

static void
test_many(void **state)
{
	struct root *r = root_new();
	struct maildir_scan out;
	struct seen s;

	(void)state;
	root_folder(r, "INBOX");
	fill(r, "new", 0, 1000, "");
	fill(r, "cur", 1000, MANY - 1000, ":2,S");
	seen_init(&s, MANY);
	scan(r, &s, &out);
	assert_true(out.complete);
	assert_int_equal(out.files, MANY);
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(s.count[i], 1);
	free(s.count);
	root_free(r);
}

/*
 * One message goes from new/ to cur/ as soon as a reading has begun, and so
 * with every repetition: the directory that is read second must have it.
 */
struct passing {
	struct root *r;
	bool moved;
	unsigned next;
	bool seen[20];
};

static int
passing_entry(void *arg, const struct maildir_entry *e, struct err *err)
{
	struct passing *p = arg;
	char from[64], to[64];

	(void)err;
	p->seen[(e->file[0] - 'a') % 20] = true;
	if (p->moved)
		return 0;
	p->moved = true;
	snprintf(from, sizeof(from), "INBOX/new/%c", 'a' + p->next);
	snprintf(to, sizeof(to), "INBOX/cur/%c:2,", 'a' + p->next++);
	assert_int_equal(renameat(p->r->m.fd, from, p->r->m.fd, to), 0);
	return 0;
}

static void
passing_restart(void *arg)
{
	struct passing *p = arg;

	memset(p->seen, 0, sizeof(p->seen));
	p->moved = false;
}

static void
test_order(void **state)
{
	struct root *r = root_new();
	struct passing p = { .r = r };
	const struct maildir_visit visit = { &p, passing_entry,
	    passing_restart };
	struct maildir_scan out;
	struct err err = { 0 };

	(void)state;
	root_folder(r, "INBOX");
	for (char c = 'a'; c < 'a' + 19; c++) {
		char path[] = "INBOX/new/?";

		path[10] = c;
		root_write(r, path, "", 0);
	}
	root_write(r, "INBOX/cur/t:2,", "", 0);
	assert_ok(maildir_scan(&r->m, "INBOX", &visit, &out, &err), &err);
	assert_true(out.complete);
	assert_int_equal(p.next, 2);
	for (int i = 0; i < 20; i++)
		if (!p.seen[i])
			fail_msg("%c was not seen", 'a' + i);
	root_free(r);
}

struct mover {
	struct root *r;
	_Atomic bool stop;
	_Atomic uint64_t moves;
};

/* As a busy MUA: flags change, and new messages go to cur/. */
static void *
mover_run(void *arg)
{
	struct mover *v = arg;
	int fd = openat(v->r->m.fd, "INBOX", O_RDONLY | O_DIRECTORY);
	uint32_t x = 12345;
	char from[64], to[64];

	while (!atomic_load(&v->stop)) {
		unsigned i;

		x = x * 1664525 + 1013904223;
		i = x >> 16;
		i %= MANY;
		snprintf(to, sizeof(to), "cur/%u:2,S", i);
		snprintf(from, sizeof(from), "new/%u", i);
		if (renameat(fd, from, fd, to) < 0) {
			snprintf(from, sizeof(from), "cur/%u:2,FS", i);
			if (renameat(fd, from, fd, to) < 0)
				renameat(fd, to, fd, from);
		}
		atomic_fetch_add(&v->moves, 1);
	}
	close(fd);
	return NULL;
}

static void
test_renames(void **state)
{
	struct root *r = root_new();
	struct mover v = { .r = r };
	struct maildir_scan out;
	unsigned complete = 0;
	pthread_t thread;
	struct seen s;

	(void)state;
	root_folder(r, "INBOX");
	fill(r, "new", 0, 1000, "");
	fill(r, "cur", 1000, MANY - 1000, ":2,S");
	seen_init(&s, MANY);
	assert_int_equal(pthread_create(&thread, NULL, mover_run, &v), 0);
	for (int i = 0; i < 25; i++) {
		uint64_t before = atomic_load(&v.moves);

		scan(r, &s, &out);
		if (!out.complete)
			continue;
		complete++;
		for (size_t k = 0; k < MANY; k++)
			if (s.count[k] == 0)
				fail_msg("%zu was not seen (moves %llu)", k,
				    (unsigned long long)(v.moves - before));
	}
	atomic_store(&v.stop, true);
	pthread_join(thread, NULL);
	assert_true(v.moves > 1000);
	assert_true(complete > 12);
	free(s.count);
	root_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_renames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
