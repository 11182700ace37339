/* What differs between systems, each in its own way. */
#include "base/os.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * OS_PORTABLE leaves out what is known of a system, on Linux too: so the other
 * ways are tested (test/unit/base_portable_test.c).
 */
#ifdef OS_PORTABLE
#elif defined(__linux__)
#define OS_LINUX
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#elif defined(__FreeBSD__)
#define OS_FREEBSD
#include <sys/param.h>
#include <sys/mount.h>
#include <sys/procctl.h>
#include <sys/random.h>
#elif defined(__APPLE__)
#define OS_MACOS
#include <sys/mount.h>
#include <sys/random.h>
#endif

/* --- errors --- */

/* The strerror_r of POSIX, which returns 0 and always writes. */
static const char *
error_text_posix(int failed, char *room)
{
	return failed == 0 || room[0] != '\0' ? room : "unknown error";
}

/* That of glibc, which may return another text than room. */
static const char *
error_text_gnu(const char *text, char *room)
{
	(void)room;
	return text;
}

/* Which of them there is, its type says: no list of systems can go stale. */
#define ERROR_TEXT(r, room) \
	_Generic((r), int: error_text_posix, char *: error_text_gnu)(r, room)

const char *
os_error_text(int error, char room[OS_ERROR_MAX])
{
	int saved = errno;
	const char *text;

	room[0] = '\0';
	text = ERROR_TEXT(strerror_r(error, room, OS_ERROR_MAX), room);
	errno = saved;
	return text;
}

bool
os_error_is_link(int error)
{
#ifdef OS_FREEBSD
	if (error == EMLINK)	/* what it says of O_NOFOLLOW */
		return true;
#endif
	return error == ELOOP;
}

/* --- making durable --- */

int
os_sync(int fd)
{
#ifdef OS_MACOS
	if (fcntl(fd, F_FULLFSYNC) == 0)
		return 0;
	/* Some file systems do not know it; a failure is one with each. */
	if (errno != ENOTSUP && errno != EINVAL && errno != ENOTTY &&
	    errno != ENODEV)
		return -1;
#endif
	return fsync(fd);
}

/* Before 5.8 syncfs did not say that writing back had failed. */
bool
os_can_sync_fs(int fd)
{
#ifdef OS_LINUX
	struct utsname u;
	int major = 0, minor = 0;

	if (uname(&u) < 0 || sscanf(u.release, "%d.%d", &major, &minor) != 2)
		return false;
	if (major < 5 || (major == 5 && minor < 8))
		return false;
	return os_fs_kind(fd) == OS_FS_LOCAL;
#else
	(void)fd;
	return false;
#endif
}

int
os_sync_fs(int fd)
{
#ifdef OS_LINUX
	return syncfs(fd);
#else
	(void)fd;
	errno = ENOSYS;
	return -1;
#endif
}

/* --- files --- */

#ifdef OS_LINUX

/* statfs(2) */
#define MAGIC_EXT4	0xef53
#define MAGIC_XFS	0x58465342
#define MAGIC_BTRFS	0x9123683e
#define MAGIC_F2FS	0xf2f52010
#define MAGIC_TMPFS	0x01021994
#define MAGIC_NFS	0x6969
#define MAGIC_SMB	0x517b
#define MAGIC_CIFS	0xff534d42
#define MAGIC_SMB2	0xfe534d42
#define MAGIC_CEPH	0x00c36400
#define MAGIC_9P	0x01021997
#define MAGIC_AFS	0x5346414f
#define MAGIC_FUSE	0x65735546
#define MAGIC_GFS2	0x01161970
#define MAGIC_OCFS2	0x7461636f

static enum os_fs
fs_kind_of_magic(uint64_t magic)
{
	switch (magic & 0xffffffff) {
	case MAGIC_EXT4:
	case MAGIC_XFS:
	case MAGIC_BTRFS:
	case MAGIC_F2FS:
	case MAGIC_TMPFS:
		return OS_FS_LOCAL;
	case MAGIC_NFS:
	case MAGIC_SMB:
	case MAGIC_CIFS:
	case MAGIC_SMB2:
	case MAGIC_CEPH:
	case MAGIC_9P:
	case MAGIC_AFS:
	case MAGIC_FUSE:
	case MAGIC_GFS2:
	case MAGIC_OCFS2:
		return OS_FS_SHARED;
	}
	return OS_FS_OTHER;
}

#endif

enum os_fs
os_fs_kind(int fd)
{
#if defined(OS_LINUX)
	struct statfs fs;

	return fstatfs(fd, &fs) < 0 ? OS_FS_SHARED :
	    fs_kind_of_magic((uint64_t)fs.f_type);
#elif defined(OS_FREEBSD) || defined(OS_MACOS)
	struct statfs fs;

	/* Which clock stamps there, and how finely, is not known. */
	return fstatfs(fd, &fs) < 0 || (fs.f_flags & MNT_LOCAL) == 0 ||
	    strncmp(fs.f_fstypename, "fuse", 4) == 0 ? OS_FS_SHARED :
	    OS_FS_OTHER;
#else
	(void)fd;
	return OS_FS_SHARED;
#endif
}

/*
 * A directory has no second name, but rename replaces one that is empty, and no
 * other. Who is killed in between leaves an empty one.
 */
static int
rename_dir_slowly(int fromfd, const char *from, int tofd, const char *to)
{
	int saved;

	if (mkdirat(tofd, to, 0700) < 0)
		return -1;
	if (renameat(fromfd, from, tofd, to) == 0)
		return 0;
	saved = errno;
	unlinkat(tofd, to, AT_REMOVEDIR);
	errno = saved;
	return -1;
}

/*
 * When from goes away between link and unlink, somebody else renamed or removed
 * it: our new name is taken back and their will stands.
 */
static int
rename_file_slowly(int fromfd, const char *from, int tofd, const char *to)
{
	int saved;

	if (linkat(fromfd, from, tofd, to, 0) < 0)
		return -1;
	if (unlinkat(fromfd, from, 0) == 0)
		return 0;
	saved = errno;
	unlinkat(tofd, to, 0);
	errno = saved;
	return -1;
}

static int
rename_slowly(int fromfd, const char *from, int tofd, const char *to)
{
	struct stat st;

	if (fstatat(fromfd, from, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -1;
	return S_ISDIR(st.st_mode) ?
	    rename_dir_slowly(fromfd, from, tofd, to) :
	    rename_file_slowly(fromfd, from, tofd, to);
}

#if defined(OS_LINUX) && !defined(RENAME_NOREPLACE)

/* musl has no wrapper before 1.2.6. */
#define RENAME_NOREPLACE	1u

static int
renameat2(int fromfd, const char *from, int tofd, const char *to,
    unsigned flags)
{
	return (int)syscall(SYS_renameat2, fromfd, from, tofd, to, flags);
}

#endif

/* At once; EINVAL or ENOSYS where the system, or the file system, can't. */
static int
rename_new(int fromfd, const char *from, int tofd, const char *to)
{
#if defined(OS_LINUX)
	return renameat2(fromfd, from, tofd, to, RENAME_NOREPLACE);
#elif defined(OS_MACOS)
	int r = renameatx_np(fromfd, from, tofd, to, RENAME_EXCL);

	if (r < 0 && errno == ENOTSUP)
		errno = ENOSYS;
	return r;
#else
	(void)fromfd, (void)from, (void)tofd, (void)to;
	errno = ENOSYS;
	return -1;
#endif
}

int
os_rename_new(int fromfd, const char *from, int tofd, const char *to)
{
	int r = rename_new(fromfd, from, tofd, to);

	if (r < 0 && (errno == EINVAL || errno == ENOSYS))
		r = rename_slowly(fromfd, from, tofd, to);
	if (r < 0 && errno == ENOTEMPTY)
		errno = EEXIST;
	return r;
}

#if defined(OS_PORTABLE)
#define SEARCH	O_RDONLY
#elif defined(O_PATH)
#define SEARCH	O_PATH
#elif defined(O_SEARCH)
#define SEARCH	O_SEARCH
#else
#define SEARCH	O_RDONLY
#endif

int
os_open_search(int dirfd, const char *path)
{
	return openat(dirfd, path, SEARCH | O_DIRECTORY | O_CLOEXEC);
}

#ifdef OS_MACOS
#define STAT_TIME(st, which)	((st)->st_ ## which ## timespec)
#else
#define STAT_TIME(st, which)	((st)->st_ ## which ## tim)
#endif

struct timespec
os_mtime(const struct stat *st)
{
	return STAT_TIME(st, m);
}

struct timespec
os_ctime(const struct stat *st)
{
	return STAT_TIME(st, c);
}

struct timespec
os_atime(const struct stat *st)
{
	return STAT_TIME(st, a);
}

int
os_pipe(int fd[2])
{
#if defined(OS_LINUX) || defined(OS_FREEBSD)
	return pipe2(fd, O_CLOEXEC);
#else
	int saved;

	if (pipe(fd) < 0)
		return -1;
	/* A child that another thread starts just now would keep them. */
	if (fcntl(fd[0], F_SETFD, FD_CLOEXEC) == 0 &&
	    fcntl(fd[1], F_SETFD, FD_CLOEXEC) == 0)
		return 0;
	saved = errno;
	close(fd[0]);
	close(fd[1]);
	errno = saved;
	return -1;
#endif
}

#ifndef OS_LINUX

/* A directory that was removed reads as one that is empty. */
static int
check_there(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -1;
	if (st.st_nlink > 0)
		return 0;
	errno = ENOENT;
	return -1;
}

#endif

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

#if defined(OS_LINUX) || defined(OS_FREEBSD)
#ifdef OS_LINUX

/* As the kernel hands it out. */
struct dent {
	uint64_t d_ino;
	int64_t d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

static long
read_entries(int fd, void *room, size_t size)
{
	return syscall(SYS_getdents64, fd, room, size);
}

static bool
is_left_out(const struct dent *d)
{
	return is_dots(d->d_name);
}

static int
check_there(int fd)
{
	(void)fd;		/* the reading has failed then */
	return 0;
}

#else

#define dent dirent

static long
read_entries(int fd, void *room, size_t size)
{
	off_t base;

	return getdirentries(fd, room, size, &base);
}

static bool
is_left_out(const struct dent *d)
{
	return d->d_ino == 0 || is_dots(d->d_name);
}

#endif

static int
visit_room(const char *room, size_t n,
    int (*visit)(void *arg, const struct os_entry *), void *arg)
{
	for (size_t at = 0; at < n; ) {
		const struct dent *d = (const void *)(room + at);
		struct os_entry e = { d->d_name, d->d_ino, d->d_type };
		int r = is_left_out(d) ? 0 : visit(arg, &e);

		if (r != 0)
			return r;
		at += d->d_reclen;
	}
	return 0;
}

int
os_dir_read(int fd, struct os_reading *reading,
    int (*visit)(void *arg, const struct os_entry *), void *arg)
{
	unsigned calls = 0;
	long n;
	int r;

	reading->bytes = 0;
	reading->at_once = false;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	while ((n = read_entries(fd, reading->room, reading->size)) > 0) {
		calls++;
		reading->bytes += (uint64_t)n;
		r = visit_room(reading->room, (size_t)n, visit, arg);
		if (r != 0)
			return r;
	}
	reading->at_once = n == 0 && calls <= 1;
	return n < 0 ? -1 : check_there(fd);
}

#else

static int
visit_stream(DIR *dir, int (*visit)(void *arg, const struct os_entry *),
    void *arg)
{
	const struct dirent *d;
	int r = 0;

	for (errno = 0; r == 0 && (d = readdir(dir)) != NULL; errno = 0) {
		struct os_entry e = { d->d_name, d->d_ino, d->d_type };

		r = is_dots(d->d_name) ? 0 : visit(arg, &e);
	}
	return r == 0 && errno != 0 ? -1 : r;
}

/* How many calls the C library makes of it, it does not say. */
int
os_dir_read(int fd, struct os_reading *reading,
    int (*visit)(void *arg, const struct os_entry *), void *arg)
{
	int own = fcntl(fd, F_DUPFD_CLOEXEC, 0), saved, r;
	DIR *dir = own < 0 ? NULL : fdopendir(own);

	reading->bytes = 0;
	reading->at_once = false;
	if (dir == NULL) {
		saved = errno;
		if (own >= 0)
			close(own);
		errno = saved;
		return -1;
	}
	rewinddir(dir);
	r = visit_stream(dir, visit, arg);
	if (r == 0)
		r = check_there(fd);
	saved = errno;
	closedir(dir);
	errno = saved;
	return r;
}

#endif

/* --- the process --- */

/* What may be refused in odd surroundings; nothing of it is needed to go on. */
void
os_forbid_dump(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
#if defined(OS_LINUX)
	(void)prctl(PR_SET_DUMPABLE, 0);
#elif defined(OS_FREEBSD)
	(void)procctl(P_PID, getpid(), PROC_TRACE_CTL,
	    &(int){ PROC_TRACE_CTL_DISABLE });
#endif
}

void
os_one_heap(void)
{
#ifdef M_ARENA_MAX	/* glibc */
	mallopt(M_ARENA_MAX, 1);
#endif
}

void
os_name_thread(const char *name)
{
#if defined(OS_LINUX)
	pthread_setname_np(pthread_self(), name);
#elif defined(OS_MACOS)
	pthread_setname_np(name);
#else
	(void)name;
#endif
}

const char *
os_secure_getenv(const char *name)
{
#if defined(OS_LINUX)
	return secure_getenv(name);
#elif defined(OS_FREEBSD) || defined(OS_MACOS)
	return issetugid() ? NULL : getenv(name);
#else
	return getuid() != geteuid() || getgid() != getegid() ? NULL :
	    getenv(name);
#endif
}

/* The most that there is at once, or -1. */
static ssize_t
random_some(unsigned char *p, size_t n)
{
#if defined(OS_LINUX) || defined(OS_FREEBSD)
	return getrandom(p, n, 0);
#elif defined(OS_MACOS)
	size_t most = n < 256 ? n : 256;

	return getentropy(p, most) == 0 ? (ssize_t)most : -1;
#else
	int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC), saved;
	ssize_t got = fd < 0 ? -1 : read(fd, p, n);

	saved = errno;
	if (fd >= 0)
		close(fd);
	errno = saved;
	return got;
#endif
}

int
os_random(void *out, size_t n)
{
	unsigned char *p = out;

	while (n > 0) {
		ssize_t got = random_some(p, n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		p += got;
		n -= (size_t)got;
	}
	return 0;
}

#if !defined(OS_LINUX) && !defined(OS_FREEBSD)
/* The compiler can't know that this is still memset. */
static void *(*const volatile overwrite)(void *, int, size_t) = memset;
#endif

void
os_wipe(void *p, size_t n)
{
#if defined(OS_LINUX) || defined(OS_FREEBSD)
	explicit_bzero(p, n);
#else
	overwrite(p, 0, n);
#endif
}

/* --- TCP --- */

static void
tcp_set(int fd, int option, unsigned value)
{
	int n = (int)value;

	setsockopt(fd, IPPROTO_TCP, option, &n, sizeof(n));
}

void
os_tcp_acknowledge(int fd)
{
#ifdef TCP_QUICKACK
	tcp_set(fd, TCP_QUICKACK, 1);
#else
	(void)fd;
#endif
}

void
os_tcp_patience(int fd, unsigned probe_s, unsigned unacked_ms)
{
	tcp_set(fd, TCP_KEEPINTVL, probe_s);
#if defined(TCP_USER_TIMEOUT)
	tcp_set(fd, TCP_USER_TIMEOUT, unacked_ms);
#elif defined(TCP_MAXUNACKTIME)		/* FreeBSD */
	tcp_set(fd, TCP_MAXUNACKTIME, unacked_ms / 1000);
#elif defined(TCP_RXT_CONNDROPTIME)	/* macOS */
	tcp_set(fd, TCP_RXT_CONNDROPTIME, unacked_ms / 1000);
#else
	(void)unacked_ms;
#endif
}
