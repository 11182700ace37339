/*
 * Every call that changes the disk fails once, or is the last one of the
 * process. The functions here take the place of the C library's.
 */
#include "maildir/deliver.h"

#include <sys/syscall.h>
#include <sys/wait.h>

#include "mail/flags.h"
#include "maildir_root.h"

enum { CALM, FAIL, DIE };

static struct {
	int mode;
	unsigned at;		/* which call, from 1 */
	unsigned calls;
	int error;
} fault;

/* True when this call is to fail. */
static bool
fault_now(void)
{
	if (fault.mode == CALM || ++fault.calls != fault.at)
		return false;
	if (fault.mode == DIE)
		_exit(9);
	errno = fault.error;
	return true;
}

int
fsync(int fd)
{
	return fault_now() ? -1 : (int)syscall(SYS_fsync, fd);
}

int
syncfs(int fd)
{
	return fault_now() ? -1 : (int)syscall(SYS_syncfs, fd);
}

int
mkdirat(int fd, const char *path, mode_t mode)
{
	return fault_now() ? -1 : (int)syscall(SYS_mkdirat, fd, path, mode);
}

int
unlinkat(int fd, const char *path, int flags)
{
	/* What cleans up after a failure is not failed as well. */
	if (fault.mode == DIE && fault_now())
		return -1;
	return (int)syscall(SYS_unlinkat, fd, path, flags);
}

int
futimens(int fd, const struct timespec t[2])
{
	return fault_now() ? -1 : (int)syscall(SYS_utimensat, fd, NULL, t, 0);
}

int
renameat2(int fd, const char *from, int tofd, const char *to, unsigned flags)
{
	return fault_now() ? -1 :
	    (int)syscall(SYS_renameat2, fd, from, tofd, to, flags);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	return fd > 2 && fault_now() ? -1 :
	    (ssize_t)syscall(SYS_write, fd, p, n);
}

static int
deliver_one(struct maildir_batch *b, unsigned flags, struct err *err)
{
	static const char line[] = "a line of text, 32 octets long\r\n";
	struct maildir_delivery *d;
	struct fingerprint print;

	if (maildir_deliver_begin(b, &d, err) < 0)
		return -1;
	/* more than the buffers hold, then a bare LF: it is all rewritten */
	for (int i = 0; i < 5000; i++)
		if (maildir_deliver_data(d, line, sizeof(line) - 1, err) < 0)
			return -1;
	if (maildir_deliver_data(d, "\nend\r\n", 6, err) < 0 ||
	    maildir_deliver_end(d, &print, err) < 0)
		return -1;
	return maildir_deliver_place(d, flags, &(int64_t){ 1000000000 },
	    err);
}

static int
deliver_batch(struct root *r, unsigned n, struct err *err)
{
	struct maildir_batch *b = maildir_batch_new(&r->m, "INBOX", false);
	int result = 0;

	for (unsigned i = 0; i < n && result == 0; i++)
		result = deliver_one(b, i % 2 ? FLAG_SEEN : 0, err);
	if (result == 0)
		result = batch_commit(b, err);
	fault.mode = CALM;
	maildir_batch_free(b);
	return result;
}

/* Whatever fails: an error that names the folder, and nothing is left. */
static void
check_failures(unsigned n, unsigned least)
{
	struct root *r = root_new();
	struct err err = { 0 };
	unsigned fired = 0;

	root_folder(r, "INBOX");
	for (unsigned at = 1;; at++) {
		err = (struct err){ 0 };
		fault.calls = 0;
		fault.at = at;
		fault.error = at % 2 ? EIO : ENOSPC;
		fault.mode = FAIL;
		if (deliver_batch(r, n, &err) == 0)
			break;
		fired++;
		assert_int_equal(err.kind, ERR_IO);
		assert_non_null(strstr(err.msg, "INBOX"));
		assert_non_null(strstr(err.msg, strerror(fault.error)));
		/* "can't rename A to A": names that nobody knows. */
		assert_null(strstr(err.msg, "rename"));
		assert_int_equal(root_count(r, "INBOX/tmp"), 0);
		assert_int_equal(root_count(r, "INBOX/new"), 0);
		assert_int_equal(root_count(r, "INBOX/cur"), 0);
	}
	assert_true(fault.calls < fault.at);
	assert_true(fired >= least);
	assert_int_equal(root_count(r, "INBOX/tmp"), 0);
	assert_int_equal(root_count(r, "INBOX/new") +
	    root_count(r, "INBOX/cur"), n);
	root_free(r);
}

static void
test_deliver_failures(void **state)
{
	(void)state;
	check_failures(1, 10);	/* writes, date, fsync, rename, fsync */
	check_failures(3, 29);
	check_failures(12, 99);	/* syncfs */
}

/* Two folders in one commit, of n messages each; how many of them failed. */
static int
deliver_both(struct root *r, unsigned n)
{
	static const char *const path[2] = { "INBOX", "lists/foo" };
	struct maildir_commit c[2];
	struct err err = { 0 };
	int failed = 0;

	for (int i = 0; i < 2; i++) {
		c[i].batch = maildir_batch_new(&r->m, path[i], false);
		for (unsigned k = 0; k < n; k++)
			assert_ok(deliver_one(c[i].batch, k % 2 ? FLAG_SEEN :
			    0, &err), &err);
	}
	fault.calls = 0;
	fault.mode = FAIL;
	maildir_batches_commit(c, 2);
	fault.mode = CALM;
	for (int i = 0; i < 2; i++) {
		failed += c[i].result < 0;
		if (c[i].result < 0) {
			assert_int_equal(c[i].err.kind, ERR_IO);
			assert_non_null(strstr(c[i].err.msg,
			    strerror(fault.error)));
		}
		maildir_batch_free(c[i].batch);
		assert_int_equal(root_count(r, i == 0 ? "INBOX/new" :
		    "lists/foo/new"), c[i].result < 0 ? 0 : n / 2);
	}
	assert_int_equal(root_count(r, "INBOX/tmp"), 0);
	assert_int_equal(root_count(r, "lists/foo/tmp"), 0);
	return failed;
}

/*
 * What fails at which call: a sync fails both, a rename its own folder. With
 * four messages each there are a sync, four renames, four renames, a sync.
 */
static void
test_commit_together(void **state)
{
	static const int failed[] = { 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 0 };

	(void)state;
	for (unsigned at = 0; at < sizeof(failed) / sizeof(failed[0]); at++) {
		struct root *r = root_new();

		root_folder(r, "INBOX");
		root_folder(r, "lists/foo");
		fault.error = EIO;
		fault.at = at + 1;
		print_message("call %u\n", at + 1);
		assert_int_equal(deliver_both(r, 4), failed[at]);
		root_free(r);
	}
}

/* Runs op in a process that dies at its call number at; true when it did. */
static bool
die_at(struct root *r, unsigned at, int (*op)(struct root *, struct err *))
{
	struct err err = { 0 };
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fault.calls = 0;
		fault.at = at;
		fault.mode = DIE;
		_exit(op(r, &err) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_not_equal(WEXITSTATUS(status), 1);
	return WEXITSTATUS(status) == 9;
}

static enum maildir_there
there_after(struct root *r, const char *path)
{
	struct maildir_found found;
	enum maildir_there there;
	struct err err = { 0 };

	maildir_close(&r->m);
	assert_ok(maildir_open(&r->m, r->path, &found, &err), &err);
	assert_ok(maildir_lock(&r->m, &err), &err);
	assert_int_equal(root_count(r, ".mailtern"), 0);
	assert_ok(maildir_folder_there(&r->m, path, &there, &err), &err);
	return there;
}

static int
create_folder(struct root *r, struct err *err)
{
	return maildir_folder_create(&r->m, "lists/foo", err);
}

static int
create_folders(struct root *r, struct err *err)
{
	struct maildir_making v[] = { { .path = "lists" },
	    { .path = "lists/foo" }, { .path = "Sent" } };

	maildir_folders_create(&r->m, v, 3);
	for (int i = 0; i < 3; i++) {
		if (v[i].result == 0)
			continue;
		*err = v[i].err;
		return -1;
	}
	return 0;
}

static int
remove_folder(struct root *r, struct err *err)
{
	return maildir_folder_remove(&r->m, "lists/foo", err);
}

/* A folder is whole or not there, wherever the process ends. */
static void
test_create_killed(void **state)
{
	unsigned at = 1, absent = 0, whole = 0;
	bool died = true;

	(void)state;
	for (; died; at++) {
		struct root *r = root_new();
		enum maildir_there there;
		struct err err = { 0 };

		died = die_at(r, at, create_folder);
		there = there_after(r, "lists/foo");
		absent += there == THERE_GONE || there == THERE_UNKNOWN;
		whole += there == THERE_WHOLE;
		assert_int_equal(absent + whole, at);
		assert_ok(create_folder(r, &err), &err);
		assert_int_equal(there_after(r, "lists/foo"), THERE_WHOLE);
		root_free(r);
	}
	assert_true(absent >= 5 && whole >= 1);
}

static void
test_create_many_killed(void **state)
{
	static const char *const path[] = { "lists", "lists/foo", "Sent" };
	unsigned at = 1, seen[3] = { 0 };
	bool died = true;

	(void)state;
	for (; died; at++) {
		struct root *r = root_new();
		struct err err = { 0 };

		died = die_at(r, at, create_folders);
		for (int i = 0; i < 3; i++) {
			enum maildir_there there = there_after(r, path[i]);

			assert_true(there == THERE_WHOLE ||
			    there == THERE_GONE || there == THERE_UNKNOWN);
			seen[i] += there == THERE_WHOLE;
		}
		assert_ok(create_folders(r, &err), &err);
		for (int i = 0; i < 3; i++)
			assert_int_equal(there_after(r, path[i]), THERE_WHOLE);
		root_free(r);
	}
	assert_true(at > 15 && seen[0] > seen[1] && seen[1] > seen[2] &&
	    seen[2] >= 2);
}

/* A sync that fails is that of all; nothing stays under construction. */
static void
test_create_many_failures(void **state)
{
	unsigned fired = 0;
	bool failed = true;

	(void)state;
	for (unsigned at = 1; failed; at++) {
		struct root *r = root_new();
		struct err err = { 0 };

		fault.calls = 0;
		fault.at = at;
		fault.error = EIO;
		fault.mode = FAIL;
		failed = create_folders(r, &err) < 0;
		fault.mode = CALM;
		fired += failed;
		if (failed)
			assert_int_equal(err.kind, ERR_IO);
		assert_int_equal(root_count(r, ".mailtern"), 0);
		assert_ok(create_folders(r, &err), &err);
		assert_int_equal(there_after(r, "lists/foo"), THERE_WHOLE);
		root_free(r);
	}
	assert_true(fired > 12);
}

static void
test_remove_killed(void **state)
{
	unsigned at = 1, absent = 0, whole = 0;
	bool died = true;

	(void)state;
	for (; died; at++) {
		struct root *r = root_new();
		enum maildir_there there;
		struct err err = { 0 };

		root_folder(r, "lists/foo");
		died = die_at(r, at, remove_folder);
		there = there_after(r, "lists/foo");
		absent += there == THERE_GONE;
		whole += there == THERE_WHOLE;
		assert_int_equal(absent + whole, at);
		assert_ok(remove_folder(r, &err), &err);
		assert_int_equal(there_after(r, "lists/foo"), THERE_GONE);
		root_free(r);
	}
	assert_true(absent >= 5 && whole >= 1);
}

static int
deliver_three(struct root *r, struct err *err)
{
	return deliver_batch(r, 3, err);
}

/* What is visible is whole; what is left in tmp/ goes with the next batch. */
static void
test_deliver_killed(void **state)
{
	unsigned at = 1, litter = 0;
	bool died = true;

	(void)state;
	for (; died; at++) {
		struct root *r = root_new();
		struct err err = { 0 };
		int seen;

		root_folder(r, "INBOX");
		died = die_at(r, at, deliver_three);
		litter += root_count(r, "INBOX/tmp") > 0;
		seen = root_count(r, "INBOX/new") + root_count(r, "INBOX/cur");
		assert_true(seen <= 3 && (died || seen == 3));
		assert_ok(deliver_three(r, &err), &err);
		assert_int_equal(root_count(r, "INBOX/tmp"), 0);
		assert_int_equal(root_count(r, "INBOX/new") +
		    root_count(r, "INBOX/cur"), seen + 3);
		root_free(r);
	}
	assert_true(litter >= 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deliver_failures),
		cmocka_unit_test(test_commit_together),
		cmocka_unit_test(test_create_killed),
		cmocka_unit_test(test_create_many_killed),
		cmocka_unit_test(test_create_many_failures),
		cmocka_unit_test(test_remove_killed),
		cmocka_unit_test(test_deliver_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
