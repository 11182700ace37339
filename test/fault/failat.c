/*
 * failat: runs a program and lets one of its system calls fail.
 *
 *	failat [-m DIR] [-s DIR] -o FILE -c -- PROGRAM [ARGUMENT...]
 *	failat [-m DIR] [-s DIR] [-f] -o FILE CALL CLASS N HOW -- PROGRAM ...
 *
 * A site is a system call (openat-create: one with O_CREAT) and the class of
 * what it works on, which its path tells; -m names the Maildir, -s the state
 * directory. The N-th call of that site, counted over all threads and children,
 * returns the error HOW (a number) without being carried out; with -f so does
 * every later one. HOW "short" halves the number of bytes asked for instead.
 *
 * FILE gets "fired=TIMES seen=CALLS exit=STATUS", 128 + signal if killed, and
 * behind that what the first call that fired worked on; with -c one line
 * "COUNT CALL CLASS" for each site. failat itself exits with 0, or 2 when it
 * could not do its work.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef __x86_64__
#error "failat changes registers, and knows those of x86-64 only"
#endif

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_SITES 256
#define PATH_ROOM (2 * PATH_MAX)

/* Where a call says what it works on. */
enum object {
	BY_FD,		/* the first argument */
	BY_PATH,	/* the first argument */
	AT_PATH,	/* a directory, and a path in it */
	IS_SOCKET,
};

struct call {
	long nr;
	const char *name;
	enum object object;
};

static const struct call calls[] = {
	{ SYS_write, "write", BY_FD }, { SYS_pwrite64, "pwrite64", BY_FD },
	{ SYS_writev, "writev", BY_FD }, { SYS_pwritev, "pwritev", BY_FD },
	{ SYS_read, "read", BY_FD }, { SYS_pread64, "pread64", BY_FD },
	{ SYS_readv, "readv", BY_FD }, { SYS_getdents64, "getdents64", BY_FD },
	{ SYS_fsync, "fsync", BY_FD }, { SYS_fdatasync, "fdatasync", BY_FD },
	{ SYS_syncfs, "syncfs", BY_FD }, { SYS_ftruncate, "ftruncate", BY_FD },
	{ SYS_fallocate, "fallocate", BY_FD }, { SYS_fchmod, "fchmod", BY_FD },
	{ SYS_fstat, "fstat", BY_FD }, { SYS_fstatfs, "fstatfs", BY_FD },
	{ SYS_flock, "flock", BY_FD }, { SYS_fcntl, "fcntl-lock", BY_FD },
	{ SYS_lseek, "lseek", BY_FD },
	{ SYS_copy_file_range, "copy_file_range", BY_FD },
	{ SYS_openat, "openat", AT_PATH },
	{ SYS_newfstatat, "newfstatat", AT_PATH },
	{ SYS_statx, "statx", AT_PATH },
	{ SYS_faccessat, "faccessat", AT_PATH },
	{ SYS_renameat, "renameat", AT_PATH },
	{ SYS_renameat2, "renameat2", AT_PATH },
	{ SYS_linkat, "linkat", AT_PATH },
	{ SYS_unlinkat, "unlinkat", AT_PATH },
	{ SYS_mkdirat, "mkdirat", AT_PATH },
	{ SYS_utimensat, "utimensat", AT_PATH },
	{ SYS_fchmodat, "fchmodat", AT_PATH },
	{ SYS_open, "open", BY_PATH }, { SYS_stat, "stat", BY_PATH },
	{ SYS_lstat, "lstat", BY_PATH }, { SYS_access, "access", BY_PATH },
	{ SYS_rename, "rename", BY_PATH }, { SYS_link, "link", BY_PATH },
	{ SYS_unlink, "unlink", BY_PATH }, { SYS_mkdir, "mkdir", BY_PATH },
	{ SYS_rmdir, "rmdir", BY_PATH }, { SYS_statfs, "statfs", BY_PATH },
	{ SYS_socket, "socket", IS_SOCKET }, { SYS_connect, "connect", BY_FD },
	{ SYS_sendto, "sendto", BY_FD }, { SYS_sendmsg, "sendmsg", BY_FD },
	{ SYS_recvfrom, "recvfrom", BY_FD },
	{ SYS_recvmsg, "recvmsg", BY_FD },
};

struct site {
	const char *call, *class;
	unsigned long count;
};

struct tracer {
	const char *maildir, *state;
	bool only_count, for_ever, half;
	const char *call, *class;
	unsigned long at;
	int error;
	FILE *out;
	char **argv;

	pid_t child;
	bool started;		/* the program was executed */
	unsigned long seen, fired;
	char first[PATH_ROOM];	/* what it fired on */
	pid_t shortened;	/* this thread's call asks for half */
	unsigned long long whole;	/* what it asked for */
	int status;		/* of the child */
	struct site site[MAX_SITES];
	size_t n_sites;
};

static void
die(const char *what)
{
	fprintf(stderr, "failat: %s: %s\n", what, strerror(errno));
	exit(2);
}

static const struct call *
call_of(unsigned long long nr)
{
	for (size_t i = 0; i < NELEM(calls); i++)
		if ((unsigned long long)calls[i].nr == nr)
			return &calls[i];
	return NULL;
}

/* "openat-create" is an openat. */
static bool
is_wanted(const struct tracer *t, const struct call *c)
{
	size_t n;

	if (t->only_count || strcmp(t->call, c->name) == 0)
		return true;
	n = strcspn(t->call, "-");
	return strncmp(t->call, c->name, n) == 0 && c->name[n] == '\0';
}

/* --- the child --- */

#define STMT(code, k) (struct sock_filter)BPF_STMT(code, k)
#define JUMP(code, k, t, f) (struct sock_filter)BPF_JUMP(code, k, t, f)

/* Stops for the calls that matter; the others run at full speed. */
static void
install_filter(const struct tracer *t)
{
	struct sock_filter f[2 * NELEM(calls) + 8];
	struct sock_fprog prog = { .filter = f };

	f[prog.len++] = STMT(BPF_LD | BPF_W | BPF_ABS,
	    offsetof(struct seccomp_data, nr));
	f[prog.len++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_prctl, 0, 1);
	f[prog.len++] = STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	for (size_t i = 0; i < NELEM(calls); i++) {
		if (!is_wanted(t, &calls[i]))
			continue;
		f[prog.len++] = JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		    (uint32_t)calls[i].nr, 0, 1);
		f[prog.len++] = STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
	}
	f[prog.len++] = STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("no_new_privs");
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		die("seccomp");
}

static void
run_child(const struct tracer *t, int go)
{
	char c;

	if (read(go, &c, 1) != 1)
		_exit(2);
	close(go);
	install_filter(t);
	execvp(t->argv[0], t->argv);
	die(t->argv[0]);
}

static void
start(struct tracer *t)
{
	const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE |
	    PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC |
	    PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACESECCOMP;
	int go[2];

	if (pipe2(go, O_CLOEXEC) < 0)
		die("pipe");
	t->child = fork();
	if (t->child < 0)
		die("fork");
	if (t->child == 0) {
		close(go[1]);
		run_child(t, go[0]);
	}
	close(go[0]);
	if (ptrace(PTRACE_SEIZE, t->child, 0, options) < 0)
		die("ptrace");
	if (write(go[1], "", 1) != 1)
		die("write");
	close(go[1]);
}

/* --- what a call works on --- */

/* A string of the traced process; "" when it can't be had. */
static void
peek_string(pid_t tid, unsigned long long address, char *out, size_t room)
{
	const size_t page = 4096;
	size_t n = 0;

	out[0] = '\0';
	while (n < room - 1 && address != 0) {
		size_t want = page - (address + n) % page;
		struct iovec to = { out + n, want < room - 1 - n ? want :
		    room - 1 - n };
		struct iovec from = { (void *)(uintptr_t)(address + n),
		    to.iov_len };
		ssize_t got = process_vm_readv(tid, &to, 1, &from, 1, 0);

		if (got <= 0)
			break;
		if (memchr(out + n, '\0', (size_t)got) != NULL)
			return;
		n += (size_t)got;
	}
	out[n] = '\0';
}

static void
fd_path(pid_t tid, int fd, char *out, size_t room)
{
	char link[64];
	ssize_t n;

	if (fd == AT_FDCWD)
		snprintf(link, sizeof(link), "/proc/%d/cwd", (int)tid);
	else
		snprintf(link, sizeof(link), "/proc/%d/fd/%d", (int)tid, fd);
	n = readlink(link, out, room - 1);
	out[n < 0 ? 0 : n] = '\0';
}

static void
object_path(pid_t tid, const struct call *c,
    const struct user_regs_struct *r, char out[PATH_ROOM])
{
	char name[PATH_MAX];
	size_t n;

	out[0] = '\0';
	if (c->object == IS_SOCKET) {
		snprintf(out, PATH_ROOM, "socket:");
		return;
	}
	if (c->object == BY_PATH)
		peek_string(tid, r->rdi, name, sizeof(name));
	else if (c->object == AT_PATH)
		peek_string(tid, r->rsi, name, sizeof(name));
	else
		name[0] = '\0';
	if (name[0] != '/')
		fd_path(tid, c->object == BY_PATH ? AT_FDCWD : (int)r->rdi,
		    out, PATH_MAX);
	n = strlen(out);
	if (name[0] != '\0')
		snprintf(out + n, PATH_ROOM - n, "%s%s", n > 0 ? "/" : "",
		    name);
}

static bool
below(const char *path, const char *dir)
{
	size_t n = dir != NULL ? strlen(dir) : 0;

	return n > 0 && strncmp(path, dir, n) == 0 &&
	    (path[n] == '/' || path[n] == '\0');
}

static bool
ends(const char *path, const char *tail)
{
	size_t n = strlen(path), m = strlen(tail);

	return n >= m && strcmp(path + n - m, tail) == 0;
}

static bool
is_directory(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* NULL: the loader's, or what the loop is made of. */
static const char *
class_of(const struct tracer *t, const struct call *c,
    const struct user_regs_struct *r, const char *path)
{
	if (c->object == BY_FD && (r->rdi == 1 || r->rdi == 2))
		return r->rdi == 1 ? "stdout" : "stderr";
	if (below(path, t->maildir))
		return strstr(path, "/.mailtern") != NULL ? "marker" :
		    is_directory(path) ? "folder" :
		    strstr(path, "/tmp/") != NULL ? "tmp" : "message";
	if (below(path, t->state))
		return ends(path, "-wal") ? "wal" : ends(path, "-shm") ?
		    "shm" : ends(path, ".lock") ? "lock" :
		    ends(path, ".db") ? "index" : "state";
	if (strncmp(path, "socket:", 7) == 0)
		return "socket";
	if (below(path, "/lib") || below(path, "/usr/lib") ||
	    below(path, "/lib64") || strncmp(path, "/etc/ld.so", 10) == 0 ||
	    path[0] != '/')
		return NULL;
	if (ends(path, "/syncrc"))
		return "syncrc";
	return below(path, "/dev/null") || below(path, "/dev/urandom") ?
	    "device" : is_directory(path) ? "above" : "system";
}

/* --- the calls --- */

static void
count_site(struct tracer *t, const char *call, const char *class)
{
	size_t i;

	for (i = 0; i < t->n_sites; i++)
		if (strcmp(t->site[i].call, call) == 0 &&
		    strcmp(t->site[i].class, class) == 0)
			break;
	if (i == MAX_SITES) {
		fprintf(stderr, "failat: too many sites\n");
		exit(2);
	}
	t->n_sites += i == t->n_sites;
	t->site[i].call = call;
	t->site[i].class = class;
	t->site[i].count++;
}

static void
set_registers(pid_t tid, struct user_regs_struct *r)
{
	if (ptrace(PTRACE_SETREGS, tid, 0, r) < 0 && errno != ESRCH)
		die("ptrace: set registers");
}

/* A call with the number -1 is not carried out, and returns what is in rax. */
static void
refuse(pid_t tid, struct user_regs_struct *r, int error)
{
	r->orig_rax = (unsigned long long)-1;
	r->rax = (unsigned long long)-(long long)error;
	set_registers(tid, r);
}

/* True: to be followed to its end, where the register is put right again. */
static bool
fire(struct tracer *t, pid_t tid, struct user_regs_struct *r, const char *path)
{
	if (t->fired++ == 0)
		snprintf(t->first, sizeof(t->first), "%s", path);
	if (!t->half) {
		refuse(tid, r, t->error);
		return false;
	}
	if (r->rdx < 2 || t->shortened != 0)
		return false;
	t->shortened = tid;
	t->whole = r->rdx;
	r->rdx /= 2;
	set_registers(tid, r);
	return true;
}

static bool
is_lock(unsigned long long command)
{
	return command == F_SETLK || command == F_SETLKW ||
	    command == F_OFD_SETLK || command == F_OFD_SETLKW;
}

/* A call begins. True: it is to be followed to its end. */
static bool
on_call(struct tracer *t, pid_t tid)
{
	struct user_regs_struct r;
	const struct call *c;
	const char *name, *class;
	char path[PATH_ROOM];

	if (ptrace(PTRACE_GETREGS, tid, 0, &r) < 0)
		return false;
	/* A program that can't be dumped hides its memory from us as well. */
	if (r.orig_rax == SYS_prctl) {
		if (r.rdi == PR_SET_DUMPABLE)
			refuse(tid, &r, 0);
		return false;
	}
	c = call_of(r.orig_rax);
	if (c == NULL || !t->started ||
	    (r.orig_rax == SYS_fcntl && !is_lock(r.rsi)))
		return false;
	name = r.orig_rax == SYS_openat && (r.rdx & O_CREAT) != 0 ?
	    "openat-create" : c->name;
	object_path(tid, c, &r, path);
	class = class_of(t, c, &r, path);
	if (class == NULL)
		return false;
	if (t->only_count) {
		count_site(t, name, class);
		return false;
	}
	if (strcmp(name, t->call) != 0 || strcmp(class, t->class) != 0)
		return false;
	t->seen++;
	return (t->seen == t->at || (t->for_ever && t->seen > t->at)) &&
	    fire(t, tid, &r, path);
}

/* The end of a shortened call: a system call keeps its arguments. */
static void
restore(struct tracer *t, pid_t tid)
{
	struct user_regs_struct r;

	t->shortened = 0;
	if (ptrace(PTRACE_GETREGS, tid, 0, &r) < 0)
		return;
	r.rdx = t->whole;
	set_registers(tid, &r);
}

static bool
is_group_stop(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN ||
	    sig == SIGTTOU;
}

static void
on_stop(struct tracer *t, pid_t tid, int status)
{
	enum __ptrace_request how = PTRACE_CONT;
	int sig = WSTOPSIG(status), event = status >> 16;
	int deliver = 0;

	if (event == PTRACE_EVENT_SECCOMP) {
		if (on_call(t, tid))
			how = PTRACE_SYSCALL;
	} else if (sig == (SIGTRAP | 0x80)) {
		struct __ptrace_syscall_info info;

		/* The entry comes once more, behind the filter's stop. */
		if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info),
		    &info) > 0 && info.op != PTRACE_SYSCALL_INFO_EXIT)
			how = PTRACE_SYSCALL;
		else if (t->shortened == tid)
			restore(t, tid);
	} else if (event == PTRACE_EVENT_STOP && is_group_stop(sig))
		how = PTRACE_LISTEN;
	else if (event == PTRACE_EVENT_EXEC)
		t->started = true;
	else if (event == 0)
		deliver = sig;
	/* ESRCH: it was killed meanwhile. */
	if (ptrace(how, tid, 0, deliver) < 0 && errno != ESRCH)
		die("ptrace continue");
}

static void
watch(struct tracer *t)
{
	pid_t tid;
	int status;

	for (;;) {
		tid = waitpid(-1, &status, __WALL);
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0 && errno == ECHILD)
			return;
		if (tid < 0)
			die("waitpid");
		if (WIFSTOPPED(status))
			on_stop(t, tid, status);
		else if (tid == t->child)
			t->status = WIFEXITED(status) ? WEXITSTATUS(status) :
			    128 + WTERMSIG(status);
	}
}

static void
usage(void)
{
	fprintf(stderr,
	    "usage: failat [-m DIR] [-s DIR] -o FILE -c -- PROGRAM ...\n"
	    "       failat [-m DIR] [-s DIR] [-f] -o FILE CALL CLASS N "
	    "ERRNO|short -- PROGRAM ...\n");
	exit(2);
}

static void
parse_site(struct tracer *t, char **arg)
{
	t->call = arg[0];
	t->class = arg[1];
	t->at = strtoul(arg[2], NULL, 10);
	t->half = strcmp(arg[3], "short") == 0;
	t->error = t->half ? 0 : (int)strtol(arg[3], NULL, 10);
	if (t->at == 0 || (!t->half && t->error <= 0))
		usage();
}

static void
parse_options(struct tracer *t, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "+cfm:o:s:")) != -1) {
		switch (c) {
		case 'c': t->only_count = true; break;
		case 'f': t->for_ever = true; break;
		case 'm': t->maildir = optarg; break;
		case 's': t->state = optarg; break;
		case 'o':
			t->out = fopen(optarg, "we");
			if (t->out == NULL)
				die(optarg);
			break;
		default: usage();
		}
	}
	if (!t->only_count) {
		if (argc - optind < 5)
			usage();
		parse_site(t, argv + optind);
		optind += 4;
		if (strcmp(argv[optind], "--") == 0)
			optind++;
	}
	if (t->out == NULL || optind >= argc)
		usage();
	t->argv = argv + optind;
}

int
main(int argc, char **argv)
{
	static struct tracer t;

	parse_options(&t, argc, argv);
	fflush(NULL);
	start(&t);
	watch(&t);
	for (size_t i = 0; i < t.n_sites; i++)
		fprintf(t.out, "%lu %s %s\n", t.site[i].count, t.site[i].call,
		    t.site[i].class);
	fprintf(t.out, "fired=%lu seen=%lu exit=%d %s\n", t.fired, t.seen,
	    t.status, t.first);
	if (fclose(t.out) != 0)
		die("result");
	return 0;
}
