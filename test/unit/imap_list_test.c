/* Folder names in both directions, LIST and STATUS in all their forms. */
#include "../lib/fake_imap.c"

#include "../../src/imap/internal.h"

static void
start_list(struct probe *p)
{
	imap_list_start(p->session, &p->list, &p->task, NULL);
	probe_add(p, &p->list.cmd);
}

/* "name=messages;" with - for no numbers and ! for not selectable. */
static void
describe(struct probe *p)
{
	for (size_t i = 0; i < p->list.n; i++) {
		const struct imap_folder *f = &p->list.folder[i];

		probe_say(p, "%s%s", f->name, f->selectable ? "" : "!");
		if (f->has_status)
			probe_say(p, "=%u", (unsigned)f->messages);
		probe_say(p, ";");
	}
}

static void
check_list(const char *const *script, const char *want)
{
	struct probe p = { 0 };

	probe_run(&p, script, start_list);
	assert_int_equal(p.list.cmd.err.kind, ERR_NONE);
	describe(&p);
	assert_string_equal(p.seen, want);
	probe_release(&p);
}

static void
test_list_status(void **state)
{
	static const char *const script[] = {
		LOGIN("LIST-EXTENDED LIST-STATUS SPECIAL-USE"),
		"C: LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (MESSAGES "
		"UIDNEXT UIDVALIDITY))\r\n",
		"S: * LIST () \"/\" b", "S: * LIST (\\Noselect) \"/\" a",
		"S: * STATUS b (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 5)",
		"S: * LIST () \"/\" INBOX", "S: * LIST () \"/\" Inbox",
		"S: * STATUS inbox (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)",
		"S: * LIST () \"/\" c", "S: * STATUS c (MESSAGES 9)",
		"S: * STATUS d ()", "S: $1 OK", NULL };

	(void)state;
	check_list(script, "INBOX=1;a!;b=3;c;");
}


static void
start_below(struct probe *p)
{
	imap_list_below_start(p->session, &p->list, &p->task, "a b");
	probe_add(p, &p->list.cmd);
}

/* Names alone; what can't be named is counted. */
static void
test_below(void **state)
{
	static const char *const script[] = {
		LOGIN("LIST-EXTENDED LIST-STATUS SPECIAL-USE"),
		"C: LIST \"\" \"a b*\"\r\n", "S: * LIST () \"/\" \"a b\"",
		"S: * LIST (\\Noselect) \"/\" \"a b/c\"",
		"S: * LIST () \"/\" \"a b//d\"", "S: $1 OK", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_below);
	assert_int_equal(p.list.cmd.err.kind, ERR_NONE);
	describe(&p);
	assert_string_equal(p.seen, "a b;a b/c!;");
	assert_int_equal(p.list.unnamed, 1);
	probe_release(&p);
}

static void
test_torture_29_list_return_refused(void **state)
{
	static const char *const reply[] = { "S: $1 NO Error in IMAP command",
	    "S: $1 BAD no such thing" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const char *const script[] = {
		    LOGIN("LIST-EXTENDED LIST-STATUS"), "C: RETURN", reply[i],
		    "C: LIST \"\" \"*\"\r\n", "S: * LIST () \"/\" INBOX",
		    "S: * LIST () \"/\" x", "S: $1 OK",
		    "C: STATUS INBOX (MESSAGES UIDNEXT UIDVALIDITY)\r\n",
		    "S: * STATUS INBOX (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)",
		    "S: $1 OK", "C: STATUS x", "S: $1 NO can't", NULL };

		check_list(script, "INBOX=1;x;");
	}
}

static void
test_names(void **state)
{
	static const char *const script[] = { LOGIN("NAMESPACE"),
		"C: NAMESPACE", "S: * NAMESPACE ((\"INBOX.\" \".\")) NIL NIL",
		"S: $1 OK", "C: LIST",
		"S: * LIST (\\Noselect) \".\" INBOX",
		"S: * LIST (\\Noselect) \".\" INBOX.a",
		"S: * LIST (\\Noselect) \".\" INBOX.a.b",
		"S: * LIST (\\Noselect) \".\" \"INBOX.c/d\"",
		"S: * LIST (\\Noselect) \".\" \"INBOX.5%2F\"",
		"S: * LIST (\\Noselect) \".\" INBOX.INBOX",
		"S: * LIST (\\Noselect) \".\" INBOX.&AOk-",
		"S: * LIST (\\Noselect) \".\" \"INBOX.&bad\"",
		"S: * LIST (\\Noselect) \".\" \"INBOX.&-bad\"",
		"S: * LIST (\\Noselect) \".\" other.x", "S: $1 OK", NULL };

	(void)state;
	check_list(script, "%26bad!;%49NBOX!;&bad!;5%252F!;INBOX!;a!;a/b!;"
	    "c%2Fd!;\xc3\xa9!;");
}

/*
 * Asked for together with what it depends on: the names are read by the
 * namespace although nobody waited for that first.
 */
static void
test_in_the_last_flight(void **state)
{
	static const char *const script[] = { LOGIN("NAMESPACE ID"),
		"C: ID", "C: NAMESPACE", "C: LIST", "S: * ID NIL", "S: $3 OK",
		"S: * NAMESPACE ((\"INBOX.\" \".\")) NIL NIL", "S: $2 OK",
		"S: * LIST (\\Noselect) \".\" INBOX.a.b", "S: $1 OK", NULL };
	struct probe p = { 0 };

	(void)state;
	p.cfg.list = &p.list;
	probe_run(&p, script, NULL);
	assert_int_equal(p.open_err.kind, ERR_NONE);
	assert_int_equal(p.list.n, 1);
	assert_string_equal(p.list.folder[0].name, "a/b");
	assert_int_equal(p.stats.round_trips, 2);
	probe_release(&p);
}

static void
test_flight_refused(void **state)
{
	static const char *const script[] = { LOGIN("ID"), "C: ID", "C: LIST",
		"S: $2 BAD what", "S: $1 NO not now", NULL };
	struct probe p = { 0 };
	struct err err;

	(void)state;
	p.cfg.list = &p.list;
	probe_run(&p, script, NULL);
	assert_int_equal(p.open_err.kind, ERR_NONE);
	assert_int_equal(imap_result(&p.list.cmd, &err), -1);
	assert_int_equal(err.kind, ERR_REFUSED);
	probe_release(&p);
}

/* Wherever the connection ends, so does the command. */
static void
test_flight_cut(void **state)
{
	static const char *const script[] = { LOGIN(""), "C: LIST",
		"S: * LIST () \"/\" INBOX", "S: $1 OK",
		"C: STATUS", "S: * STATUS INBOX (MESSAGES 1)", "S: $1 OK", NULL };

	(void)state;
	for (int cut = 0; cut < 6; cut++) {
		struct probe p = { 0 };

		p.cfg.list = &p.list;
		probe_run_cut(&p, script, NULL, cut);
		assert_null(p.session);
		assert_int_equal(p.open_err.kind, ERR_NET);
		assert_true(cut < 2 || p.list.cmd.done);
		probe_release(&p);
	}
}

static void
test_raw_names(void **state)
{
	static const struct {
		const char *prefix;
		char delimiter;
		const char *name, *raw;
	} table[] = {
		{ "", '/', "a/b", "a/b" },
		{ "", '/', "100%25", "100%25" },
		{ "", '/', "\xc3\xa9&", "&AOk-&-" },
		{ "", '.', "a/b", "a.b" },
		{ "", '.', "a.b", NULL },
		{ "", '.', "a%2Fb", "a/b" },
		{ "", '.', "a%25x", NULL },
		{ "", '.', "a%252F", "a%2F" },
		{ "", '\0', "a/b", NULL },
		{ "INBOX.", '.', "x", "INBOX.x" },
		{ "INBOX.", '.', "INBOX", "INBOX" },
		{ "INBOX.", '.', "%49NBOX", "INBOX.INBOX" },
		{ "INBOX.", '.', "inbox", NULL },
		{ "", '/', "", NULL },
		{ "", '/', "a//b", NULL },
		{ "", '/', "/a", NULL },
		{ "", '/', "a\xff", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char prefix[20];
		struct imap_session s = { .ns_prefix = prefix,
		    .delimiter = table[i].delimiter };
		char *raw;

		snprintf(prefix, sizeof(prefix), "%s", table[i].prefix);
		raw = imap_list_raw_name(&s, table[i].name);
		if (table[i].raw == NULL)
			assert_null(raw);
		else
			assert_string_equal(raw, table[i].raw);
		free(raw);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list_status),
		cmocka_unit_test(test_below),
		cmocka_unit_test(test_torture_29_list_return_refused),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_in_the_last_flight),
		cmocka_unit_test(test_flight_refused),
		cmocka_unit_test(test_flight_cut),
		cmocka_unit_test(test_raw_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
