/* The attic, listed: what was put away, beside whatever else may lie there. */
#include "maildir_root.h"

#include <dirent.h>
#include <malloc.h>
#include <sys/resource.h>
#include <time.h>

#include "base/fs.h"
#include "maildir/attic.h"

#define TMP	".mailtern/attic/tmp"
#define NOON	1795435200	/* 2026-11-23 12:00 UTC */
#define DAY_S	86400

/* --- the list, as text --- */

struct list {
	char **v;		/* "DAY FOLDER FILE SIZE MTIME" */
	size_t n, cap;
	char day[16];		/* the last one */
	size_t stop;		/* -1 at the n-th; 0: at none */
	void (*at_first)(struct list *, const struct maildir_attic_entry *);
	struct root *root;
};

static unsigned
suffix_of(const char *day)
{
	return day[10] == '.' ? (unsigned)strtoul(day + 11, NULL, 10) : 0;
}

static void
assert_no_earlier(const char *day, const char *last)
{
	int order = strncmp(day, last, 10);

	if (order < 0 || (order == 0 && suffix_of(day) < suffix_of(last)))
		fail_msg("%s comes behind %s", day, last);
}

static int
add(void *arg, const struct maildir_attic_entry *e, struct err *err)
{
	struct list *l = arg;

	if (l->n == 0 && l->at_first != NULL)
		l->at_first(l, e);
	if (l->n + 1 == l->stop)
		return err_set(err, ERR_CANCELED, "enough");
	assert_no_earlier(e->day, l->day);
	snprintf(l->day, sizeof(l->day), "%s", e->day);
	*VEC_ADD(l->v, l->n, l->cap) = xasprintf("%s %s %s %lld %lld", e->day,
	    e->folder != NULL ? e->folder : "(cut)", e->file,
	    (long long)e->size, (long long)e->mtime);
	return 0;
}

static int
open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static int
run(struct root *r, struct list *l, struct err *err)
{
	const struct maildir_attic_visit visit = { l, add };
	int before = open_files(), status;
	struct maildir_found found;
	struct maildir m;

	/* One without a lock, as a reader has it. */
	assert_ok(maildir_open(&m, r->path, &found, err), err);
	l->root = r;
	status = maildir_attic_list(&m, &visit, err);
	maildir_close(&m);
	assert_int_equal(open_files(), before);
	return status;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void
list_free(struct list *l)
{
	while (l->n > 0)
		free(l->v[--l->n]);
	free(l->v);
	*l = (struct list){ .n = 0 };
}

/* want: lines in order of their bytes, each with '\n'. */
static void
assert_list(struct list *l, const char *want)
{
	char *all = xcalloc(1, 1), *next;

	if (l->n > 0)
		qsort(l->v, l->n, sizeof(*l->v), by_text);
	for (size_t i = 0; i < l->n; i++) {
		next = xasprintf("%s%s\n", all, l->v[i]);
		free(all);
		all = next;
	}
	assert_string_equal(all, want);
	free(all);
	list_free(l);
}

static void
listed(struct root *r, const char *want)
{
	struct list l = { .n = 0 };
	struct err err = { 0 };

	assert_ok(run(r, &l, &err), &err);
	assert_list(&l, want);
}

/* --- what lies there --- */

/* path below attic/tmp, with the directories above it. */
static void
put(struct root *r, const char *path, const char *text, int64_t mtime)
{
	char *whole = xasprintf("%s/" TMP "/%s", r->path, path);
	struct timespec t[2] = { { .tv_sec = mtime }, { .tv_sec = mtime } };
	struct err err = { 0 };
	char *slash = strrchr(whole, '/');
	FILE *f;

	*slash = '\0';
	assert_ok(fs_make_dirs(AT_FDCWD, whole, &err), &err);
	*slash = '/';
	f = fopen(whole, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(utimensat(AT_FDCWD, whole, t, 0), 0);
	free(whole);
}

/* A message of the folder, put away by the program itself. */
static void
put_away(struct root *r, const char *folder, const char *file, int64_t now)
{
	const struct maildir_message msg = { .path = folder, .file = file };
	const struct maildir_known known = { .has_content = false };
	struct maildir_attic a;
	struct err err = { 0 };
	char *path = xasprintf("%s/%s/cur/%s", r->path, folder, file);
	struct timespec t[2] = { { .tv_sec = 7 }, { .tv_sec = 7 } };

	root_write(r, path + strlen(r->path) + 1, "body", 4);
	assert_int_equal(utimensat(AT_FDCWD, path, t, 0), 0);
	free(path);
	maildir_attic_init(&a, &r->m, folder, now);
	assert_ok(maildir_put_away(&a, &msg, &known, &err), &err);
	assert_ok(maildir_attic_sync(&a, &err), &err);
	maildir_attic_release(&a);
}

/* --- nothing --- */

static void
test_no_attic(void **state)
{
	struct root *r = root_new();

	(void)state;
	listed(r, "");
	root_mkdir(r, ".mailtern/attic");
	listed(r, "");
	root_mkdir(r, ".mailtern/attic/cur");
	root_mkdir(r, TMP);
	listed(r, "");
	root_mkdir(r, TMP "/2026-11-23");
	listed(r, "");
	root_mkdir(r, TMP "/2026-11-23/INBOX");
	listed(r, "");
	root_free(r);
}

static void
test_no_root(void **state)
{
	struct root *r = root_new();
	struct maildir m = { .root = xstrdup("/nowhere"), .fd = -1,
	    .mark_fd = -1 };
	struct list l = { .n = 0 };
	const struct maildir_attic_visit visit = { &l, add };
	struct err err = { 0 };

	(void)state;
	assert_ok(maildir_attic_list(&m, &visit, &err), &err);
	assert_int_equal(l.n, 0);
	maildir_close(&m);
	root_free(r);
}

/* --- what was put away --- */

/* As older versions left it: the next lock takes the two others away, unless
 * somebody has put something there. What was kept is listed as before. */
static void
test_older_place(void **state)
{
	struct root *r = root_new();
	struct maildir_found found;
	struct err err = { 0 };

	(void)state;
	root_folder(r, "INBOX");
	put_away(r, "INBOX", "1.a.host:2,S", NOON);
	assert_false(root_has(r, ".mailtern/attic/cur"));
	assert_false(root_has(r, ".mailtern/attic/new"));
	root_mkdir(r, ".mailtern/attic/cur");
	root_mkdir(r, ".mailtern/attic/new");
	root_write(r, ".mailtern/attic/new/mine", "x", 1);
	for (int i = 0; i < 2; i++) {
		maildir_close(&r->m);
		assert_ok(maildir_open(&r->m, r->path, &found, &err), &err);
		listed(r, "2026-11-23 INBOX 1.a.host:2,S 4 7\n");
		assert_ok(maildir_lock(&r->m, &err), &err);
		assert_false(root_has(r, ".mailtern/attic/cur"));
		assert_int_equal(root_has(r, ".mailtern/attic/new"), i == 0);
		(void)unlinkat(r->m.fd, ".mailtern/attic/new/mine", 0);
	}
	listed(r, "2026-11-23 INBOX 1.a.host:2,S 4 7\n");
	root_free(r);
}

static void
test_put_away(void **state)
{
	struct root *r = root_new();

	(void)state;
	root_folder(r, "INBOX");
	root_folder(r, "lists/50%");
	root_folder(r, "a%2Fb");
	put_away(r, "INBOX", "1.a.host:2,S", NOON);
	put_away(r, "INBOX", "1.a.host:2,S", NOON);
	put_away(r, "INBOX", "2.b.host", NOON - DAY_S);
	put_away(r, "lists/50%", "1.a.host:2,FS", NOON + 43199);
	put_away(r, "a%2Fb", "3.c", NOON + 43200);
	listed(r, "2026-11-22 INBOX 2.b.host 4 7\n"
	    "2026-11-23 INBOX 1.a.host:2,S 4 7\n"
	    "2026-11-23 lists/50% 1.a.host:2,FS 4 7\n"
	    "2026-11-23.1 INBOX 1.a.host:2,S 4 7\n"
	    "2026-11-24 a%2Fb 3.c 4 7\n");
	root_free(r);
}

static int
keep_dir(void *arg, const struct maildir_attic_entry *e, struct err *err)
{
	(void)err;
	assert_null(e->folder);
	snprintf(arg, 256, "%s", e->dir);
	return 0;
}

/* A name that was cut stands for no path; where it lies can be told. */
static void
test_cut_name(void **state)
{
	struct root *r = root_new();
	char part[121], *path, dir[256] = "", *whole;
	const struct maildir_attic_visit visit = { dir, keep_dir };
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < 120; i += 3)
		memcpy(part + i, "\xe2\x82\xac", 3);
	part[120] = '\0';
	path = xasprintf("%s/%s/%s", part, part, part);
	root_folder(r, path);
	put_away(r, path, "1.a", NOON);
	listed(r, "2026-11-23 (cut) 1.a 4 7\n");
	assert_ok(maildir_attic_list(&r->m, &visit, &err), &err);
	assert_in_range(strlen(dir), 252, 255);
	assert_memory_equal(dir + strlen(dir) - 18, "%~", 2);
	whole = xasprintf(TMP "/2026-11-23/%s/1.a", dir);
	assert_true(root_has(r, whole));
	free(whole);
	free(path);
	root_free(r);
}

static void
test_numbers(void **state)
{
	struct root *r = root_new();
	char *big = root_path(r, TMP "/2026-11-23/INBOX/big");

	(void)state;
	put(r, "2026-11-23/INBOX/old", "", -86400);
	put(r, "2026-11-23/INBOX/far", "x", 5000000000);
	put(r, "2026-11-23/INBOX/big", "x", 1);
	assert_int_equal(truncate(big, 5000000000), 0);
	free(big);
	root_write(r, TMP "/2026-11-23/INBOX/now", "", 0);
	{
		struct list l = { .n = 0 };
		struct err err = { 0 };

		assert_ok(run(r, &l, &err), &err);
		assert_int_equal(l.n, 4);
		qsort(l.v, l.n, sizeof(*l.v), by_text);
		assert_non_null(strstr(l.v[0], "INBOX big 5000000000 "));
		assert_non_null(strstr(l.v[1], "INBOX far 1 5000000000"));
		assert_non_null(strstr(l.v[3], "INBOX old 0 -86400"));
		list_free(&l);
	}
	root_free(r);
}

/* --- order --- */

static void
test_days_in_order(void **state)
{
	static const char *const days[] = {
		"2026-11-23.10", "2027-01-01", "0000-00-00", "2026-11-23.2",
		"2026-11-23", "2026-12-01.1", "2026-11-23.99", "9999-99-99.99",
		"1999-12-31",
	};
	struct root *r = root_new();
	char path[60];

	(void)state;
	for (size_t i = 0; i < sizeof(days) / sizeof(days[0]); i++) {
		snprintf(path, sizeof(path), "%s/INBOX/f", days[i]);
		put(r, path, "", 1);
	}
	listed(r, "0000-00-00 INBOX f 0 1\n1999-12-31 INBOX f 0 1\n"
	    "2026-11-23 INBOX f 0 1\n2026-11-23.10 INBOX f 0 1\n"
	    "2026-11-23.2 INBOX f 0 1\n2026-11-23.99 INBOX f 0 1\n"
	    "2026-12-01.1 INBOX f 0 1\n2027-01-01 INBOX f 0 1\n"
	    "9999-99-99.99 INBOX f 0 1\n");
	root_free(r);
}

/* More than are sorted at once, each once (add: in order). */
static void
test_many_days(void **state)
{
	static const size_t counts[] = { 255, 256, 257, 512, 600 };
	size_t made = 0;
	struct root *r = root_new();
	char path[60];

	(void)state;
	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		struct list l = { .n = 0 };
		struct err err = { 0 };

		for (; made < counts[c]; made++) {
			/* 7919 is prime: all over the place, none twice. */
			snprintf(path, sizeof(path), "%04zu-01-01/INBOX/f",
			    made * 7919 % 9973);
			put(r, path, "", 1);
		}
		assert_ok(run(r, &l, &err), &err);
		assert_int_equal(l.n, counts[c]);
		qsort(l.v, l.n, sizeof(*l.v), by_text);
		for (size_t i = 1; i < l.n; i++)
			assert_string_not_equal(l.v[i], l.v[i - 1]);
		list_free(&l);
	}
	root_free(r);
}

/* --- what is not ours --- */

static void
test_foreign_names(void **state)
{
	static const char *const foreign[] = {
		/* days */
		"2026-11-2/INBOX/f", "2026-11-23./INBOX/f",
		"2026-11-23.0/INBOX/f", "2026-11-23.01/INBOX/f",
		"2026-11-23.100/INBOX/f", "2026-11-23.x/INBOX/f",
		"2026-11-23.18446744073709551617/INBOX/f",
		"2026-11-233/INBOX/f", " 2026-11-23/INBOX/f",
		"2026-11-23 /INBOX/f", "2026/11-23/f", "lost+found/INBOX/f",
		".2026-11-23/INBOX/f", "INBOX/f", "f", "2026-11-24",
		/* folders */
		"2026-11-23/f", "2026-11-23/.hidden/f", "2026-11-23/cur/f",
		"2026-11-23/new/f", "2026-11-23/tmp/f",
		"2026-11-23/a%2Fcur/f", "2026-11-23/a%2F.b/f",
		"2026-11-23/a%2F/f", "2026-11-23/%2Fa/f", "2026-11-23/%2F/f",
		"2026-11-23/a%2F%2Fb/f", "2026-11-23/a%2fb/f",
		"2026-11-23/a%/f", "2026-11-23/%/f", "2026-11-23/%2/f",
		"2026-11-23/%41/f", "2026-11-23/a%~0123456789abcdef/f",
		/* files */
		"2026-11-23/INBOX/.part", "2026-11-23/INBOX/.hidden",
		"2026-11-23/INBOX/:2,S", "2026-11-23/INBOX/cur/f",
	};
	struct root *r = root_new();

	(void)state;
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		put(r, foreign[i], "x", 1);
	put(r, "2026-11-23/INBOX/f", "ours", 1);
	put(r, "2026-11-23/a%252F/f", "ours", 1);
	listed(r, "2026-11-23 INBOX f 4 1\n2026-11-23 a%2F f 4 1\n");
	root_free(r);
}

/* Links to what looks like an attic, at each level; and no directories. */
static void
test_links_are_not_followed(void **state)
{
	struct root *r = root_new();
	char *outside = xasprintf("%s/outside", r->dir);
	char *fifo = root_path(r, TMP "/2026-11-23/INBOX/fifo");
	char *fifo_day = root_path(r, TMP "/2026-11-25");

	(void)state;
	put(r, "2026-11-23/INBOX/f", "x", 1);
	put(r, "2026-11-23/elsewhere/f", "x", 1);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(mkfifo(fifo_day, 0600), 0);
	root_link(r, "f", TMP "/2026-11-23/INBOX/link");
	root_link(r, "nowhere", TMP "/2026-11-23/INBOX/dangling");
	root_link(r, "INBOX", TMP "/2026-11-23/link");
	root_link(r, "loop", TMP "/2026-11-23/loop");
	root_link(r, "2026-11-23", TMP "/2026-11-24");
	root_link(r, "nowhere", TMP "/2026-11-26");
	listed(r, "2026-11-23 INBOX f 1 1\n2026-11-23 elsewhere f 1 1\n");
	{
		char *tmp = root_path(r, TMP), *attic;

		assert_int_equal(rename(tmp, outside), 0);
		root_link(r, "../../../outside", TMP);
		listed(r, "");
		assert_int_equal(unlink(tmp), 0);
		assert_int_equal(rename(outside, tmp), 0);
		attic = root_path(r, ".mailtern/attic");
		assert_int_equal(rename(attic, outside), 0);
		root_link(r, "../../outside", ".mailtern/attic");
		listed(r, "");
		free(attic);
		free(tmp);
	}
	free(fifo_day);
	free(fifo);
	free(outside);
	root_free(r);
}

/* --- meanwhile --- */

/* Removes a tree below attic/tmp. */
static void
clear(struct root *r, const char *path)
{
	char *whole = xasprintf("%s/" TMP "/%s", r->path, path);

	assert_int_equal(nftw(whole, root_remove_entry, 16,
	    FTW_DEPTH | FTW_PHYS), 0);
	free(whole);
}

static void
clear_others(struct list *l, const struct maildir_attic_entry *e)
{
	(void)e;
	clear(l->root, "2026-11-24");
	clear(l->root, "2026-11-25/INBOX");
}

static void
clear_all(struct list *l, const struct maildir_attic_entry *e)
{
	(void)e;
	clear(l->root, "../tmp");
}

static void
expire(struct list *l, const struct maildir_attic_entry *e)
{
	struct err err = { 0 };
	bool more;

	(void)e;
	/* All days, and no file is too young by its ctime. */
	assert_ok(maildir_attic_expire(&l->root->m, time(NULL) + 399 * DAY_S,
	    100000, &more, &err), &err);
	assert_false(more);
}

static void
add_days(struct list *l, const struct maildir_attic_entry *e)
{
	(void)e;
	put(l->root, "2000-01-01/INBOX/early", "", 1);
	put(l->root, "2026-11-23/late/f", "", 1);
}

static struct list
run_with(void (*at_first)(struct list *, const struct maildir_attic_entry *))
{
	struct list l = { .at_first = at_first };
	struct root *r = root_new();
	struct err err = { 0 };

	put(r, "2020-11-23/INBOX/a", "", 1);
	put(r, "2020-11-23/INBOX/b", "", 1);
	put(r, "2026-11-24/INBOX/c", "", 1);
	put(r, "2026-11-25/INBOX/d", "", 1);
	put(r, "2026-11-25/x/e", "", 1);
	put(r, "2026-11-26/INBOX/g", "", 1);
	assert_ok(run(r, &l, &err), &err);
	root_free(r);
	return l;
}

static void
test_what_vanishes(void **state)
{
	struct list l;

	(void)state;
	l = run_with(clear_others);
	assert_list(&l, "2020-11-23 INBOX a 0 1\n2020-11-23 INBOX b 0 1\n"
	    "2026-11-25 x e 0 1\n2026-11-26 INBOX g 0 1\n");
	/* The very directories that are being read. */
	l = run_with(clear_all);
	assert_int_equal(l.n, 1);
	list_free(&l);
	l = run_with(expire);
	assert_int_equal(l.n, 1);
	list_free(&l);
}

static void
test_what_appears(void **state)
{
	struct list l;

	(void)state;
	l = run_with(add_days);
	assert_in_range(l.n, 6, 8);
	list_free(&l);
}

/* --- ends --- */

static void
test_visitor_stops(void **state)
{
	struct root *r = root_new();
	char path[40];

	(void)state;
	for (int i = 0; i < 9; i++) {
		snprintf(path, sizeof(path), "2026-11-2%d/f%d/m%d", i / 4,
		    i / 2 % 2, i);
		put(r, path, "", 1);
	}
	for (size_t stop = 1; stop <= 9; stop++) {
		struct list l = { .stop = stop };
		struct err err = { 0 };

		assert_int_equal(run(r, &l, &err), -1);
		assert_int_equal(err.kind, ERR_CANCELED);
		assert_string_equal(err.msg, "enough");
		assert_int_equal(l.n, stop - 1);
		list_free(&l);
	}
	root_free(r);
}

/* What must not be entered is told; all else is listed. */
static void
test_unreadable(void **state)
{
	struct root *r = root_new();
	char *day = root_path(r, TMP "/2026-11-24"), *up;
	static const char *const above[] = {
		"", ".mailtern", ".mailtern/attic", TMP, TMP "/2026-11-23",
		TMP "/2026-11-23/INBOX", TMP "/2026-11-25",
		TMP "/2026-11-25/INBOX",
	};
	struct list l = { .root = r };
	const struct maildir_attic_visit visit = { &l, add };
	struct err err = { 0 };
	bool root = geteuid() == 0;
	char *want;
	int status;

	(void)state;
	put(r, "2026-11-23/INBOX/f", "", 1);
	put(r, "2026-11-24/INBOX/f", "", 1);
	put(r, "2026-11-25/INBOX/f", "", 1);
	for (size_t i = 0; i < sizeof(above) / sizeof(above[0]); i++) {
		up = root_path(r, above[i]);
		assert_int_equal(chmod(up, 0755), 0);
		free(up);
	}
	assert_int_equal(chmod(day, 0), 0);
	if (root)
		assert_int_equal(seteuid(65534), 0);
	status = maildir_attic_list(&r->m, &visit, &err);
	if (root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(status, -1);
	assert_int_equal(err.kind, ERR_IO);
	want = xasprintf("%s: can't open the directory: Permission denied",
	    day);
	assert_string_equal(err.msg, want);
	assert_list(&l, "2026-11-23 INBOX f 0 1\n2026-11-25 INBOX f 0 1\n");
	free(want);
	free(day);
	root_free(r);
}

/* Without descriptors nothing is read: that is no empty attic. */
static void
test_no_descriptors(void **state)
{
	struct root *r = root_new();
	struct rlimit was, now;
	struct list l = { .root = r };
	const struct maildir_attic_visit visit = { &l, add };
	int status, spare = -1;

	(void)state;
	put(r, "2026-11-23/INBOX/f", "", 1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	now = was;
	spare = dup(0);
	assert_true(spare >= 0);
	close(spare);
	/* .mailtern and attic, tmp, its reading, the day, the folder. */
	for (rlim_t more = 0; more < 6; more++) {
		struct err err = { 0 };

		now.rlim_cur = (rlim_t)spare + more;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &now), 0);
		status = maildir_attic_list(&r->m, &visit, &err);
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
		if (status == 0)
			break;
		assert_int_equal(err.kind, ERR_IO);
		assert_non_null(strstr(err.msg, "Too many open files"));
		assert_int_equal(l.n, 0);
	}
	assert_int_equal(status, 0);
	assert_list(&l, "2026-11-23 INBOX f 0 1\n");
	root_free(r);
}

struct heap {
	size_t files, most;
};

static int
look_at_heap(void *arg, const struct maildir_attic_entry *e, struct err *err)
{
	struct mallinfo2 info = mallinfo2();
	struct heap *h = arg;

	(void)e;
	(void)err;
	h->files++;
	if (info.uordblks + info.hblkhd > h->most)
		h->most = info.uordblks + info.hblkhd;
	return 0;
}

/* However much there is: three pages of directory entries, 96 KiB. */
static void
test_memory(void **state)
{
	enum { FILES = 20000 };
	struct root *r = root_new();
	struct mallinfo2 before;
	struct heap h = { .files = 0 };
	const struct maildir_attic_visit visit = { &h, look_at_heap };
	struct err err = { 0 };
	char name[80];
	int fd;

	(void)state;
	put(r, "2026-11-23/INBOX/f", "", 1);
	for (int i = 1; i < FILES; i++) {
		snprintf(name, sizeof(name), TMP "/2026-11-23/INBOX/"
		    "1795409160.M%06dP2Q3R4.host:2,S", i);
		fd = openat(r->m.fd, name, O_WRONLY | O_CREAT | O_CLOEXEC,
		    0600);
		assert_true(fd >= 0);
		close(fd);
	}
	before = mallinfo2();
	assert_ok(maildir_attic_list(&r->m, &visit, &err), &err);
	assert_int_equal(h.files, FILES);
	/* With sanitizers these numbers are 0. */
	if (h.most > 0)
		assert_in_range(h.most - before.uordblks - before.hblkhd, 1,
		    110u << 10);
	root_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_attic),
		cmocka_unit_test(test_no_root),
		cmocka_unit_test(test_put_away),
		cmocka_unit_test(test_older_place),
		cmocka_unit_test(test_cut_name),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_days_in_order),
		cmocka_unit_test(test_many_days),
		cmocka_unit_test(test_foreign_names),
		cmocka_unit_test(test_links_are_not_followed),
		cmocka_unit_test(test_what_vanishes),
		cmocka_unit_test(test_what_appears),
		cmocka_unit_test(test_visitor_stops),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_no_descriptors),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
