/* What is new on the server comes to disk. */
#include "flow.h"

static const struct flow flows[] = {
	{ .what = "the first run",
	    .before = "server add INBOX a S\nserver add INBOX b\n"
		"server add Work c F\n",
	    .ops = "make-local INBOX\nmake-local Work\npull INBOX a\n"
		"pull INBOX b\npull Work c\n",
	    .both = "INBOX: a(S) b\nWork: c(F)\n", .not = FLOW_FIRST },
	{ .what = "new messages",
	    .before = "server add INBOX a S\n",
	    .change = "server add INBOX b\nserver add INBOX c FS\n",
	    .ops = "pull INBOX b\npull INBOX c\n",
	    .both = "INBOX: a(S) b c(FS)\n" },
};

static void
pulls(void **state)
{
	(void)state;
	flow_check_all(flows, ARRAY_SIZE(flows));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pulls),
	};

	return FLOW_MAIN(tests);
}
