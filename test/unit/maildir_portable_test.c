/*
 * On a system where no directory is known to come at once, and no stamp to be
 * fine: what proves a reading is an mtime of two seconds ago. Clock and sleep
 * here take the place of the C library's.
 */
#undef OS_PORTABLE
#define OS_PORTABLE
#include "../../src/base/os.c"

#include <sys/syscall.h>

#include "maildir/scan.h"
#include "maildir_root.h"

static int64_t slept;		/* ns */

int
clock_gettime(clockid_t clock, struct timespec *out)
{
	int r = (int)syscall(SYS_clock_gettime, clock, out);

	if (r == 0 && clock == CLOCK_REALTIME)
		out->tv_sec += slept / 1000000000 + 1;
	return r;
}

int
nanosleep(const struct timespec *t, struct timespec *left)
{
	(void)left;
	slept += (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
	return 0;
}

struct visit {
	struct root *r;
	unsigned restarts, entries;
	bool disturb;		/* a file is renamed in each reading */
};

static int
visit_entry(void *arg, const struct maildir_entry *e, struct err *err)
{
	struct visit *v = arg;

	(void)e;
	(void)err;
	if (v->entries++ == 0 && v->disturb) {
		renameat(v->r->m.fd, "INBOX/cur/0:2,S", v->r->m.fd,
		    "INBOX/cur/x:2,S");
		renameat(v->r->m.fd, "INBOX/cur/x:2,S", v->r->m.fd,
		    "INBOX/cur/0:2,S");
	}
	return 0;
}

static void
visit_restart(void *arg)
{
	struct visit *v = arg;

	v->restarts++;
	v->entries = 0;
}

static void
scan(struct visit *v, struct maildir_scan *out)
{
	const struct maildir_visit visit = { v, visit_entry, visit_restart };
	struct err err = { 0 };

	assert_ok(maildir_scan(&v->r->m, "INBOX", &visit, out, &err), &err);
}

/* Waited for once, until the stamps of both directories are old. */
static void
test_young(void **state)
{
	struct visit v = { .r = root_new() };
	struct maildir_scan out;

	(void)state;
	root_folder(v.r, "INBOX");
	root_write(v.r, "INBOX/cur/0:2,S", "", 0);
	root_write(v.r, "INBOX/new/1", "", 0);
	slept = 0;
	scan(&v, &out);
	assert_true(out.complete);
	assert_int_equal(out.files, 2);
	assert_int_equal(v.restarts, 1);
	assert_in_range(slept, 1, 5000000000);
	slept = 10000000000;
	v = (struct visit){ .r = v.r };
	scan(&v, &out);
	assert_true(out.complete);
	assert_int_equal(v.restarts, 0);
	assert_true(slept == 10000000000);
	root_free(v.r);
}

/* What keeps changing is not believed, however long that takes. */
static void
test_changing(void **state)
{
	struct visit v = { .r = root_new(), .disturb = true };
	struct maildir_scan out;

	(void)state;
	root_folder(v.r, "INBOX");
	root_write(v.r, "INBOX/cur/0:2,S", "", 0);
	slept = 10000000000;
	scan(&v, &out);
	assert_false(out.complete);
	root_free(v.r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_young),
		cmocka_unit_test(test_changing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
