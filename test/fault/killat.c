/*
 * killat: runs a program and kills it, with every process and thread it has,
 * at its N-th system call.
 *
 *	killat [-w] [-g DIR]... [-o FILE] N enter|exit -- PROGRAM [ARGUMENT...]
 *	killat [-w] [-g DIR]... [-o FILE] -c -- PROGRAM [ARGUMENT...]
 *
 * System calls are counted over all threads and children together, from the
 * first one after the program was executed. "enter" kills before the call has
 * an effect, "exit" after it, before the program sees the result. With -w only
 * calls that change a file, a directory or a connection count; the others then
 * run at full speed (seccomp stops for the counted ones alone). -c only
 * counts. -o writes one line for each counted call: number, thread, name.
 *
 * With -g the power goes at that moment for the file systems that DIRs lie on
 * (ext4, XFS): what was not made durable is gone with the next mount. With -c
 * it goes as soon as the program has ended by itself.
 *
 * The last line on stdout is "fired=1 call=NAME", or "fired=0 total=M exit=S"
 * when the program ended before (S: its exit status, 128 + signal if killed).
 * killat itself exits with 0, or 2 when it could not do its work.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#define NELEM(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_TIDS 1024
#define MAX_DISKS 4

/* EXT4_IOC_SHUTDOWN, which is XFS_IOC_GOINGDOWN; 2: don't flush the log. */
#define IOC_SHUTDOWN _IOR('X', 125, uint32_t)
#define NO_LOG_FLUSH 2

struct call {
	long nr;
	const char *name;
};

/* What -w counts; openat only with O_CREAT or O_TRUNC. */
static const struct call changing[] = {
	{ SYS_write, "write" }, { SYS_pwrite64, "pwrite64" },
	{ SYS_writev, "writev" }, { SYS_pwritev, "pwritev" },
	{ SYS_pwritev2, "pwritev2" }, { SYS_sendto, "sendto" },
	{ SYS_sendmsg, "sendmsg" }, { SYS_sendmmsg, "sendmmsg" },
	{ SYS_sendfile, "sendfile" }, { SYS_splice, "splice" },
	{ SYS_copy_file_range, "copy_file_range" },
	{ SYS_renameat, "renameat" }, { SYS_renameat2, "renameat2" },
	{ SYS_linkat, "linkat" }, { SYS_symlinkat, "symlinkat" },
	{ SYS_unlinkat, "unlinkat" }, { SYS_mkdirat, "mkdirat" },
	{ SYS_fsync, "fsync" }, { SYS_fdatasync, "fdatasync" },
	{ SYS_syncfs, "syncfs" }, { SYS_sync, "sync" },
	{ SYS_ftruncate, "ftruncate" }, { SYS_truncate, "truncate" },
	{ SYS_fallocate, "fallocate" }, { SYS_utimensat, "utimensat" },
	{ SYS_fchmod, "fchmod" }, { SYS_fchmodat, "fchmodat" },
#ifdef SYS_rename
	{ SYS_rename, "rename" }, { SYS_link, "link" },
	{ SYS_symlink, "symlink" }, { SYS_unlink, "unlink" },
	{ SYS_mkdir, "mkdir" }, { SYS_rmdir, "rmdir" },
	{ SYS_creat, "creat" }, { SYS_chmod, "chmod" },
	{ SYS_utime, "utime" }, { SYS_utimes, "utimes" },
	{ SYS_futimesat, "futimesat" },
#endif
};

/* Names of the rest that one meets. */
static const struct call others[] = {
	{ SYS_openat, "openat" }, { SYS_read, "read" }, { SYS_close, "close" },
	{ SYS_pread64, "pread64" }, { SYS_readv, "readv" },
	{ SYS_lseek, "lseek" }, { SYS_fstat, "fstat" },
	{ SYS_newfstatat, "newfstatat" }, { SYS_statx, "statx" },
	{ SYS_getdents64, "getdents64" }, { SYS_fcntl, "fcntl" },
	{ SYS_flock, "flock" }, { SYS_mmap, "mmap" }, { SYS_brk, "brk" },
	{ SYS_munmap, "munmap" }, { SYS_mprotect, "mprotect" },
	{ SYS_futex, "futex" }, { SYS_epoll_pwait, "epoll_pwait" },
	{ SYS_epoll_ctl, "epoll_ctl" }, { SYS_recvfrom, "recvfrom" },
	{ SYS_recvmsg, "recvmsg" }, { SYS_socket, "socket" },
	{ SYS_connect, "connect" }, { SYS_getrandom, "getrandom" },
	{ SYS_clone, "clone" }, { SYS_clone3, "clone3" },
	{ SYS_execve, "execve" }, { SYS_exit_group, "exit_group" },
	{ SYS_exit, "exit" }, { SYS_rt_sigaction, "rt_sigaction" },
	{ SYS_rt_sigprocmask, "rt_sigprocmask" },
#ifdef SYS_epoll_wait
	{ SYS_epoll_wait, "epoll_wait" }, { SYS_open, "open" },
	{ SYS_access, "access" },
#endif
};

struct tracer {
	unsigned long at;	/* the call to kill at; 0: only count */
	bool at_exit;
	bool only_changing;
	int power_fd[MAX_DISKS];
	size_t n_disks;
	FILE *trace;
	char **argv;

	pid_t child;
	bool started;		/* the program was executed */
	unsigned long count;
	pid_t armed;		/* kill when this thread leaves its call */
	bool fired;
	const char *fired_name;
	int status;		/* of the child */
	pid_t tids[MAX_TIDS];
	size_t n_tids;
};

static void
die(const char *what)
{
	fprintf(stderr, "killat: %s: %s\n", what, strerror(errno));
	exit(2);
}

/* Twice does no harm. */
static void
cut_power(const struct tracer *t)
{
	uint32_t how = NO_LOG_FLUSH;

	for (size_t i = 0; i < t->n_disks; i++)
		if (ioctl(t->power_fd[i], IOC_SHUTDOWN, &how) < 0)
			die("shut the file system down");
}

static void
add_disk(struct tracer *t, const char *dir)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		die(dir);
	if (t->n_disks == MAX_DISKS) {
		fprintf(stderr, "killat: too many -g\n");
		exit(2);
	}
	t->power_fd[t->n_disks++] = fd;
}

static const char *
call_name(uint64_t nr)
{
	static const char unknown[] = "other";

	for (size_t i = 0; i < NELEM(changing); i++)
		if ((uint64_t)changing[i].nr == nr)
			return changing[i].name;
	for (size_t i = 0; i < NELEM(others); i++)
		if ((uint64_t)others[i].nr == nr)
			return others[i].name;
	return unknown;
}

static void
filter_add(struct sock_filter *f, size_t *n, struct sock_filter one)
{
	f[(*n)++] = one;
}

#define STMT(code, k) (struct sock_filter)BPF_STMT(code, k)
#define JUMP(code, k, t, f) (struct sock_filter)BPF_JUMP(code, k, t, f)

/* One "is it this call? trace" pair for each entry of the table. */
static void
install_filter(void)
{
	struct sock_filter f[2 * NELEM(changing) + 32];
	struct sock_fprog prog;
	size_t n = 0;
	const uint32_t create = O_CREAT | O_TRUNC;

	filter_add(f, &n, STMT(BPF_LD | BPF_W | BPF_ABS,
	    offsetof(struct seccomp_data, nr)));
	for (size_t i = 0; i < NELEM(changing); i++) {
		filter_add(f, &n, JUMP(BPF_JMP | BPF_JEQ | BPF_K,
		    (uint32_t)changing[i].nr, 0, 1));
		filter_add(f, &n, STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
	}
#ifdef SYS_open
	filter_add(f, &n, JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_open, 0, 4));
	filter_add(f, &n, STMT(BPF_LD | BPF_W | BPF_ABS,
	    offsetof(struct seccomp_data, args[1])));
	filter_add(f, &n, JUMP(BPF_JMP | BPF_JSET | BPF_K, create, 0, 1));
	filter_add(f, &n, STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
	filter_add(f, &n, STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
#endif
	filter_add(f, &n, JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 3));
	filter_add(f, &n, STMT(BPF_LD | BPF_W | BPF_ABS,
	    offsetof(struct seccomp_data, args[2])));
	filter_add(f, &n, JUMP(BPF_JMP | BPF_JSET | BPF_K, create, 0, 1));
	filter_add(f, &n, STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE));
	filter_add(f, &n, STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));

	prog.len = (unsigned short)n;
	prog.filter = f;
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
	if (t->only_changing)
		install_filter();
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
	/* Stopped and sent on in the mode that shows what we look for. */
	if (ptrace(PTRACE_INTERRUPT, t->child, 0, 0) < 0)
		die("ptrace interrupt");
	if (write(go[1], "", 1) != 1)
		die("write");
	close(go[1]);
}

static void
tid_add(struct tracer *t, pid_t tid)
{
	for (size_t i = 0; i < t->n_tids; i++)
		if (t->tids[i] == tid)
			return;
	if (t->n_tids == MAX_TIDS) {
		fprintf(stderr, "killat: too many threads\n");
		exit(2);	/* EXITKILL takes them along */
	}
	t->tids[t->n_tids++] = tid;
}

static void
tid_remove(struct tracer *t, pid_t tid)
{
	for (size_t i = 0; i < t->n_tids; i++)
		if (t->tids[i] == tid)
			t->tids[i] = t->tids[--t->n_tids];
}

/* In this order no thread sees that the file system is gone. */
static void
fire(struct tracer *t, const char *name)
{
	for (size_t i = 0; i < t->n_tids; i++)
		kill(t->tids[i], SIGKILL);
	cut_power(t);
	t->fired = true;
	t->fired_name = name;
}

/* A counted call begins. True: it is to be followed to its end. */
static bool
count_call(struct tracer *t, pid_t tid, uint64_t nr)
{
	const char *name = call_name(nr);

	t->count++;
	if (t->trace != NULL)
		fprintf(t->trace, "%lu %d %s %llu\n", t->count, (int)tid, name,
		    (unsigned long long)nr);
	if (t->count != t->at)
		return false;
	if (!t->at_exit) {
		fire(t, name);
		return false;
	}
	t->armed = tid;
	t->fired_name = name;
	return true;
}

/* A system-call stop: what to continue with. */
static enum __ptrace_request
on_syscall(struct tracer *t, pid_t tid)
{
	struct __ptrace_syscall_info info;
	enum __ptrace_request how = t->only_changing ? PTRACE_CONT :
	    PTRACE_SYSCALL;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof(info), &info) <= 0)
		return how;
	switch (info.op) {
	case PTRACE_SYSCALL_INFO_SECCOMP:
		if (t->started && count_call(t, tid, info.seccomp.nr))
			how = PTRACE_SYSCALL;
		break;
	case PTRACE_SYSCALL_INFO_ENTRY:
		if (t->started && !t->only_changing)
			count_call(t, tid, info.entry.nr);
		break;
	case PTRACE_SYSCALL_INFO_EXIT:
		if (t->armed == tid && !t->fired)
			fire(t, t->fired_name);
		break;
	}
	return how;
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
	enum __ptrace_request how = t->only_changing ? PTRACE_CONT :
	    PTRACE_SYSCALL;
	int sig = WSTOPSIG(status), event = status >> 16;
	int deliver = 0;

	tid_add(t, tid);
	if (sig == (SIGTRAP | 0x80) || event == PTRACE_EVENT_SECCOMP)
		how = on_syscall(t, tid);
	else if (event == PTRACE_EVENT_STOP && is_group_stop(sig))
		how = PTRACE_LISTEN;
	else if (event == PTRACE_EVENT_EXEC)
		t->started = true;
	else if (event == 0)
		deliver = sig;
	if (t->fired)
		kill(tid, SIGKILL);
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
		if (WIFSTOPPED(status)) {
			on_stop(t, tid, status);
			continue;
		}
		tid_remove(t, tid);
		if (tid != t->child)
			continue;
		t->status = WIFEXITED(status) ? WEXITSTATUS(status) :
		    128 + WTERMSIG(status);
		if (t->at == 0)
			cut_power(t);
	}
}

static void
usage(void)
{
	fprintf(stderr,
	    "usage: killat [-w] [-g DIR]... [-o FILE] N enter|exit -- "
	    "PROGRAM ...\n"
	    "       killat [-w] [-g DIR]... [-o FILE] -c -- PROGRAM ...\n");
	exit(2);
}

static void
parse_options(struct tracer *t, int argc, char **argv)
{
	bool only_count = false;
	char *end;
	int c;

	while ((c = getopt(argc, argv, "+cwg:o:")) != -1) {
		switch (c) {
		case 'c': only_count = true; break;
		case 'w': t->only_changing = true; break;
		case 'g': add_disk(t, optarg); break;
		case 'o':
			t->trace = fopen(optarg, "we");
			if (t->trace == NULL)
				die(optarg);
			break;
		default: usage();
		}
	}
	if (!only_count) {
		/* Not the "--" that getopt has already passed. */
		if (argc - optind < 2 || strcmp(argv[optind - 1], "--") == 0)
			usage();
		t->at = strtoul(argv[optind], &end, 10);
		t->at_exit = strcmp(argv[optind + 1], "exit") == 0;
		if (t->at == 0 || *end != '\0' || (!t->at_exit &&
		    strcmp(argv[optind + 1], "enter") != 0))
			usage();
		optind += 2;
		if (optind < argc && strcmp(argv[optind], "--") == 0)
			optind++;
	}
	if (optind >= argc)
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
	if (t.trace != NULL && fclose(t.trace) != 0)
		die("trace file");
	if (t.fired)
		printf("fired=1 call=%s\n", t.fired_name);
	else
		printf("fired=0 total=%lu exit=%d\n", t.count, t.status);
	return fflush(stdout) == 0 ? 0 : 2;
}
