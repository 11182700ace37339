/*
 * measure: runs a program and tells what it cost.
 *
 *	measure OUT PROGRAM [ARGUMENT...]
 *
 * OUT gets one line of JSON: exit status (128 + signal if killed), seconds of
 * wall, user and system time, peak of resident memory in KiB. A program of its
 * own, because a child begins with the peak of whoever forked it, and that of
 * Python is higher than what is measured here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

static double
seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
fail(const char *what)
{
	fprintf(stderr, "measure: %s: %s\n", what, strerror(errno));
	return 2;
}

int
main(int argc, char **argv)
{
	struct rusage use;
	double start;
	int status;
	pid_t pid;
	FILE *out;

	if (argc < 3) {
		fputs("usage: measure OUT PROGRAM [ARGUMENT...]\n", stderr);
		return 2;
	}
	start = now();
	pid = fork();
	if (pid < 0)
		return fail("fork");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(argv[2], argv + 2);
		_exit(fail(argv[2]));
	}
	while (wait4(pid, &status, 0, &use) < 0)
		if (errno != EINTR)
			return fail("wait4");
	start = now() - start;
	out = fopen(argv[1], "w");
	if (out == NULL)
		return fail(argv[1]);
	fprintf(out, "{\"rc\": %d, \"wall\": %.6f, \"user\": %.6f, "
	    "\"system\": %.6f, \"peak_kib\": %ld}\n",
	    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
	    start, seconds(use.ru_utime), seconds(use.ru_stime),
	    use.ru_maxrss);
	if (fclose(out) != 0)
		return fail(argv[1]);
	return 0;
}
