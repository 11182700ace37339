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
	return maildir_deliver_place(d, flags, 1000000000, err);
}

static int
deliver_batch(struct root *r, unsigned n, struct err *err)
{
	struct maildir_batch *b = maildir_batch_new(&r->m, "INBOX", false);
	int result = 0;

	for (unsigned i = 0; i < n && result == 0; i++)
		result = deliver_one(b, i % 2 ? FLAG_SEEN : 0, err);
	if (result == 0)
		result = maildir_batch_commit(b, err);
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
	enum maildir_root what;
	enum maildir_there there;
	char id[33], token[33];
	struct err err = { 0 };

	maildir_close(&r->m);
	assert_ok(maildir_open(&r->m, r->path, &what, id, token, &err), &err);
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
		cmocka_unit_test(test_create_killed),
		cmocka_unit_test(test_remove_killed),
		cmocka_unit_test(test_deliver_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
