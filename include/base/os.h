/*
 * What differs from one system to the next: glibc and musl on Linux, FreeBSD,
 * macOS. Nobody else asks which of them this is, or includes a header that only
 * some have. Where a system lacks something, it is done in another way that
 * keeps what is promised here.
 *
 * These are as system calls are: -1 with errno, EINTR too, unless it is said
 * otherwise. Any thread may call them.
 */
#ifndef BASE_OS_H
#define BASE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <time.h>

/* --- errors --- */

#define OS_ERROR_MAX	128

/* What the system says of an errno: in room, or a constant. Never empty; errno
 * stays as it is. */
const char *os_error_text(int error, char room[OS_ERROR_MAX]);

/* open refused to follow a link (O_NOFOLLOW), or followed too many. */
bool os_error_is_link(int error);

/* --- making durable --- */

/* fsync of a file or directory, down to the medium: where fsync leaves it in
 * the drive's cache (macOS), more than that. */
int os_sync(int fd);

/*
 * Whether os_sync_fs tells what went wrong there and costs no more than a
 * sync of one file: Linux from 5.8 on, local file systems.
 */
bool os_can_sync_fs(int fd);
int os_sync_fs(int fd);		/* syncfs; else ENOSYS */

/* --- files --- */

enum os_fs {
	OS_FS_LOCAL,	/* any change moves a directory's mtime, by the
			 * clock of this kernel */
	OS_FS_OTHER,
	OS_FS_SHARED,	/* others change it past this kernel; also when the
			 * system does not say */
};
enum os_fs os_fs_kind(int fd);

/*
 * Renames and never replaces: EEXIST when there is something at the new name.
 * Where the system can't do that at once, a file has both names for a moment,
 * and for a directory an empty one is made in its new place first.
 */
int os_rename_new(int fromfd, const char *from, int tofd, const char *to);

/* A directory, to open what lies below it and for nothing else: where the
 * system can, without permission to read it. Follows links. */
int os_open_search(int dirfd, const char *path);

struct timespec os_mtime(const struct stat *);
struct timespec os_ctime(const struct stat *);
struct timespec os_atime(const struct stat *);

/* A pipe whose ends are closed on exec. */
int os_pipe(int fd[2]);

struct os_entry {
	const char *name;	/* while it is visited */
	uint64_t inode;
	unsigned char type;	/* DT_REG ...; DT_UNKNOWN: ask stat */
};

struct os_reading {
	void *room;		/* the caller's; the more, the fewer calls */
	size_t size;		/* of room, 4096 or more */
	uint64_t bytes;		/* out: the room that it would take to come
				 * at once; 0 where it never does */
	bool at_once;		/* out: came by one call, during which the
				 * kernel let no change of its own in */
};

/*
 * Reads an open directory from its start. visit sees each entry but "." and
 * ".."; it returns 0, or 1 to end the reading, which is then returned. 0 at the
 * end, -1 with errno when reading failed (ENOENT: the directory was removed).
 */
int os_dir_read(int fd, struct os_reading *,
    int (*visit)(void *arg, const struct os_entry *), void *arg);

/* --- the process --- */

/* No core file, and no other process of this user looks into this one, as far
 * as the system can do that. */
void os_forbid_dump(void);

/* One heap for all threads: those of other threads grow a page at a time, with
 * a system call for each. Before there are any. */
void os_one_heap(void);

/* What the calling thread is called where threads are listed; at most 15
 * octets of it are shown. */
void os_name_thread(const char *name);

/* NULL also in a program that has more rights than who runs it. */
const char *os_secure_getenv(const char *name);

/* From the kernel, all n bytes. */
int os_random(void *, size_t n);

/* Overwrites also what is never read again. */
void os_wipe(void *, size_t n);

/* --- TCP: hints, without result --- */

/* Acknowledges what has come now, not with the next data. */
void os_tcp_acknowledge(int fd);

/* Seconds between two keepalive probes; milliseconds after which a peer that
 * acknowledges nothing is gone. */
void os_tcp_patience(int fd, unsigned probe_s, unsigned unacked_ms);

/* --- bytes --- */

static inline uint64_t
os_from_little_endian(uint64_t v)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	return __builtin_bswap64(v);
#else
	return v;
#endif
}

#endif
