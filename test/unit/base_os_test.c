/*
 * What base/os.h promises. base_portable_test.c includes this file, behind
 * os.c itself; what only Linux can do is expected where OS_PORTABLE is not set.
 */
#include "base/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#ifdef OS_PORTABLE
#define ON_LINUX	false
#else
#define ON_LINUX	true
#endif

#define NOBODY		65534

static char dir[] = "/tmp/base_os_test.XXXXXX";
static int dfd = -1;

static int
setup(void **state)
{
	(void)state;
	if (mkdtemp(dir) == NULL)
		return -1;
	dfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return dfd < 0 ? -1 : fchmod(dfd, 0755);
}

static int
teardown(void **state)
{
	char line[100];

	(void)state;
	close(dfd);
	snprintf(line, sizeof(line), "rm -rf '%s'", dir);
	return system(line);
}

static void
put_file(const char *name, const char *text)
{
	int fd = openat(dfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void
assert_file(const char *name, const char *text)
{
	char got[100];
	int fd = openat(dfd, name, O_RDONLY | O_NOFOLLOW);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, got, sizeof(got) - 1);
	assert_true(n >= 0);
	got[n] = '\0';
	assert_string_equal(got, text);
	close(fd);
}

static bool
exists(const char *name)
{
	struct stat st;

	return fstatat(dfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* What a child says that ends with 0 when all was as it should be. */
static void
assert_in_child(int (*what)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(what());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* --- errors --- */

static void
test_error_text(void **state)
{
	static const struct {
		int error;
		const char *text;
	} t[] = {
		{ ENOENT, "No such file or directory" },
		{ EACCES, "Permission denied" },
		{ ENOSPC, "No space left on device" },
		{ ENOTDIR, "Not a directory" },
		{ ECONNREFUSED, "Connection refused" },
	};
	char room[OS_ERROR_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		memset(room, 'x', sizeof(room));
		assert_string_equal(os_error_text(t[i].error, room), t[i].text);
	}
	errno = EINTR;
	assert_true(strlen(os_error_text(99999, room)) > 0);
	assert_true(strlen(os_error_text(-1, room)) > 0);
	assert_int_equal(errno, EINTR);
}

#ifdef OS_WITHIN

/* What strerror_r of POSIX and that of GNU may answer. */
static void
test_error_text_forms(void **state)
{
	char text[] = "in the room", none[] = "";

	(void)state;
	assert_string_equal(error_text_posix(0, text), "in the room");
	assert_string_equal(error_text_posix(EINVAL, text), "in the room");
	assert_string_equal(error_text_posix(EINVAL, none), "unknown error");
	assert_string_equal(error_text_gnu("elsewhere", text), "elsewhere");
}

#endif

static void
test_error_is_link(void **state)
{
	(void)state;
	assert_int_equal(symlinkat("nowhere", dfd, "alink"), 0);
	assert_int_equal(openat(dfd, "alink", O_RDONLY | O_NOFOLLOW), -1);
	assert_true(os_error_is_link(errno));
	assert_int_equal(openat(dfd, "alink", O_RDONLY), -1);
	assert_false(os_error_is_link(errno));
	assert_false(os_error_is_link(ENOTDIR));
}

/* --- making durable --- */

static void
test_sync(void **state)
{
	int fd;

	(void)state;
	put_file("durable", "text");
	fd = openat(dfd, "durable", O_RDONLY);
	assert_int_equal(os_sync(fd), 0);	/* for reading is enough */
	close(fd);
	assert_int_equal(os_sync(dfd), 0);
	assert_int_equal(os_sync(-1), -1);
	assert_int_equal(errno, EBADF);
}

static void
test_sync_fs(void **state)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_false(os_can_sync_fs(proc));
	assert_false(os_can_sync_fs(-1));
	close(proc);
	if (ON_LINUX) {
		assert_int_equal(os_sync_fs(dfd), 0);
		assert_int_equal(os_sync_fs(-1), -1);
		assert_int_equal(errno, EBADF);
	} else {
		assert_false(os_can_sync_fs(dfd));
		assert_int_equal(os_sync_fs(dfd), -1);
		assert_int_equal(errno, ENOSYS);
	}
}

/* --- files --- */

static void
test_fs_kind(void **state)
{
	int proc = open("/proc", O_RDONLY | O_DIRECTORY);

	(void)state;
	assert_true(proc >= 0);
	assert_int_equal(os_fs_kind(proc),
	    ON_LINUX ? OS_FS_OTHER : OS_FS_SHARED);
	assert_int_equal(os_fs_kind(-1), OS_FS_SHARED);
	close(proc);
}

static void
test_rename_file(void **state)
{
	(void)state;
	put_file("a", "one");
	assert_int_equal(os_rename_new(dfd, "a", dfd, "b"), 0);
	assert_false(exists("a"));
	assert_file("b", "one");

	put_file("a", "two");
	assert_int_equal(os_rename_new(dfd, "a", dfd, "b"), -1);
	assert_int_equal(errno, EEXIST);
	assert_file("a", "two");
	assert_file("b", "one");

	/* Nor a link, wherever it leads, nor a directory. */
	assert_int_equal(symlinkat("nowhere", dfd, "dangling"), 0);
	assert_int_equal(os_rename_new(dfd, "a", dfd, "dangling"), -1);
	assert_int_equal(errno, EEXIST);
	assert_int_equal(mkdirat(dfd, "empty", 0700), 0);
	assert_int_equal(os_rename_new(dfd, "a", dfd, "empty"), -1);
	assert_int_equal(errno, EEXIST);
	assert_file("a", "two");

	assert_int_equal(os_rename_new(dfd, "absent", dfd, "c"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(os_rename_new(dfd, "a", dfd, "absent/c"), -1);
	assert_int_equal(errno, ENOENT);
	assert_file("a", "two");
}

static void
test_rename_link(void **state)
{
	char to[10];

	(void)state;
	put_file("target", "text");
	assert_int_equal(symlinkat("target", dfd, "link1"), 0);
	assert_int_equal(os_rename_new(dfd, "link1", dfd, "link2"), 0);
	assert_false(exists("link1"));
	assert_int_equal(readlinkat(dfd, "link2", to, sizeof(to)), 6);
	assert_memory_equal(to, "target", 6);
}

static void
test_rename_dir(void **state)
{
	(void)state;
	assert_int_equal(mkdirat(dfd, "d1", 0700), 0);
	put_file("d1/inside", "text");
	assert_int_equal(os_rename_new(dfd, "d1", dfd, "d2"), 0);
	assert_false(exists("d1"));
	assert_file("d2/inside", "text");

	/* An empty directory is what rename itself would replace. */
	assert_int_equal(mkdirat(dfd, "d3", 0700), 0);
	assert_int_equal(os_rename_new(dfd, "d2", dfd, "d3"), -1);
	assert_int_equal(errno, EEXIST);
	assert_file("d2/inside", "text");
	put_file("d3/other", "other");
	assert_int_equal(os_rename_new(dfd, "d2", dfd, "d3"), -1);
	assert_int_equal(errno, EEXIST);
	put_file("f", "file");
	assert_int_equal(os_rename_new(dfd, "d2", dfd, "f"), -1);
	assert_int_equal(errno, EEXIST);
	assert_file("f", "file");
	assert_file("d3/other", "other");

	/* Into itself: it can't be, and leaves nothing behind. */
	assert_int_equal(os_rename_new(dfd, "d2", dfd, "d2/below"), -1);
	assert_int_equal(errno, EINVAL);
	assert_false(exists("d2/below"));
	assert_file("d2/inside", "text");
}

/* As somebody who may pass through a directory and not read it. */
static int
open_unreadable(void)
{
	struct stat st;
	int fd;

	if (geteuid() == 0 && (setgid(NOBODY) < 0 || setuid(NOBODY) < 0))
		return 1;
	fd = os_open_search(dfd, "shut");
	if (!ON_LINUX)
		return fd >= 0 || errno != EACCES ? 2 : 0;
	if (fd < 0 || (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0)
		return 3;
	return fstatat(fd, "inside", &st, 0) < 0 ? 4 : 0;
}

static void
test_open_search(void **state)
{
	struct stat st;
	int fd;

	(void)state;
	assert_int_equal(mkdirat(dfd, "shut", 0700), 0);
	put_file("shut/inside", "text");
	assert_int_equal(symlinkat("shut", dfd, "way"), 0);
	fd = os_open_search(dfd, "way");
	assert_true(fd >= 0);
	assert_int_equal(fstatat(fd, "inside", &st, 0), 0);
	close(fd);
	assert_int_equal(os_open_search(dfd, "shut/inside"), -1);
	assert_int_equal(errno, ENOTDIR);
	assert_int_equal(os_open_search(dfd, "absent"), -1);
	assert_int_equal(errno, ENOENT);
	assert_int_equal(fchmodat(dfd, "shut", 0111, 0), 0);
	assert_in_child(open_unreadable);
	assert_int_equal(fchmodat(dfd, "shut", 0700, 0), 0);
}

static void
test_stat_times(void **state)
{
	const struct timespec t[2] = {
		{ 1600000000, 111000111 }, { 1700000000, 222000222 },
	};
	struct timespec a, m, c;
	struct stat st;

	(void)state;
	put_file("stamped", "");
	assert_int_equal(utimensat(dfd, "stamped", t, 0), 0);
	assert_int_equal(fstatat(dfd, "stamped", &st, 0), 0);
	a = os_atime(&st);
	m = os_mtime(&st);
	c = os_ctime(&st);
	assert_int_equal(a.tv_sec, 1600000000);
	assert_int_equal(a.tv_nsec, 111000111);
	assert_int_equal(m.tv_sec, 1700000000);
	assert_int_equal(m.tv_nsec, 222000222);
	assert_true(c.tv_sec > 1700000000);	/* nobody can set it */
}

static void
test_pipe(void **state)
{
	char got[4];
	int fd[2];

	(void)state;
	assert_int_equal(os_pipe(fd), 0);
	for (int i = 0; i < 2; i++)
		assert_true(fcntl(fd[i], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(write(fd[1], "pipe", 4), 4);
	assert_int_equal(read(fd[0], got, 4), 4);
	assert_memory_equal(got, "pipe", 4);
	close(fd[0]);
	close(fd[1]);
}

/* --- directories --- */

#define MANY	1000

struct seen {
	int fd;
	unsigned n, stop_at;
	bool file[MANY];
	unsigned others;
};

static int
see(void *arg, const struct os_entry *e)
{
	struct seen *s = arg;
	struct stat st;
	unsigned i;

	assert_int_equal(fstatat(s->fd, e->name, &st, AT_SYMLINK_NOFOLLOW), 0);
	assert_true(e->inode == st.st_ino);
	assert_true(e->type == DT_UNKNOWN ||
	    (e->type == DT_DIR) == S_ISDIR(st.st_mode));
	assert_true(e->type == DT_UNKNOWN ||
	    (e->type == DT_LNK) == S_ISLNK(st.st_mode));
	if (sscanf(e->name, "file-%u", &i) == 1) {
		assert_false(s->file[i]);
		s->file[i] = true;
	} else {
		s->others++;
	}
	return ++s->n == s->stop_at;
}

static int
make_many(void)
{
	int fd;

	assert_int_equal(mkdirat(dfd, "many", 0700), 0);
	fd = openat(dfd, "many", O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);
	assert_int_equal(mkdirat(fd, "adir", 0700), 0);
	assert_int_equal(symlinkat("adir", fd, "alink"), 0);
	for (unsigned i = 0; i < MANY; i++) {
		char name[40];

		snprintf(name, sizeof(name), "file-%u.some.more.letters", i);
		assert_int_equal(mknodat(fd, name, S_IFREG | 0600, 0), 0);
	}
	return fd;
}

static void
test_dir_read(void **state)
{
	static char room[256u << 10];
	struct os_reading small = { .room = room, .size = 4096 };
	struct os_reading large = { .room = room, .size = sizeof(room) };
	struct seen seen = { .fd = make_many() };

	(void)state;
	assert_int_equal(os_dir_read(seen.fd, &small, see, &seen), 0);
	assert_int_equal(seen.n, MANY + 2);
	assert_int_equal(seen.others, 2);
	assert_false(small.at_once);
	assert_true(!ON_LINUX || small.bytes > MANY * 20);
	assert_true(small.bytes < sizeof(room));

	seen = (struct seen){ .fd = seen.fd };
	assert_int_equal(os_dir_read(seen.fd, &large, see, &seen), 0);
	assert_int_equal(seen.n, MANY + 2);
	assert_int_equal(large.at_once, ON_LINUX);

	seen = (struct seen){ .fd = seen.fd, .stop_at = 7 };
	assert_int_equal(os_dir_read(seen.fd, &large, see, &seen), 1);
	assert_int_equal(seen.n, 7);
	assert_false(large.at_once);
	close(seen.fd);
}

static void
test_dir_read_fails(void **state)
{
	char room[4096];
	struct os_reading reading = { .room = room, .size = sizeof(room) };
	struct seen seen = { 0 };

	(void)state;
	assert_int_equal(mkdirat(dfd, "removed", 0700), 0);
	seen.fd = openat(dfd, "removed", O_RDONLY | O_DIRECTORY);
	assert_int_equal(os_dir_read(seen.fd, &reading, see, &seen), 0);
	assert_int_equal(unlinkat(dfd, "removed", AT_REMOVEDIR), 0);
	assert_int_equal(os_dir_read(seen.fd, &reading, see, &seen), -1);
	assert_int_equal(errno, ENOENT);
	assert_false(reading.at_once);
	close(seen.fd);
	put_file("nodir", "");
	seen.fd = openat(dfd, "nodir", O_RDONLY);
	assert_int_equal(os_dir_read(seen.fd, &reading, see, &seen), -1);
	assert_int_equal(errno, ENOTDIR);
	close(seen.fd);
	assert_int_equal(os_dir_read(-1, &reading, see, &seen), -1);
	assert_int_equal(errno, EBADF);
	assert_int_equal(seen.n, 0);
}

/* --- the process --- */

static int
forbid_dump(void)
{
	struct rlimit core;

	os_forbid_dump();
	if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_cur != 0)
		return 1;
	return ON_LINUX && prctl(PR_GET_DUMPABLE) != 0 ? 2 : 0;
}

static void
test_forbid_dump(void **state)
{
	(void)state;
	assert_in_child(forbid_dump);
}

/* Sanitizers have a malloc of their own. */
#ifdef __has_feature
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(thread_sanitizer)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#if defined(__GLIBC__) && !defined(OS_PORTABLE) && \
    !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define COUNT_HEAPS

static void *
allocate(void *arg)
{
	(void)arg;
	return malloc(1000);
}

/* How many there are once three threads have allocated. */
static int
count_heaps(void)
{
	char text[20000], *p = text;
	FILE *f = fmemopen(text, sizeof(text), "w");
	int n = 0;

	for (int i = 0; i < 3; i++) {
		pthread_t thread;
		void *got;

		if (pthread_create(&thread, NULL, allocate, NULL) != 0 ||
		    pthread_join(thread, &got) != 0)
			return -1;
		free(got);
	}
	if (f == NULL || malloc_info(0, f) < 0 || fclose(f) != 0)
		return -1;
	while ((p = strstr(p, "<heap nr=")) != NULL)
		n++, p++;
	return n;
}

static int
several_heaps(void)
{
	return count_heaps() > 1 ? 0 : 1;
}

static int
one_heap(void)
{
	os_one_heap();
	return count_heaps() == 1 ? 0 : 1;
}

static void
test_one_heap(void **state)
{
	(void)state;
	assert_in_child(several_heaps);
	assert_in_child(one_heap);
}

#endif

/* Another effective user, as with setuid. */
static int
getenv_with_rights(void)
{
	if (seteuid(NOBODY) < 0)
		return 1;
	return os_secure_getenv("OS_TEST") == NULL ? 0 : 2;
}

static void
test_secure_getenv(void **state)
{
	(void)state;
	setenv("OS_TEST", "value", 1);
	assert_string_equal(os_secure_getenv("OS_TEST"), "value");
	assert_null(os_secure_getenv("OS_TEST_ABSENT"));
	/* Linux asks the kernel, which knows when the program was started. */
	if (!ON_LINUX && geteuid() == 0)
		assert_in_child(getenv_with_rights);
}

static void
test_random(void **state)
{
	static const unsigned char zero[1000];
	unsigned char a[1000] = { 0 }, b[1000] = { 0 };

	(void)state;
	assert_int_equal(os_random(a, sizeof(a)), 0);
	assert_int_equal(os_random(b, sizeof(b)), 0);
	assert_int_not_equal(memcmp(a, b, sizeof(a)), 0);
	/* The end of it, too. */
	assert_int_not_equal(memcmp(a + 980, zero, 20), 0);
	a[0] = 7;
	assert_int_equal(os_random(a, 0), 0);
	assert_int_equal(a[0], 7);
}

static void
test_wipe(void **state)
{
	char text[] = "secret and more";

	(void)state;
	os_wipe(text, 6);
	assert_memory_equal(text, "\0\0\0\0\0\0 and more", 15);
	os_wipe(text, 0);
	assert_memory_equal(text + 6, " and more", 9);
}

static void
test_tcp(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), v = -1;
	socklen_t n = sizeof(v);

	(void)state;
	assert_true(fd >= 0);
	os_tcp_patience(fd, 11, 31000);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &v, &n), 0);
	assert_int_equal(v, 11);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &v, &n),
	    0);
	assert_int_equal(v, 31000);
	v = 0;
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &v, n), 0);
	os_tcp_acknowledge(fd);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &v, &n), 0);
	assert_int_equal(v, 1);
	close(fd);
	os_tcp_patience(-1, 1, 1);
	os_tcp_acknowledge(-1);
}

static void
test_little_endian(void **state)
{
	const unsigned char bytes[8] = { 1, 2, 0, 0, 0, 0, 0, 0x80 };
	uint64_t v;

	(void)state;
	memcpy(&v, bytes, sizeof(v));
	assert_true(os_from_little_endian(v) == 0x8000000000000201);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_text),
#ifdef OS_WITHIN
		cmocka_unit_test(test_error_text_forms),
#endif
		cmocka_unit_test(test_error_is_link),
		cmocka_unit_test(test_sync),
		cmocka_unit_test(test_sync_fs),
		cmocka_unit_test(test_fs_kind),
		cmocka_unit_test(test_rename_file),
		cmocka_unit_test(test_rename_link),
		cmocka_unit_test(test_rename_dir),
		cmocka_unit_test(test_open_search),
		cmocka_unit_test(test_stat_times),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_dir_read),
		cmocka_unit_test(test_dir_read_fails),
		cmocka_unit_test(test_forbid_dump),
#ifdef COUNT_HEAPS
		cmocka_unit_test(test_one_heap),
#endif
		cmocka_unit_test(test_secure_getenv),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_wipe),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_little_endian),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
