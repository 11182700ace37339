/*
 * The process and the command table. What the process must not do (leave
 * passwords in a core file, write mail that others can read, write log lines
 * into a file that happens to have descriptor 2) is settled before anything
 * else.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fatal.h"
#include "base/log.h"
#include "base/os.h"
#include "cmd/cmd.h"
#include "mail/fingerprint.h"

static const struct command *const commands[] = {
	&cmd_sync, &cmd_status, &cmd_log, &cmd_restore, &cmd_verify,
	&cmd_import
};

#define N_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

/* A file opened later must not become stdin, stdout or stderr. */
static void
open_standard_files(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			fatal("can't open /dev/null");
}

static void
harden(void)
{
	open_standard_files();
	umask(077);
	os_forbid_dump();
	signal(SIGPIPE, SIG_IGN);
}

static const struct command *
find_command(const char *name, struct err *err)
{
	const char *names[N_COMMANDS + 1], *near;
	size_t i;

	for (i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
		names[i] = commands[i]->name;
	}
	names[i] = "help";
	near = cmd_nearest(name, names, N_COMMANDS + 1);
	if (near != NULL)
		cmd_usage_error(err, "there is no command \"%s\"; did you "
		    "mean \"%s\"", name, near);
	else
		cmd_usage_error(err, "there is no command \"%s\"", name);
	return NULL;
}

static int
fail(struct cmd *cmd, const struct err *err)
{
	report_problem(&cmd->report, NULL, err);
	return err_exit_status(err->kind);
}

/* Where the command line asks for text only; false when it does not. */
static bool
print_text(struct cmd *cmd)
{
	if (cmd->help)
		fputs(cmd_usage_text(), cmd->report.out);
	else if (cmd->version)
		fprintf(cmd->report.out, "mailtern %s\n", MAILTERN_VERSION);
	return cmd->help || cmd->version;
}

static void
set_log_level(const struct cmd *cmd)
{
	log_set_level(cmd->verbose > 1 ? LOG_DEBUG :
	    cmd->verbose == 1 ? LOG_INFO : LOG_WARN);
}

/* argv[0] is the command's name. */
static int
run_command(struct cmd *cmd, int argc, char **argv)
{
	const struct command *command;
	struct err err = { 0 };
	int first;

	if (strcmp(argv[0], "help") == 0) {
		cmd->help = true;
		print_text(cmd);
		return 0;
	}
	command = find_command(argv[0], &err);
	if (command == NULL)
		return fail(cmd, &err);
	first = cmd_options_parse(cmd, command, argc, argv, &err);
	if (first < 0)
		return fail(cmd, &err);
	if (print_text(cmd))
		return 0;
	set_log_level(cmd);
	return command->run(cmd, argv + first, argc - first);
}

static int
run(struct cmd *cmd, int argc, char **argv)
{
	struct err err = { 0 };
	int first = cmd_options_parse(cmd, NULL, argc, argv, &err);

	if (first < 0)
		return fail(cmd, &err);
	if (print_text(cmd))
		return 0;
	if (first >= argc) {
		/* Nothing was asked for, so nothing was done. */
		fputs(cmd_usage_text(), stderr);
		return err_exit_status(ERR_USAGE);
	}
	return run_command(cmd, argc - first, argv + first);
}

int
main(int argc, char **argv)
{
	struct cmd cmd = { .report = { .out = stdout } };
	struct err err = { 0 };
	int status;

	harden();
	os_one_heap();
	fingerprint_init();
	status = run(&cmd, argc, argv);
	if (report_close(&cmd.report, &err) < 0) {
		report_problem(&cmd.report, NULL, &err);
		status = err_exit_worse(status, err_exit_status(err.kind));
	}
	return status;
}
