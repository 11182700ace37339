/*
 * The commands of the program, one file each, and what the command line said.
 * main.c parses, picks a command from its table and runs it; a command prints
 * through cmd.report and returns the exit status of design section 8.
 */
#ifndef CMD_CMD_H
#define CMD_CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "ui/report.h"

struct cmd {
	const char *config;	/* -c; NULL: the default file */
	unsigned verbose;	/* how often -v */
	bool help, version;
	bool dry_run, full, adopt, force_deletes, undo_deletes;
	int64_t ignore;		/* --ignore; 0: not given */
	bool removed, follow;
	bool offline, repair;
	const char *since, *message_id, *to;	/* NULL: not given */
	const char *part, *time;		/* the same */
	struct report report;	/* holds --json and -q as well */
};

struct command {
	const char *name;
	const int *options;	/* its own, as getopt_long has them; 0 ends */
	/* arg are the operands, n of them. */
	int (*run)(struct cmd *, char **arg, int n);
};

extern const struct command cmd_sync, cmd_status, cmd_log, cmd_restore,
    cmd_verify, cmd_import;

/*
 * Reads options into cmd. Without a command (NULL) up to the first operand;
 * with one, global options and those of the command, anywhere behind its name
 * argv[0]. The index of the first operand, or -1 with ERR_USAGE.
 */
int cmd_options_parse(struct cmd *, const struct command *, int argc,
    char **argv, struct err *);

/* ERR_USAGE with the sentence and where to find help. Always -1. */
int cmd_usage_error(struct err *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* The known word nearest to this one, or NULL when none is near. */
const char *cmd_nearest(const char *word, const char *const *known, size_t n);

const char *cmd_usage_text(void);

#endif
