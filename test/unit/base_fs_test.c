/* Files, the log and the clocks. */
#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

static char dir[] = "/tmp/base_fs_test.XXXXXX";
static int dfd = -1;

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	dfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dfd < 0 ? -1 : 0;
}

static int
teardown(void **state)
{
	char *line = xasprintf("rm -rf '%s'", dir);
	int r = system(line);

	(void)state;
	free(line);
	close(dfd);
	return r;
}

static void
put_file(const char *name, const char *text, size_t n)
{
	int fd = openat(dfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
}

static void
assert_holds(const char *name, const char *want)
{
	char text[100];
	int fd = openat(dfd, name, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text));

	close(fd);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(text, want, strlen(want));
}

static bool
exists(const char *name)
{
	struct stat st;

	return fstatat(dfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static void
test_make_dirs(void **state)
{
	struct err err = { 0 };
	uint64_t before = fs_syncs();
	struct stat st;
	char *abs;

	(void)state;
	assert_int_equal(fs_make_dirs(dfd, "a/b//c/", &err), 0);
	assert_int_equal(fs_syncs() - before, 3);	/* one parent each */
	assert_int_equal(fstatat(dfd, "a/b/c", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(fs_make_dirs(dfd, "a/b/c", &err), 0);
	assert_int_equal(fs_syncs() - before, 3);	/* nothing was new */
	assert_int_equal(fs_make_dirs(dfd, "a/b/d", &err), 0);
	assert_int_equal(fs_syncs() - before, 4);
	abs = xasprintf("%s/abs/x", dir);
	assert_int_equal(fs_make_dirs(AT_FDCWD, abs, &err), 0);
	free(abs);
	assert_true(exists("abs/x"));

	put_file("file", "x", 1);
	assert_int_equal(fs_make_dirs(dfd, "file/x", &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_int_equal(symlinkat("a/b", dfd, "link"), 0);
	assert_int_equal(fs_make_dirs(dfd, "link/e", &err), 0);
	assert_true(exists("a/b/e"));
	assert_int_equal(symlinkat("nowhere", dfd, "dangling"), 0);
	assert_int_equal(fs_make_dirs(dfd, "dangling/x", &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_non_null(strstr(err.msg, "dangling"));
	assert_false(exists("nowhere"));
}

static void
test_rename_new(void **state)
{
	struct err err = { 0 };

	(void)state;
	put_file("from", "one", 3);
	assert_int_equal(fs_rename_new(dfd, "from", dfd, "to", &err), 0);
	assert_false(exists("from"));
	assert_true(exists("to"));

	assert_int_equal(fs_rename_new(dfd, "from", dfd, "to2", &err), -1);
	assert_int_equal(err.kind, ERR_STALE);
	assert_string_equal(err.msg, "from is gone");

	put_file("from", "two", 3);
	assert_int_equal(fs_rename_new(dfd, "from", dfd, "to", &err), -1);
	assert_int_equal(err.kind, ERR_STALE);
	assert_string_equal(err.msg, "to exists already");
	assert_true(exists("from"));
	assert_holds("to", "one");

	/* The directory of the new name is missing: no stale operation. */
	assert_int_equal(fs_rename_new(dfd, "from", dfd, "no/x", &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_true(exists("from"));

	assert_int_equal(mkdirat(dfd, "dir1", 0700), 0);
	assert_int_equal(mkdirat(dfd, "dir2", 0700), 0);
	assert_int_equal(fs_rename_new(dfd, "dir1", dfd, "dir2", &err), -1);
	assert_int_equal(err.kind, ERR_STALE);
	assert_int_equal(fs_rename_new(dfd, "dir1", dfd, "dir3", &err), 0);
	assert_true(exists("dir3"));
}

/* From now on renameat2 fails as where it is unknown. */
static int
forbid_renameat2(unsigned error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
		    offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

/* Runs in a child, so it answers with the number of what went wrong, or 0. */
static int
rename_without_renameat2(unsigned error)
{
	struct err err = { 0 };

	if (forbid_renameat2(error) < 0)
		return 1;
	if (syscall(SYS_renameat2, dfd, "f1", dfd, "f3", 1) == 0)
		return 2;
	if (fs_rename_new(dfd, "f1", dfd, "f2", &err) == 0 ||
	    err.kind != ERR_STALE || !exists("f1"))
		return 3;
	if (fs_rename_new(dfd, "f1", dfd, "f3", &err) < 0 || exists("f1") ||
	    !exists("f3"))
		return 4;
	if (fs_rename_new(dfd, "f1", dfd, "f4", &err) == 0 ||
	    err.kind != ERR_STALE || exists("f4"))
		return 5;
	if (fs_rename_new(dfd, "f3", dfd, "no/f", &err) == 0 ||
	    err.kind != ERR_IO || !exists("f3"))
		return 6;
	if (fs_rename_new(dfd, "d1", dfd, "d2", &err) == 0 ||
	    err.kind != ERR_STALE || !exists("d1"))
		return 7;
	if (fs_rename_new(dfd, "d1", dfd, "d3", &err) < 0 || exists("d1") ||
	    !exists("d3"))
		return 8;
	return 0;
}

static void
test_rename_old_way(void **state)
{
	static const unsigned errors[] = { EINVAL, ENOSYS };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		int status = -1;
		pid_t pid;

		put_file("f1", "1", 1);
		put_file("f2", "2", 1);
		unlinkat(dfd, "f3", 0);
		unlinkat(dfd, "d3", AT_REMOVEDIR);
		mkdirat(dfd, "d1", 0700);
		mkdirat(dfd, "d2", 0700);
		pid = fork();
		if (pid == 0)
			_exit(rename_without_renameat2(errors[i]));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
	}
}

static void
test_lock(void **state)
{
	struct err err = { 0 };
	int one = fs_open_dir(dfd, ".", &err);
	int two = fs_open_dir(dfd, ".", &err);

	(void)state;
	assert_true(one >= 0 && two >= 0);
	assert_int_equal(fs_lock(one, "work", &err), 0);
	assert_int_equal(fs_lock(one, "work", &err), 0);
	assert_int_equal(fs_lock(two, "work", &err), -1);
	assert_int_equal(err.kind, ERR_BUSY);
	assert_string_equal(err.msg, "another mailtern is at work on work");
	close(one);
	assert_int_equal(fs_lock(two, "work", &err), 0);
	close(two);
	assert_int_equal(fs_open_dir(dfd, "absent", &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_non_null(strstr(err.msg, "absent"));
}

static void
test_sync(void **state)
{
	struct err err = { 0 };
	uint64_t before = fs_syncs();

	(void)state;
	assert_int_equal(fs_sync(dfd, "dir", &err), 0);
	assert_int_equal(fs_sync_all(dfd, "dir", &err), 0);
	fs_count_sync();
	assert_int_equal(fs_syncs() - before, 3);
	assert_int_equal(fs_sync(-1, "nothing", &err), -1);
	assert_int_equal(err.kind, ERR_IO);
	assert_string_equal(err.msg, "can't sync nothing: Bad file descriptor");
	assert_int_equal(fs_sync_all(-1, "nothing", &err), -1);
	assert_int_equal(err.kind, ERR_IO);
}

static void
test_expand_home(void **state)
{
	static const char *const t[][2] = {
		{ "~", "/home/x" }, { "~/", "/home/x/" },
		{ "~/Mail", "/home/x/Mail" }, { "~user/x", "~user/x" },
		{ "/a/~", "/a/~" }, { "", "" }, { "a~/b", "a~/b" },
	};
	char *old = xstrdup(getenv("HOME")), *got;

	(void)state;
	setenv("HOME", "/home/x", 1);
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		got = fs_expand_home(t[i][0]);
		assert_string_equal(got, t[i][1]);
		free(got);
	}
	unsetenv("HOME");
	got = fs_expand_home("~/m");
	assert_int_equal(got[0], '/');
	free(got);
	if (old != NULL)
		setenv("HOME", old, 1);
	free(old);
}

static void
test_mtime(void **state)
{
	struct stat st = { 0 };

	(void)state;
	st.st_mtim = (struct timespec){ 1700000000, 123456789 };
	assert_true(fs_mtime_ns(&st) == 1700000000123456789);
	st.st_mtim = (struct timespec){ -1, 500000000 };
	assert_true(fs_mtime_ns(&st) == -500000000);
	st.st_mtim = (struct timespec){ INT64_MAX, 0 };
	assert_true(fs_mtime_ns(&st) == INT64_MAX);
	st.st_mtim = (struct timespec){ INT64_MIN, 0 };
	assert_true(fs_mtime_ns(&st) == INT64_MIN);
}

static void
test_clock(void **state)
{
	uint64_t a = clock_mono_ms(), b = clock_mono_ms();

	(void)state;
	assert_true(b >= a);
	assert_true(clock_wall() > 1700000000);
}

static int before_calls;

static void
count_before(void)
{
	before_calls++;
}

/* What log calls write to stderr; each line must come in one write. */
static void
test_log(void **state)
{
	int fds[2], saved = dup(STDERR_FILENO);
	char got[20000], big[9000];
	ssize_t n;

	(void)state;
	assert_int_equal(pipe2(fds, O_DIRECT | O_NONBLOCK), 0);
	memset(big, 'b', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	dup2(fds[1], STDERR_FILENO);
	log_set_before(count_before);
	errno = ENOENT;
	log_warn("server: %s", "\x1b]0;x\a\r\nmailtern: forged\xc3\xa9");
	assert_int_equal(errno, ENOENT);
	log_info("not at this level");
	log_set_level(LOG_INFO);
	log_info("line end\n");
	log_debug("nor this");
	log_set_before(NULL);
	log_warn("%s", "");
	dup2(saved, STDERR_FILENO);
	log_set_level(LOG_WARN);
	assert_int_equal(before_calls, 2);

	n = read(fds[0], got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = '\0';
	assert_string_equal(got,
	    "mailtern: server: ?]0;x???mailtern: forged\xc3\xa9\n");
	n = read(fds[0], got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = '\0';
	assert_string_equal(got, "mailtern: line end\n");
	n = read(fds[0], got, sizeof(got) - 1);
	assert_true(n > 0);
	got[n] = '\0';
	assert_string_equal(got, "mailtern: \n");
	assert_true(read(fds[0], got, sizeof(got)) < 0);

	dup2(fds[1], STDERR_FILENO);
	log_warn("%s", big);
	dup2(saved, STDERR_FILENO);
	for (size_t have = 0;;) {	/* a packet pipe splits at a page */
		n = read(fds[0], got + have, sizeof(got) - 1 - have);
		if (n <= 0) {
			got[have] = '\0';
			break;
		}
		have += (size_t)n;
	}
	assert_int_equal(strlen(got), 10 + 8192 + 3 + 1);
	assert_string_equal(got + 10 + 8192, "...\n");
	close(fds[0]);
	close(fds[1]);
	close(saved);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_make_dirs),
		cmocka_unit_test(test_rename_new),
		cmocka_unit_test(test_rename_old_way),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_sync),
		cmocka_unit_test(test_expand_home),
		cmocka_unit_test(test_mtime),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_log),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
