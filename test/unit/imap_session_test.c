/* The session against a scripted server: routing, completion, loss. */
#include "../lib/fake_imap.c"

#include "../../src/imap/internal.h"

static void
start_box(struct probe *p)
{
	probe_select(p, "INBOX");
	probe_fetch(p, "7", FETCH_BODY);
}

static const char *const box_script[] = {
	LOGIN("UIDPLUS"),
	"C: SELECT INBOX",
	"S: * FLAGS (\\Seen \\Deleted)",
	"S: * 1 EXISTS",
	"S: * OK [UIDVALIDITY 9] ok",
	"S: * OK [UIDNEXT 8] ok",
	"S: $1 OK [READ-WRITE] done",
	"C: UID FETCH 7 (UID BODY.PEEK[])",
	"S: * 1 FETCH (UID 7 BODY[] {5}",
	"s: hello",
	"S: )",
	"S: $1 OK done",
	NULL,
};

static void
test_select_and_fetch(void **state)
{
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, box_script, start_box);
	assert_int_equal(p.sel.cmd.err.kind, ERR_NONE);
	assert_int_equal(p.sel.box.exists, 1);
	assert_int_equal(p.sel.box.uidvalidity, 9);
	assert_int_equal(p.sel.box.uidnext, 8);
	assert_int_equal(p.fetch.cmd.err.kind, ERR_NONE);
	assert_string_equal(p.seen, "begin 7 5 hello end;row 7 body;");
	/* LOGIN; SELECT and FETCH together. */
	assert_int_equal(p.stats.round_trips, 2);
	probe_release(&p);
}

/* Whatever line was the last: every command completes, nothing leaks. */
static void
test_cut_after_every_line(void **state)
{
	int sends = 0;

	(void)state;
	for (const char *const *s = box_script; *s != NULL; s++)
		sends += strchr("SsF", (*s)[0]) != NULL;
	for (int cut = 0; cut < sends; cut++) {
		struct probe p = { 0 };

		probe_run_cut(&p, box_script, start_box, cut);
		if (p.session == NULL) {
			assert_int_equal(p.open_err.kind, ERR_NET);
			assert_true(cut < 2);
		} else {
			assert_int_equal(p.fetch.cmd.err.kind, ERR_NET);
			assert_int_equal(p.lost.kind, ERR_NET);
		}
		probe_release(&p);
	}
}

static void
start_move(struct probe *p)
{
	uidset_add_range(&p->uids, 4, 5);
	imap_move_start(p->session, &p->plain[0], &p->task, &p->uids, "T");
	probe_add(p, &p->plain[0]);
}

static void
test_torture_12_copyuid_forms(void **state)
{
	static const struct {
		const char *untagged, *tagged;
		unsigned from, to;
	} table[] = {
		{ "S: * OK [COPYUID 14  ] x", "S: $1 OK x", 0, 0 },
		{ "S: * [COPYUID 14 4:5 1:2]", "S: $1 OK x", 2, 2 },
		{ "S: * OK [COPYUID 14 4:5 1:2] x", "S: $1 OK x", 2, 2 },
		{ "S: * OK x", "S: $1 OK [COPYUID 14 4:5 1:2] x", 2, 2 },
		{ "S: * OK [COPYUID 14 4:5 1:2] x",
		  "S: $1 OK [COPYUID 14 4:5 1:2] x", 2, 2 },
		{ "S: * OK [COPYUID 14 4:5 1:2] x",
		  "S: $1 OK [HIGHESTMODSEQ 9] x", 2, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *const script[] = { LOGIN("MOVE UIDPLUS"),
		    "C: UID MOVE 4:5 T", table[i].untagged, table[i].tagged,
		    NULL };
		struct probe p = { 0 };

		probe_run(&p, script, start_move);
		assert_int_equal(p.plain[0].err.kind, ERR_NONE);
		assert_int_equal(uidset_count(&p.plain[0].code_uids),
		    table[i].from);
		assert_int_equal(uidset_count(&p.plain[0].code_to),
		    table[i].to);
		if (table[i].to > 0) {
			assert_int_equal(p.plain[0].code, CODE_COPYUID);
			assert_int_equal(p.plain[0].code_number, 14);
		}
		probe_release(&p);
	}
}

static void
test_torture_23_tags(void **state)
{
	static const struct {
		const char *line;
		enum err_kind kind;
	} table[] = {
		{ "S: a1 OK done", ERR_PROTO },		/* not our tag */
		{ "S: $2 OK once more", ERR_PROTO },	/* an old one */
		{ "S: * BAD what?", ERR_NONE },
		{ "S: * NO not so good", ERR_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *const script[] = { LOGIN(""), "C: NOOP",
		    table[i].line, "S: $1 OK done", NULL };
		struct probe p = { 0 };

		probe_run(&p, script, probe_noop);
		assert_int_equal(p.plain[0].err.kind, table[i].kind);
		probe_release(&p);
	}
}

static void
test_torture_24_bye(void **state)
{
	static const char *const script[] = { LOGIN(""), "C: NOOP",
	    "S: * BYE go away", "F: 1000 * BYE again", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, probe_noop);
	assert_int_equal(p.plain[0].err.kind, ERR_NET);
	assert_non_null(strstr(p.plain[0].err.msg, "go away"));
	probe_release(&p);
}

static void
test_torture_30_not_connected(void **state)
{
	static const char *const script[] = { LOGIN(""), "C: NOOP",
	    "S: $1 BAD User is authenticated but not connected.", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, probe_noop);
	assert_int_equal(p.plain[0].err.kind, ERR_NET);
	probe_release(&p);
}

static void
test_torture_37_throttled(void **state)
{
	static const char *const reply[] = {
	    "S: $1 NO Request is throttled. Suggested Backoff Time: 299961 "
	    "milliseconds",
	    "S: $1 BAD Request is throttled. Suggested Backoff Time: 299961 "
	    "milliseconds" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const char *const script[] = { LOGIN(""), "C: NOOP", reply[i],
		    NULL };
		struct probe p = { 0 };

		probe_run(&p, script, probe_noop);
		assert_int_equal(p.plain[0].err.kind, ERR_NET);
		assert_non_null(strstr(p.plain[0].err.msg, "299961"));
		probe_release(&p);
	}
}

static void
test_torture_38_closed_in_a_literal(void **state)
{
	static const char *const script[] = { LOGIN(""), "C: SELECT",
	    "S: * 1 EXISTS", "S: $1 OK", "C: UID FETCH",
	    "S: * 1 FETCH (UID 7 BODY[] {500}", "s: hel", "X", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_box);
	assert_int_equal(p.fetch.cmd.err.kind, ERR_NET);
	assert_string_equal(p.seen, "begin 7 500 hel");	/* no end, no row */
	probe_release(&p);
}

static void
start_select_noop(struct probe *p)
{
	probe_select(p, "INBOX");
	probe_noop(p);
}

static void
check_exists(struct probe *p)
{
	if (p->plain[0].done)
		probe_say(p, "exists %u", (unsigned)
		    imap_box_exists(p->session));
}

static void
start_select_count(struct probe *p)
{
	p->step = check_exists;
	start_select_noop(p);
}

static void
test_torture_39_flags_of_an_expunged_one(void **state)
{
	static const char *const script[] = { LOGIN(""), "C: SELECT",
	    "S: * 3 EXISTS", "S: $1 OK", "C: NOOP",
	    "S: * 2 FETCH (FLAGS (\\Deleted))", "S: * 2 EXPUNGE",
	    "S: * 3 FETCH (FLAGS (\\Deleted))", "S: $1 OK", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_select_count);
	assert_int_equal(p.plain[0].err.kind, ERR_NONE);
	assert_string_equal(p.seen, "exists 2");
	probe_release(&p);
}

static void
test_vanished_earlier_does_not_renumber(void **state)
{
	static const char *const script[] = { LOGIN(""), "C: SELECT",
	    "S: * 5 EXISTS", "S: $1 OK", "C: NOOP",
	    "S: * ENABLED QRESYNC", "S: * VANISHED (EARLIER) 1:2",
	    "S: * VANISHED 7,9", "S: $1 OK", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_select_count);
	assert_string_equal(p.seen, "exists 3");
	probe_release(&p);
}

/* RFC 9586: nothing else tells there that messages went. */
static void
test_vanished_uidonly(void **state)
{
	static const char *const script[] = { LOGIN(""), "C: SELECT",
	    "S: * 5 EXISTS", "S: $1 OK", "C: NOOP",
	    "S: * ENABLED UIDONLY", "S: * VANISHED 7,9", "S: $1 OK", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_select_count);
	assert_string_equal(p.seen, "exists 3");
	probe_release(&p);
}

/* What was not enabled is no fact. */
static void
test_vanished_out_of_place(void **state)
{
	static const char *const script[] = { LOGIN(""), "C: SELECT",
	    "S: * 5 EXISTS", "S: $1 OK", "C: NOOP",
	    "S: * VANISHED (EARLIER) 1:2", "S: * VANISHED 7,9",
	    "S: $1 OK", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_select_count);
	assert_string_equal(p.seen, "exists 5");
	probe_release(&p);
}

/* Waits for the end of the session, which wakes its opener. */
static void
note_end(struct probe *p)
{
	if (imap_session_error(p->session) != NULL) {
		p->n = 0;
		probe_noop(p);
	}
}

static void
start_nothing(struct probe *p)
{
	p->step = note_end;
	p->session->opener = &p->task;
	probe_add(p, &p->plain[2]);	/* never started, never done */
}

static void
test_flood_that_nobody_asked_for(void **state)
{
	static const char *const script[] = { LOGIN(""),
	    "F: 10002 * 1 EXISTS", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_nothing);
	/* Where the flood comes in one piece, it never gets to be open. */
	assert_int_equal(p.open_err.kind != ERR_NONE ? p.open_err.kind :
	    p.plain[0].err.kind, ERR_PROTO);
	probe_release(&p);
}

static void
start_impatient(struct probe *p)
{
	p->session->patience_ms = 50;
	probe_noop(p);
}

static void
test_noise_is_no_answer(void **state)
{
	static const char *const script[] = { LOGIN(""), "C: NOOP",
	    "D: 300 * OK still here\r\n", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_impatient);
	assert_int_equal(p.plain[0].err.kind, ERR_NET);
	probe_release(&p);
}

static void
start_select(struct probe *p)
{
	probe_select(p, "INBOX");
}

static void
start_search(struct probe *p)
{
	probe_select(p, "INBOX");
	imap_search_start(p->session, &p->search, &p->task, "DELETED");
	probe_add(p, &p->search.cmd);
}

static void
start_list(struct probe *p)
{
	imap_list_start(p->session, &p->list, &p->task, NULL);
	probe_add(p, &p->list.cmd);
}

/* What looks like an answer, said without end. 32 KiB in one line, so that not
 * time is what ends it. */
#define LONG8	"12345678"
#define LONG64	LONG8 LONG8 LONG8 LONG8 LONG8 LONG8 LONG8 LONG8
#define LONG512	LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64 LONG64
#define LONG4K	LONG512 LONG512 LONG512 LONG512 LONG512 LONG512 LONG512 LONG512
#define SELECTED "C: SELECT INBOX", "S: * 2 EXISTS", \
    "S: * OK [UIDVALIDITY 7] x", "S: $1 OK [READ-WRITE] x"

static const struct endless {
	const char *name;
	void (*start)(struct probe *);
	const char *script[10];
} endless[] = {
	{ "OK", probe_noop,
	    { LOGIN(""), "C: NOOP", "F: 6000 * OK " LONG4K } },
	{ "empty lines", probe_noop, { LOGIN(""), "C: NOOP", "F: 9000000 " } },
	{ "plus", probe_noop, { LOGIN(""), "C: NOOP", "F: 6000 + " LONG4K } },
	{ "OK to SELECT", start_select,
	    { LOGIN(""), "C: SELECT", "F: 8000 * OK " LONG4K } },
	{ "VANISHED to SELECT", start_select,
	    { LOGIN(""), "C: SELECT", "S: * 5 EXISTS",
	    "F: 500000 * VANISHED (EARLIER) 1:4,6:7,10:19,21,23,25,27" } },
	{ "SEARCH", start_search,
	    { LOGIN(""), SELECTED, "C: UID SEARCH",
	    "F: 100000 * SEARCH 1 2" } },
	{ "SEARCH of nothing", start_search,
	    { LOGIN(""), SELECTED, "C: UID SEARCH",
	    "F: 2500000 * SEARCH" } },
	{ "ESEARCH of everything", start_search,
	    { LOGIN("ESEARCH"), SELECTED, "C: UID SEARCH",
	    "S: * ESEARCH UID ALL 1:4294967295 COUNT 4294967295" } },
	{ "LIST of long names", start_list,
	    { LOGIN(""), "C: LIST",
	    "F: 5000 * LIST () \"/\" \"" LONG4K "\"" } },
};

static void
test_endless_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(endless) / sizeof(endless[0]); i++) {
		struct probe p = { 0 };

		probe_run(&p, endless[i].script, endless[i].start);
		print_message("%s: %s\n", endless[i].name, p.lost.msg);
		assert_int_equal(p.lost.kind, ERR_PROTO);
		probe_release(&p);
	}
}

/* The first of two FETCHes wants one message; the other is answered before. */
static struct imap_fetching second;

static void
start_two(struct probe *p, const char *set)
{
	struct imap_fetch_args args = { .uids = &p->uids,
	    .items = FETCH_FLAGS };

	probe_select(p, "INBOX");
	probe_fetch(p, "7", FETCH_FLAGS);
	uidset_clear(&p->uids);
	assert_int_equal(uidset_parse(&p->uids, span_of(set)), 0);
	imap_fetch_start(p->session, &second, &p->task, &args);
	probe_add(p, &second.cmd);
}

static void
start_small_behind(struct probe *p)
{
	start_two(p, "8");
}

static void
start_large_behind(struct probe *p)
{
	start_two(p, "8:2007");
}

#define BEHIND "C: SELECT INBOX", "C: UID FETCH 7", "C: UID FETCH 8", \
    "S: * 3000 EXISTS", "S: * OK [UIDVALIDITY 7] x", \
    "S: $3 OK [READ-WRITE] x"
#define ROW_4K	" * 9 FETCH (UID 9 FLAGS () X \"" LONG4K "\")"

static void
test_second_answered_first(void **state)
{
	static const struct {
		void (*start)(struct probe *);
		const char *script[12];
		enum err_kind lost;
	} table[] = {
		{ start_large_behind, { LOGIN(""), BEHIND, "F: 7000" ROW_4K,
		    "S: $1 OK", "S: $2 OK" }, ERR_NONE },
		{ start_small_behind, { LOGIN(""), BEHIND, "F: 9000" ROW_4K },
		    ERR_PROTO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct probe p = { 0 };

		probe_run(&p, table[i].script, table[i].start);
		print_message("%zu: %s\n", i, p.lost.msg);
		assert_int_equal(p.lost.kind, table[i].lost);
		imap_cmd_release(&second.cmd);
		probe_release(&p);
	}
}

static void
start_slow_body(struct probe *p)
{
	p->session->patience_ms = 50;
	probe_fetch(p, "7", FETCH_BODY);
}

/* An octet now and then is not silence, and yet nobody wants to wait. */
static void
test_body_that_drips(void **state)
{
	static const char *const script[] = { LOGIN(""), "C: UID FETCH",
	    "S: * 1 FETCH (UID 7 BODY[] {1000000}", "D: 500 x", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_slow_body);
	assert_int_equal(p.fetch.cmd.err.kind, ERR_NET);
	assert_true(strlen(p.seen) < 450);
	probe_release(&p);
}

/* A folder name can't end the command it stands in. */
static void
start_names(struct probe *p)
{
	imap_create_start(p->session, &p->plain[0], &p->task, "a b\"\\");
	imap_create_start(p->session, &p->plain[1], &p->task,
	    "x\r\nz DELETE INBOX");
	imap_create_start(p->session, &p->plain[2], &p->task, "NIL");
	for (size_t i = 0; i < 3; i++)
		probe_add(p, &p->plain[i]);
}

static void
test_strings(void **state)
{
	static const char *const script[] = { LOGIN("LITERAL-"),
	    "C: CREATE \"a b\\\"\\\\\"\r\n", "S: $1 OK",
	    "C: CREATE {17+}\r\n", "R: 19", "S: $1 OK",
	    "C: CREATE \"NIL\"\r\n", "S: $1 OK", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_names);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(p.plain[i].err.kind, ERR_NONE);
	probe_release(&p);
}

static void
cancel_now(struct probe *p)
{
	task_cancel(&p->task);
}

static void
start_cancelled(struct probe *p)
{
	p->step = cancel_now;
	probe_noop(p);
}

/* The owner of a session that was stopped frees it in his last call. */
static void
free_session(struct task *t)
{
	imap_close_start(((struct probe *)t)->session, NULL, false);
}

static void
test_cancelled_with_a_command_in_flight(void **state)
{
	static const char *const script[] = { LOGIN(""), "C: NOOP", NULL };
	struct probe p = { .task.finish = free_session };

	(void)state;
	probe_run(&p, script, start_cancelled);
	assert_int_equal(p.plain[0].err.kind, ERR_CANCELED);
	probe_release(&p);
}

static void
cancel_opening(struct probe *p)
{
	(void)p;
	fail();
}

static enum task_result
begin_and_cancel(struct task *t)
{
	enum task_result r = probe_begin(t);

	task_cancel(t);
	return r;
}

static void
test_cancelled_while_opening(void **state)
{
	static const char *const script[] = { "S: * OK hi", NULL };
	struct probe p = { .start = cancel_opening };
	struct loop *loop = loop_new();

	(void)state;
	fake_start(&p.fake, script, -1);
	p.cfg.user = "jane";
	p.cfg.password = "secret";
	p.cfg.stream = (struct stream_config){ .host = "127.0.0.1",
	    .port = p.fake.port, .connect_ms = 20000, .silence_ms = 20000 };
	task_start(&p.task, loop, NULL, "probe", begin_and_cancel);
	loop_run(loop);
	loop_free(loop);
	/* It may never have connected: then accept must be woken. */
	shutdown(p.fake.fd, SHUT_RDWR);
	fake_stop(&p.fake);
	assert_true(p.open.task.ended);
	assert_null(p.open.session);
	assert_int_equal(p.open.task.err.kind, ERR_CANCELED);
}

/* While paused nothing is read; afterwards nothing is lost. */
static void
go_on(struct probe *p)
{
	if (p->plain[1].done)
		imap_session_pause(p->session, false);
}

static void
start_paused(struct probe *p)
{
	p->step = go_on;
	imap_session_pause(p->session, true);
	probe_noop(p);
	/* Done at once: there is no MOVE. Wakes the probe. */
	uidset_add(&p->uids, 1);
	imap_move_start(p->session, &p->plain[1], &p->task, &p->uids, "x");
}

static void
test_pause(void **state)
{
	static const char *const script[] = { LOGIN(""), "C: NOOP",
	    "S: * 3 EXISTS", "S: $1 OK", NULL };
	struct probe p = { 0 };

	(void)state;
	probe_run(&p, script, start_paused);
	assert_int_equal(p.plain[0].err.kind, ERR_NONE);
	probe_release(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_select_and_fetch),
		cmocka_unit_test(test_cut_after_every_line),
		cmocka_unit_test(test_torture_12_copyuid_forms),
		cmocka_unit_test(test_torture_23_tags),
		cmocka_unit_test(test_torture_24_bye),
		cmocka_unit_test(test_torture_30_not_connected),
		cmocka_unit_test(test_torture_37_throttled),
		cmocka_unit_test(test_torture_38_closed_in_a_literal),
		cmocka_unit_test(test_torture_39_flags_of_an_expunged_one),
		cmocka_unit_test(test_vanished_earlier_does_not_renumber),
		cmocka_unit_test(test_vanished_uidonly),
		cmocka_unit_test(test_vanished_out_of_place),
		cmocka_unit_test(test_flood_that_nobody_asked_for),
		cmocka_unit_test(test_noise_is_no_answer),
		cmocka_unit_test(test_endless_answers),
		cmocka_unit_test(test_second_answered_first),
		cmocka_unit_test(test_body_that_drips),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_cancelled_with_a_command_in_flight),
		cmocka_unit_test(test_cancelled_while_opening),
		cmocka_unit_test(test_pause),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
