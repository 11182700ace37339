/* The command line, from argv to options and accounts, and its refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/cmd.h"

#include "../../src/cmd/internal.h"

#define ARGS_MAX	8

/* A copy of argv that getopt may permute; the number of arguments. */
static int
copy_args(const char *const *from, char *to[ARGS_MAX])
{
	int n;

	for (n = 0; from[n] != NULL; n++)
		to[n] = strdup(from[n]);
	to[n] = NULL;
	return n;
}

static void
free_args(char **arg)
{
	for (; *arg != NULL; arg++)
		free(*arg);
}

/* The options that were read, as letters. */
static void
spell(const struct cmd *cmd, char *out)
{
	if (cmd->config != NULL)
		*out++ = 'c';
	if (cmd->report.quiet)
		*out++ = 'q';
	if (cmd->verbose > 0)
		*out++ = (char)('0' + cmd->verbose);
	if (cmd->report.json)
		*out++ = 'j';
	if (cmd->dry_run)
		*out++ = 'n';
	if (cmd->full)
		*out++ = 'f';
	if (cmd->adopt)
		*out++ = 'a';
	if (cmd->force_deletes)
		*out++ = 'd';
	if (cmd->undo_deletes)
		*out++ = 'u';
	if (cmd->help)
		*out++ = 'h';
	if (cmd->version)
		*out++ = 'V';
	*out = '\0';
}

static void
options_are_read(void **state)
{
	static const struct {
		const struct command *command;
		const char *argv[ARGS_MAX];
		const char *letters;
		const char *first;	/* operand, or NULL */
	} table[] = {
		{ NULL, { "mailtern" }, "", NULL },
		{ NULL, { "mailtern", "sync", "-n" }, "", "sync" },
		{ NULL, { "mailtern", "-c", "f", "-q", "sync" }, "cq",
		    "sync" },
		{ NULL, { "mailtern", "-cf", "-vv", "--json", "status" },
		    "c2j", "status" },
		{ NULL, { "mailtern", "--help", "sync" }, "h", "sync" },
		{ NULL, { "mailtern", "--version" }, "V", NULL },
		{ NULL, { "mailtern", "--", "sync" }, "", "sync" },
		{ &cmd_sync, { "sync", "work", "-n", "--json" }, "jn",
		    "work" },
		{ &cmd_sync, { "sync", "--dry-run", "-v", "a", "-v" }, "2n",
		    "a" },
		{ &cmd_sync, { "sync", "--full", "--adopt",
		    "--force-deletes" }, "fad", NULL },
		{ &cmd_sync, { "sync", "--undo-deletes", "-n" }, "nu", NULL },
		{ &cmd_status, { "status", "-c", "f", "-q", "work" }, "cq",
		    "work" },
	};
	char *argv[ARGS_MAX], letters[16];
	size_t i;
	int argc, first;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct cmd cmd = { 0 };
		struct err err = { 0 };

		argc = copy_args(table[i].argv, argv);
		first = cmd_options_parse(&cmd, table[i].command, argc, argv,
		    &err);
		assert_string_equal(err.msg, "");
		assert_in_range(first, 1, argc);
		spell(&cmd, letters);
		assert_string_equal(letters, table[i].letters);
		if (table[i].first == NULL)
			assert_null(argv[first]);
		else
			assert_string_equal(argv[first], table[i].first);
		free_args(argv);
	}
}

static void
options_are_refused(void **state)
{
	static const struct {
		const struct command *command;
		const char *argv[ARGS_MAX];
		const char *sentence;
	} table[] = {
		{ NULL, { "mailtern", "-x" }, "there is no option -x" },
		{ NULL, { "mailtern", "-qx" }, "there is no option -x" },
		{ NULL, { "mailtern", "-xq" }, "there is no option -x" },
		{ NULL, { "mailtern", "-c" },
		    "-c wants a file name behind it" },
		{ NULL, { "mailtern", "-c", "" },
		    "the file name behind -c is empty" },
		{ NULL, { "mailtern", "-q", "-v", "sync" },
		    "-q and -v exclude each other" },
		{ NULL, { "mailtern", "-n", "sync" },
		    "--dry-run belongs behind its command" },
		{ NULL, { "mailtern", "--jsn", "sync" },
		    "there is no option --jsn; did you mean --json" },
		{ NULL, { "mailtern", "--colour=1", "sync" },
		    "there is no option --colour" },
		{ NULL, { "mailtern", "--json=1", "sync" },
		    "--json takes no value" },
		{ &cmd_sync, { "sync", "work", "--fullll" },
		    "there is no option --fullll; did you mean --full" },
		{ &cmd_sync, { "sync", "work", "--force-delete" },
		    "there is no option --force-delete; did you mean "
		    "--force-deletes" },
		{ &cmd_sync, { "sync", "work", "-xn" },
		    "there is no option -x" },
		{ &cmd_sync, { "sync", "work", "--undo" },
		    "there is no option --undo" },
		{ &cmd_sync, { "sync", "--force-deletes", "--undo-deletes" },
		    "--force-deletes and --undo-deletes exclude each other" },
		{ &cmd_status, { "status", "--undo-deletes" },
		    "status has no option --undo-deletes" },
		{ &cmd_status, { "status", "-n" },
		    "status has no option --dry-run" },
		{ &cmd_status, { "status", "--force-deletes" },
		    "status has no option --force-deletes" },
		{ &cmd_sync, { "sync", "--offline" },
		    "sync has no option --offline" },
		{ &cmd_verify, { "verify", "--full" },
		    "verify has no option --full" },
		{ &cmd_verify, { "verify", "--part" },
		    "--part wants N/M behind it" },
		{ &cmd_verify, { "verify", "--time" },
		    "--time wants a time behind it" },
	};
	char *argv[ARGS_MAX], wanted[200];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct cmd cmd = { 0 };
		struct err err = { 0 };
		int argc = copy_args(table[i].argv, argv);

		assert_int_equal(cmd_options_parse(&cmd, table[i].command,
		    argc, argv, &err), -1);
		snprintf(wanted, sizeof(wanted), "%s; see mailtern --help",
		    table[i].sentence);
		assert_string_equal(err.msg, wanted);
		assert_int_equal(err.kind, ERR_USAGE);
		free_args(argv);
	}
}

static char work[] = "work", home[] = "home", path[] = "/etc/syncrc";
static struct conf_account accounts[] = {
	{ .name = work }, { .name = home },
};
static const struct conf two = { .accounts = accounts, .n = 2, .path = path };

static void
no_argument_selects_all(void **state)
{
	struct selection s = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(selection_fill(&s, &two, NULL, 0, &err), 0);
	assert_int_equal(s.n, 2);
	assert_ptr_equal(s.target[0].account, &accounts[0]);
	assert_ptr_equal(s.target[1].account, &accounts[1]);
	assert_int_equal(target_globs(&s.target[0]), 0);
	assert_int_equal(target_globs(&s.target[1]), 0);
	selection_release(&s);
}

static void
globs_of_an_account_combine(void **state)
{
	const char *const given[] = {
		"home:INBOX", "work:a:b", "home:lists/*", "work", NULL,
	};
	struct selection s = { 0 };
	struct err err = { 0 };
	char *arg[ARGS_MAX];
	int n = copy_args(given, arg);

	(void)state;
	assert_int_equal(selection_fill(&s, &two, arg, n, &err), 0);
	assert_int_equal(s.n, 2);
	assert_ptr_equal(s.target[0].account, &accounts[1]);
	assert_int_equal(target_globs(&s.target[0]), 2);
	assert_string_equal(s.target[0].glob[0], "INBOX");
	assert_string_equal(s.target[0].glob[1], "lists/*");
	/* Named without a glob as well: all of it, whatever else is said. */
	assert_ptr_equal(s.target[1].account, &accounts[0]);
	assert_string_equal(s.target[1].glob[0], "a:b");
	assert_int_equal(target_globs(&s.target[1]), 0);
	assert_int_equal(selection_refuse_globs(&s, "status", &err), -1);
	assert_int_equal(err.kind, ERR_USAGE);
	selection_release(&s);
	free_args(arg);
}

static void
bad_accounts_are_refused(void **state)
{
	static const struct {
		const char *arg, *sentence;
	} table[] = {
		{ "wrok", "there is no account \"wrok\" in /etc/syncrc; did "
		    "you mean \"work\"" },
		{ "Work:INBOX", "there is no account \"Work\" in "
		    "/etc/syncrc; did you mean \"work\"" },
		{ "elsewhere", "there is no account \"elsewhere\" in "
		    "/etc/syncrc" },
		{ "", "there is no account \"\" in /etc/syncrc" },
		{ "work:", "there is no folder behind the colon of "
		    "\"work:\"" },
		{ "work:!Spam", "\"work:!Spam\" begins its pattern with "
		    "\"!\", which only \"folders\" in syncrc can; \"?\" "
		    "stands for one character of a name" },
	};
	char wanted[300], *arg;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct selection s = { 0 };
		struct err err = { 0 };

		arg = strdup(table[i].arg);
		assert_int_equal(selection_fill(&s, &two, &arg, 1, &err), -1);
		snprintf(wanted, sizeof(wanted), "%s; see mailtern --help",
		    table[i].sentence);
		assert_string_equal(err.msg, wanted);
		assert_int_equal(err.kind, ERR_USAGE);
		selection_release(&s);
		free(arg);
	}
}

static void
every_option_is_in_the_usage(void **state)
{
	static const char *const options[] = {
		"-n, --dry-run", "--full", "--adopt", "--force-deletes",
		"--undo-deletes",
		"-c FILE", "-q", "-v", "--json", "-h, --help", "--version",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		assert_non_null(strstr(cmd_usage_text(), options[i]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_read),
		cmocka_unit_test(options_are_refused),
		cmocka_unit_test(no_argument_selects_all),
		cmocka_unit_test(globs_of_an_account_combine),
		cmocka_unit_test(bad_accounts_are_refused),
		cmocka_unit_test(every_option_is_in_the_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
