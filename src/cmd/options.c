/*
 * Reads the command line, by one table of options for all commands. Each
 * command says which of them it takes. getopt_long prints nothing: every error
 * is one sentence of ours.
 */
#include "cmd/cmd.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "internal.h"

#define NEAR	3	/* edits that still look like a slip */

static const struct option long_options[] = {
	{ "adopt", no_argument, NULL, OPT_ADOPT },
	/* For tests, and nowhere else: the clock is so many seconds ahead. */
	{ "clock-ahead", required_argument, NULL, OPT_CLOCK_AHEAD },
	{ "dry-run", no_argument, NULL, 'n' },
	{ "follow", no_argument, NULL, OPT_FOLLOW },
	{ "force-deletes", no_argument, NULL, OPT_FORCE_DELETES },
	{ "full", no_argument, NULL, OPT_FULL },
	{ "help", no_argument, NULL, 'h' },
	{ "ignore", required_argument, NULL, OPT_IGNORE },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "message-id", required_argument, NULL, OPT_MESSAGE_ID },
	{ "offline", no_argument, NULL, OPT_OFFLINE },
	{ "part", required_argument, NULL, OPT_PART },
	{ "removed", no_argument, NULL, OPT_REMOVED },
	{ "repair", no_argument, NULL, OPT_REPAIR },
	{ "since", required_argument, NULL, OPT_SINCE },
	{ "time", required_argument, NULL, OPT_TIME },
	{ "to", required_argument, NULL, OPT_TO },
	{ "undo-deletes", no_argument, NULL, OPT_UNDO_DELETES },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

#define N_LONG	(sizeof(long_options) / sizeof(long_options[0]) - 1)

static const char usage_text[] =
"usage: mailtern [-c FILE] [-q | -v] [--json] COMMAND [ARGUMENT...]\n"
"\n"
"Keeps IMAP accounts and Maildirs the same, in both directions.\n"
"\n"
"  sync [ACCOUNT[:GLOB]]...  synchronise once, all accounts by default\n"
"      -n, --dry-run         say what would be done, but do it not\n"
"      --full                trust no shortcut, list everything\n"
"      --adopt               go on where the Maildir may be the wrong one\n"
"      --force-deletes       carry out removals that were held\n"
"      --undo-deletes        bring back what would be removed, or is held\n"
"  status [ACCOUNT]...       what waits and what is held, without the network\n"
"      --ignore N            name item N no more until it changes\n"
"  log [ACCOUNT[:GLOB]]...   what was done on either side, and why\n"
"      --since WHEN          since a time, or behind the entry of a number\n"
"      --removed             removals of messages only\n"
"      --message-id ID       of that message only\n"
"      --follow              go on telling, until stopped\n"
"  restore ACCOUNT ID...     bring back what these entries of log removed\n"
"  restore ACCOUNT rN [GLOB]...   what run N removed\n"
"      --to TIME             what was removed since then, with [GLOB]...\n"
"      -n, --dry-run         say what would be done, but do it not\n"
"  verify [ACCOUNT[:GLOB]]...   hold index, Maildir and server side by side\n"
"      --offline             without the server\n"
"      --repair              put right what loses nothing\n"
"      --part N/M            only the N-th of M parts of the messages\n"
"      --time TIME           no longer than that: 90s, 5m, 2h\n"
"  import PROGRAM [FILE]     take over the accounts of mbsync or offlineimap\n"
"      -n, --dry-run         print what would be written, and write nothing\n"
"  help                      print this text\n"
"\n"
"  -c FILE                   read the configuration from FILE\n"
"  -q                        print nothing when the exit status is 0 or 75\n"
"  -v                        say what is done; twice: the protocol as well\n"
"      --json                print one JSON object a line\n"
"  -h, --help                print this text\n"
"      --version             print the version\n"
"\n"
"Exit status: 0 in sync, 1 something needs you, 64 usage, 74 local files,\n"
"75 not now, 76 protocol or TLS, 77 login refused, 78 configuration.\n"
"More in mailtern(1) and syncrc(5).\n";

const char *
cmd_usage_text(void)
{
	return usage_text;
}

int
cmd_usage_error(struct err *err, const char *fmt, ...)
{
	char *sentence;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&sentence, fmt, ap) < 0)
		sentence = NULL;
	va_end(ap);
	err_set(err, ERR_USAGE, "%s; see mailtern --help",
	    sentence != NULL ? sentence : "the command line is wrong");
	free(sentence);
	return -1;
}

const char *
cmd_nearest(const char *word, const char *const *known, size_t n)
{
	const char *best = NULL;
	size_t i, distance, least = NEAR + 1;

	for (i = 0; i < n; i++) {
		distance = str_distance(word, known[i]);
		/* As many edits as letters would make any word near. */
		if (distance < least && distance < strlen(word) &&
		    distance < strlen(known[i])) {
			least = distance;
			best = known[i];
		}
	}
	return best;
}

static bool
is_global(int option)
{
	return strchr("cqvh", option) != NULL || option == OPT_JSON ||
	    option == OPT_VERSION || option == OPT_CLOCK_AHEAD;
}

static bool
is_taken(const struct command *command, int option)
{
	const int *own;

	if (is_global(option))
		return true;
	for (own = command != NULL ? command->options : NULL;
	    own != NULL && *own != 0; own++) {
		if (*own == option)
			return true;
	}
	return false;
}

static const char *
long_name(int option)
{
	size_t i;

	for (i = 0; i < N_LONG; i++) {
		if (long_options[i].val == option)
			return long_options[i].name;
	}
	return NULL;
}

static int
refuse_long(const char *word, struct err *err)
{
	const char *names[N_LONG], *near;
	char *name = xstrndup(word + 2, strcspn(word + 2, "="));
	size_t i;

	for (i = 0; i < N_LONG; i++)
		names[i] = long_options[i].name;
	near = cmd_nearest(name, names, N_LONG);
	if (near != NULL)
		cmd_usage_error(err, "there is no option --%s; did you mean "
		    "--%s", name, near);
	else
		cmd_usage_error(err, "there is no option --%s", name);
	free(name);
	return -1;
}

/* What getopt_long could make nothing of; word is where it stopped. */
static int
refuse_unknown(const char *word, struct err *err)
{
	if (optopt == 0)
		return refuse_long(word, err);
	if (strncmp(word, "--", 2) == 0)
		return cmd_usage_error(err, "--%s takes no value",
		    long_name(optopt));
	return cmd_usage_error(err, "there is no option -%c", optopt);
}

static int
refuse_misplaced(const struct command *command, int option, struct err *err)
{
	const char *name = long_name(option);

	if (command == NULL)
		return cmd_usage_error(err, "--%s belongs behind its command",
		    name);
	return cmd_usage_error(err, "%s has no option --%s", command->name,
	    name);
}

/* -1 when it is no number of an item. */
static int64_t
item_number(const char *text)
{
	uint64_t n = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9' && n < INT32_MAX; p++)
		n = 10 * n + (uint64_t)(*p - '0');
	return *p == '\0' && n > 0 ? (int64_t)n : -1;
}

static void
take_value(struct cmd *cmd, int option)
{
	switch (option) {
	case OPT_IGNORE:
		cmd->ignore = item_number(optarg);
		break;
	case OPT_SINCE:
		cmd->since = optarg;
		break;
	case OPT_MESSAGE_ID:
		cmd->message_id = optarg;
		break;
	case OPT_TO:
		cmd->to = optarg;
		break;
	case OPT_PART:
		cmd->part = optarg;
		break;
	case OPT_TIME:
		cmd->time = optarg;
		break;
	case OPT_CLOCK_AHEAD:
		clock_move(item_number(optarg));
		break;
	}
}

static void
take(struct cmd *cmd, int option)
{
	switch (option) {
	case 'c':
		cmd->config = optarg;
		break;
	case 'h':
		cmd->help = true;
		break;
	case 'n':
		cmd->dry_run = true;
		break;
	case 'q':
		cmd->report.quiet = true;
		break;
	case 'v':
		cmd->verbose++;
		break;
	case OPT_JSON:
		cmd->report.json = true;
		break;
	case OPT_VERSION:
		cmd->version = true;
		break;
	case OPT_FULL:
		cmd->full = true;
		break;
	case OPT_ADOPT:
		cmd->adopt = true;
		break;
	case OPT_FORCE_DELETES:
		cmd->force_deletes = true;
		break;
	case OPT_UNDO_DELETES:
		cmd->undo_deletes = true;
		break;
	case OPT_REMOVED:
		cmd->removed = true;
		break;
	case OPT_FOLLOW:
		cmd->follow = true;
		break;
	case OPT_REPAIR:
		cmd->repair = true;
		break;
	case OPT_OFFLINE:
		cmd->offline = true;
		break;
	default:
		take_value(cmd, option);
		break;
	}
}

static int
check(const struct cmd *cmd, struct err *err)
{
	if (cmd->config != NULL && *cmd->config == '\0')
		return cmd_usage_error(err, "the file name behind -c is "
		    "empty");
	if (cmd->force_deletes && cmd->undo_deletes)
		return cmd_usage_error(err, "--force-deletes and "
		    "--undo-deletes exclude each other");
	if (cmd->report.quiet && cmd->verbose > 0)
		return cmd_usage_error(err, "-q and -v exclude each other");
	if (cmd->ignore == -1)
		return cmd_usage_error(err, "--ignore wants the number of an "
		    "item; status prints it before each");
	return 0;
}

/* What getopt_long has just read; its value may be a word of its own. */
static const char *
long_word(char **argv)
{
	return argv[optarg != NULL && optarg == argv[optind - 1] ? optind - 2 :
	    optind - 1];
}

static bool
is_whole(char **argv, int which)
{
	const char *word = long_word(argv) + 2;
	const char *name = long_options[which].name;
	size_t n = strcspn(word, "=");

	return strlen(name) == n && strncmp(word, name, n) == 0;
}

static int
refuse_bare(struct err *err)
{
	if (optopt == OPT_IGNORE)
		return cmd_usage_error(err, "--ignore wants the number of an "
		    "item behind it");
	if (optopt == OPT_SINCE)
		return cmd_usage_error(err, "--since wants a time, or the "
		    "number of an entry, behind it");
	if (optopt == OPT_TO)
		return cmd_usage_error(err, "--to wants a time behind it");
	if (optopt == OPT_MESSAGE_ID)
		return cmd_usage_error(err, "--message-id wants a Message-ID "
		    "behind it");
	if (optopt == OPT_PART)
		return cmd_usage_error(err, "--part wants N/M behind it");
	if (optopt == OPT_TIME)
		return cmd_usage_error(err, "--time wants a time behind it");
	if (optopt == OPT_CLOCK_AHEAD)
		return cmd_usage_error(err, "--clock-ahead wants seconds");
	return cmd_usage_error(err, "-%c wants a file name behind it", optopt);
}

int
cmd_options_parse(struct cmd *cmd, const struct command *command, int argc,
    char **argv, struct err *err)
{
	const char *letters = command == NULL ? "+:c:qvhn" : ":c:qvhn";
	int option, at, which;

	opterr = 0;
	optind = 0;	/* glibc: begin anew */
	for (;;) {
		/* 0 only before the first option, which is argv[1]. */
		at = optind == 0 ? 1 : optind;
		which = -1;
		option = getopt_long(argc, argv, letters, long_options, &which);
		if (option == -1)
			break;
		if (option == ':')
			return refuse_bare(err);
		/* A bundle of letters stays where it is until its end. */
		if (option == '?')
			return refuse_unknown(argv[optind > at ? optind - 1 :
			    at], err);
		/* glibc takes any beginning of a name for the whole; not with
		 * options that remove mail. */
		if (which != -1 && !is_whole(argv, which))
			return refuse_long(long_word(argv), err);
		if (!is_taken(command, option))
			return refuse_misplaced(command, option, err);
		take(cmd, option);
	}
	if (check(cmd, err) < 0)
		return -1;
	return optind;
}
