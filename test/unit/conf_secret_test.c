/* Passwords in files that others can read, wherever they stand in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "conf/conf.h"

static char path[] = "/tmp/mailtern-conf-XXXXXX";

/* The error behind the path, of a file that all may read. */
static void
refused(const char *text, const char *at)
{
	FILE *f = fopen(path, "w");
	struct err err = { 0 };
	struct conf conf;
	char *expected;

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(conf_load(path, &conf, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	expected = xasprintf("%s%s others can read this password; run: "
	    "chmod 600 '%s'", path, at, path);
	assert_string_equal(err.msg, expected);
	free(expected);
}

static void
in_a_section(void **state)
{
	(void)state;
	refused("account a {\npassword = 'p'\n}\n", ":2: account a:");
	refused("defaults {\n\n\tpassword = 'p'\n}\n", ":3: defaults:");
}

/* No section is named, as there may be none in the whole file. */
static void
outside_of_sections(void **state)
{
	(void)state;
	refused("password = 'p'\n", ":1:");
	refused("account a {\n}\npassword = 'p'\n", ":3:");
}

static int
setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int
teardown(void **state)
{
	(void)state;
	return unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_a_section),
		cmocka_unit_test(outside_of_sections),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
