/*
 * File systems that tell less than the local ones do: others change them past
 * this kernel, or their stamps are whole seconds. fstatfs here takes the place
 * of the C library's.
 */
#include "maildir/scan.h"

#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>

#include "base/fs.h"
#include "maildir/store.h"
#include "maildir_root.h"

#define NFS	0x6969

static bool is_nfs;
static time_t ahead;		/* seconds that have passed */

int
clock_gettime(clockid_t clock, struct timespec *out)
{
	int r = (int)syscall(SYS_clock_gettime, clock, out);

	if (r == 0 && clock == CLOCK_REALTIME)
		out->tv_sec += ahead;
	return r;
}

int
fstatfs(int fd, struct statfs *out)
{
	int r = (int)syscall(SYS_fstatfs, fd, out);

	if (r == 0 && is_nfs)
		out->f_type = NFS;
	return r;
}

struct visit {
	struct root *r;
	unsigned restarts, entries;
	bool disturb;		/* a file is renamed while the first is read */
};

static int
visit_entry(void *arg, const struct maildir_entry *e, struct err *err)
{
	struct visit *v = arg;

	(void)e;
	(void)err;
	if (v->entries++ == 0 && v->disturb)
		assert_int_equal(renameat(v->r->m.fd, "INBOX/cur/0:2,S",
		    v->r->m.fd, "INBOX/cur/0:2,FS"), 0);
	return 0;
}

static void
visit_restart(void *arg)
{
	struct visit *v = arg;

	v->restarts++;
	v->disturb = false;
}

static void
fill(struct root *r, unsigned n)
{
	char path[64];

	root_folder(r, "INBOX");
	root_write(r, "INBOX/cur/0:2,S", "", 0);
	for (unsigned i = 1; i < n; i++) {
		snprintf(path, sizeof(path), "INBOX/cur/%u:2,S", i);
		assert_int_equal(linkat(r->m.fd, "INBOX/cur/0:2,S", r->m.fd,
		    path, 0), 0);
	}
}

static void
scan(struct visit *v, struct maildir_scan *out)
{
	const struct maildir_visit visit = { v, visit_entry, visit_restart };
	struct err err = { 0 };

	assert_ok(maildir_scan(&v->r->m, "INBOX", &visit, out, &err), &err);
	assert_true(out->complete);
}

/* One call of getdents64 is several questions to the server. */
static void
test_shared(void **state)
{
	struct visit calm = { .r = root_new() }, local, shared;
	struct maildir_scan out;

	(void)state;
	fill(calm.r, 10);
	local = shared = calm;
	local.disturb = shared.disturb = true;
	scan(&local, &out);
	assert_int_equal(local.restarts, 0);
	assert_int_equal(renameat(calm.r->m.fd, "INBOX/cur/0:2,FS",
	    calm.r->m.fd, "INBOX/cur/0:2,S"), 0);
	is_nfs = true;
	scan(&shared, &out);
	assert_int_equal(shared.restarts, 1);
	scan(&calm, &out);
	assert_int_equal(calm.restarts, 0);
	is_nfs = false;
	root_free(calm.r);
}

/* The mtime of cur/, a second ago or so; whole seconds or not. */
static void
set_stamp(struct root *r, long ns)
{
	struct timespec t[2] = { { .tv_nsec = UTIME_OMIT }, { 0 } };

	clock_gettime(CLOCK_REALTIME, &t[1]);
	t[1].tv_sec--;
	t[1].tv_nsec = ns;
	assert_int_equal(utimensat(r->m.fd, "INBOX/cur", t, 0), 0);
}

/* Too much for one call: then a change within that second moves nothing. */
static void
test_whole_seconds(void **state)
{
	struct visit fine = { .r = root_new() }, coarse = fine;
	struct maildir_scan out;

	(void)state;
	fill(fine.r, 3000);
	set_stamp(fine.r, 1);
	scan(&fine, &out);
	assert_int_equal(fine.restarts, 0);
	set_stamp(fine.r, 0);
	scan(&coarse, &out);
	assert_int_equal(coarse.restarts, 1);
	root_free(fine.r);
}

/* How many syncs it takes to make one message durable. */
static uint64_t
sync_one(struct root *r, const char *file)
{
	const struct maildir_message msg = { "INBOX", false, file };
	struct maildir_source *s;
	struct err err = { 0 };
	uint64_t before;
	int64_t mtime;

	assert_ok(maildir_source_open(&r->m, &msg, &s, &mtime, &err), &err);
	before = fs_syncs();
	assert_ok(maildir_source_sync(s, &err), &err);
	maildir_source_close(s);
	return fs_syncs() - before;
}

/* The directory is synced once for all, while nothing changes in it. */
static void
test_directory_synced_once(void **state)
{
	struct root *r = root_new();

	(void)state;
	fill(r, 5);
	/* It changed just now: the next change could look the same. */
	assert_int_equal(sync_one(r, "1:2,S"), 2);
	assert_int_equal(sync_one(r, "2:2,S"), 2);
	ahead = 10;
	assert_int_equal(sync_one(r, "1:2,S"), 2);
	assert_int_equal(sync_one(r, "2:2,S"), 1);
	assert_int_equal(sync_one(r, "3:2,S"), 1);
	assert_int_equal(renameat(r->m.fd, "INBOX/cur/4:2,S", r->m.fd,
	    "INBOX/cur/4:2,FS"), 0);
	assert_int_equal(sync_one(r, "4:2,FS"), 2);
	assert_int_equal(sync_one(r, "3:2,S"), 1);
	is_nfs = true;
	assert_int_equal(renameat(r->m.fd, "INBOX/cur/4:2,FS", r->m.fd,
	    "INBOX/cur/4:2,S"), 0);
	assert_int_equal(sync_one(r, "3:2,S"), 2);
	assert_int_equal(sync_one(r, "3:2,S"), 2);
	is_nfs = false;
	ahead = 0;
	root_free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directory_synced_once),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_whole_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
