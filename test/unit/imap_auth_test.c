/* Opening: mechanisms, refusals, what never happens to a password. */
#include "../lib/fake_imap.c"

#include <fcntl.h>

#define CANARY "s3cretc4nary"
/* NUL jane NUL secret */
#define PLAIN_B64 "AGphbmUAc2VjcmV0"

static void
open_with(struct probe *p, const char *const *script)
{
	probe_run(p, script, NULL);
	probe_release(p);
}

static void
test_plain_with_initial_response(void **state)
{
	static const char *const script[] = {
		"S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi",
		"C: AUTHENTICATE PLAIN " PLAIN_B64 "\r\n",
		"S: $1 OK [CAPABILITY IMAP4rev1] in", NULL };
	struct probe p = { 0 };

	(void)state;
	open_with(&p, script);
	assert_non_null(p.session);
}

static void
test_plain_without_initial_response(void **state)
{
	static const char *const script[] = {
		"S: * OK hi", "C: CAPABILITY",
		"S: * CAPABILITY IMAP4rev1 AUTH=PLAIN", "S: $1 OK",
		"C: AUTHENTICATE PLAIN\r\n", "S: + ", "C: " PLAIN_B64 "\r\n",
		"S: $2 OK in", "C: CAPABILITY",
		"S: * CAPABILITY IMAP4rev1 NAMESPACE", "S: $1 OK",
		"C: NAMESPACE", "S: * NAMESPACE ((\"\" \"/\")) NIL NIL",
		"S: $1 OK", NULL };
	struct probe p = { 0 };

	(void)state;
	open_with(&p, script);
	assert_non_null(p.session);
}

/* What is refused, with which code, and what comes of it. */
static void
test_refusals(void **state)
{
	static const struct {
		const char *reply;
		enum err_kind kind;
		const char *says;
	} table[] = {
		{ "S: $1 NO [AUTHENTICATIONFAILED] bad luck", ERR_AUTH,
		  "refused the login of jane: bad luck" },
		{ "S: $1 NO [EXPIRED] too old", ERR_AUTH, "too old" },
		{ "S: $1 NO [UNAVAILABLE] later", ERR_NET, "later" },
		{ "S: $1 NO [INUSE] busy", ERR_NET, "busy" },
		{ "S: $1 NO [LIMIT] too many", ERR_NET, "too many" },
		{ "S: * BYE closing", ERR_NET, "closing" },
		{ "S: $1 NO you said " PLAIN_B64 " secret", ERR_AUTH,
		  "repeats the password" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const char *const script[] = { "S: * OK [CAPABILITY IMAP4rev1 "
		    "SASL-IR LOGINDISABLED AUTH=PLAIN] hi",
		    "C: AUTHENTICATE PLAIN", table[i].reply, NULL };
		struct probe p = { 0 };

		open_with(&p, script);
		assert_null(p.session);
		assert_int_equal(p.open_err.kind, table[i].kind);
		assert_non_null(strstr(p.open_err.msg, table[i].says));
	}
}

/* One more way after a refusal without a reason; not a third one. */
static void
test_second_mechanism(void **state)
{
	static const char *const works[] = {
		"S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi",
		"C: AUTHENTICATE PLAIN", "S: $1 NO sorry",
		"C: LOGIN jane secret", "S: $1 OK [CAPABILITY IMAP4rev1] in",
		NULL };
	static const char *const fails[] = {
		"S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-1 "
		"AUTH=PLAIN] hi",
		"C: AUTHENTICATE SCRAM-SHA-1", "S: $1 NO sorry",
		"C: AUTHENTICATE PLAIN", "S: $1 NO sorry", NULL };
	static const char *const said[] = {
		"S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi",
		"C: AUTHENTICATE PLAIN", "S: $1 NO [AUTHENTICATIONFAILED] no",
		NULL };
	struct probe p = { 0 }, q = { 0 }, r = { 0 };

	(void)state;
	open_with(&p, works);
	assert_non_null(p.session);
	open_with(&q, fails);
	assert_int_equal(q.open_err.kind, ERR_AUTH);
	open_with(&r, said);
	assert_int_equal(r.open_err.kind, ERR_AUTH);
}

/* r=x,s=c2FsdA==,i=2000000000 */
static void
test_scram_iterations_are_bounded(void **state)
{
	static const char *const script[] = {
		"S: * OK [CAPABILITY IMAP4rev1 SASL-IR LOGINDISABLED "
		"AUTH=SCRAM-SHA-256] hi", "C: AUTHENTICATE SCRAM-SHA-256",
		"S: + cj14LHM9YzJGc2RBPT0saT0yMDAwMDAwMDAw", "C: *\r\n",
		"S: $2 BAD cancelled", NULL };
	struct probe p = { 0 };

	(void)state;
	open_with(&p, script);
	assert_int_equal(p.open_err.kind, ERR_PROTO);
	assert_non_null(strstr(p.open_err.msg, "iterations"));
}

/* r=x,s=c2FsdA==,i=4095: whoever overhears that can guess. */
static void
test_few_iterations_are_refused(void **state)
{
	static const char *const script[] = {
		"S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN "
		"AUTH=SCRAM-SHA-256] hi", "C: AUTHENTICATE SCRAM-SHA-256",
		"S: + cj14LHM9YzJGc2RBPT0saT00MDk1", "C: *\r\n",
		"S: $2 BAD cancelled", NULL };
	struct probe p = { 0 };

	(void)state;
	open_with(&p, script);
	assert_int_equal(p.open_err.kind, ERR_PROTO);
	assert_non_null(strstr(p.open_err.msg, "auth = plain"));
}

/* What it says in place of its first message, and whether PLAIN may follow. */
static void
test_no_plain_for_a_server_that_proved_nothing(void **state)
{
	static const struct {
		const char *challenge;		/* base64 */
		bool refusal;
	} table[] = {
		{ "cj14LHM9YzJGc2RBPT0saT00MDk2", false }, /* other nonce */
		{ "dj1BQUFB", false },			/* v=AAAA */
		{ "eA==", false },			/* x */
		{ "ZT11bmtub3duLXVzZXI=", true },	/* e=unknown-user */
		/* e=channel-bindings-dont-match */
		{ "ZT1jaGFubmVsLWJpbmRpbmdzLWRvbnQtbWF0Y2g=", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char line[100];
		const char *script[] = { "S: * OK [CAPABILITY IMAP4rev1 "
		    "SASL-IR AUTH=PLAIN AUTH=SCRAM-SHA-256] hi",
		    "C: AUTHENTICATE SCRAM-SHA-256", line, "C: *\r\n",
		    "S: $2 BAD cancelled",
		    table[i].refusal ? "C: AUTHENTICATE PLAIN" : NULL,
		    "S: $1 OK [CAPABILITY IMAP4rev1] in", NULL };
		struct probe p = { 0 };

		print_message("%s\n", table[i].challenge);
		snprintf(line, sizeof(line), "S: + %s", table[i].challenge);
		open_with(&p, script);
		assert_int_equal(p.open_err.kind, table[i].refusal ? ERR_NONE :
		    ERR_PROTO);
		assert_true((p.session != NULL) == table[i].refusal);
	}
}

/* It is said of a SCRAM that the server has no key for, too; not of PLAIN. */
static void
test_refused_scram_is_not_a_wrong_password(void **state)
{
	static const char *const works[] = {
		"S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256 "
		"AUTH=SCRAM-SHA-1 AUTH=PLAIN] hi",
		"C: AUTHENTICATE SCRAM-SHA-256",
		"S: $1 NO [AUTHENTICATIONFAILED] no",
		"C: AUTHENTICATE PLAIN " PLAIN_B64,
		"S: $1 OK [CAPABILITY IMAP4rev1] in", NULL };
	/* Nothing more is tried: the account would get locked. */
	static const char *const wrong[] = {
		"S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256 "
		"AUTH=PLAIN] hi", "C: AUTHENTICATE SCRAM-SHA-256",
		"S: $1 NO no", "C: AUTHENTICATE PLAIN", "S: $1 NO no",
		"C: not another try", NULL };
	static const char *const once[] = {
		"S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256 "
		"AUTH=PLAIN] hi", "C: AUTHENTICATE SCRAM-SHA-256",
		"S: $1 NO no", "C: not another try", NULL };
	struct probe p = { 0 }, q = { 0 }, r = { .cfg.once = true };

	(void)state;
	open_with(&p, works);
	assert_non_null(p.session);
	assert_int_equal(p.open.mech, MECH_PLAIN);
	open_with(&q, wrong);
	assert_int_equal(q.open_err.kind, ERR_AUTH);
	open_with(&r, once);
	assert_int_equal(r.open_err.kind, ERR_AUTH);
}

/* Offered, and answered BAD (Coremail); or asked for once more. */
static void
test_initial_response_is_left_out(void **state)
{
	static const char *const bad[] = {
		"S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi",
		"C: AUTHENTICATE PLAIN " PLAIN_B64, "S: $1 BAD syntax",
		"C: AUTHENTICATE PLAIN\r\n", "S: + ", "C: " PLAIN_B64 "\r\n",
		"S: $2 OK [CAPABILITY IMAP4rev1 SASL-IR] in", NULL };
	static const char *const again[] = {
		"S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi",
		"C: AUTHENTICATE PLAIN " PLAIN_B64, "S: + ",
		"C: " PLAIN_B64 "\r\n",
		"S: $2 OK [CAPABILITY IMAP4rev1] in", NULL };
	/* That was no try, so another way is left. */
	static const char *const other[] = {
		"S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi",
		"C: AUTHENTICATE PLAIN " PLAIN_B64, "S: $1 BAD syntax",
		"C: AUTHENTICATE PLAIN\r\n", "S: $1 BAD syntax",
		"C: LOGIN jane secret", "S: $1 OK [CAPABILITY IMAP4rev1] in",
		NULL };
	static const char *const *const all[] = { bad, again, other };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct probe p = { 0 };

		open_with(&p, all[i]);
		assert_string_equal(p.open_err.msg, "");
		assert_non_null(p.session);
	}
}

static void
note_distrust(struct probe *p)
{
	probe_say(p, "%s", imap_session_distrusted(p->session) == CAP_SASL_IR ?
	    "in vain" : "");
}

/* What it offers in vain is known next time, by who it is. */
static void
test_what_is_offered_in_vain_is_told(void **state)
{
	static const char *const bad[] = {
		"S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi",
		"C: AUTHENTICATE PLAIN " PLAIN_B64, "S: $1 BAD syntax",
		"C: AUTHENTICATE PLAIN\r\n", "S: + ", "C: " PLAIN_B64 "\r\n",
		"S: $2 OK [CAPABILITY IMAP4rev1 SASL-IR] in", NULL };
	static const char *const known[] = {
		"S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi",
		"C: AUTHENTICATE PLAIN\r\n", "S: + ", "C: " PLAIN_B64 "\r\n",
		"S: $2 OK [CAPABILITY IMAP4rev1 SASL-IR] in", NULL };
	struct probe p = { 0 }, q = { .cfg.caps_off = CAP_SASL_IR };

	(void)state;
	probe_run(&p, bad, note_distrust);
	assert_string_equal(p.seen, "in vain");
	probe_run(&q, known, note_distrust);
	assert_non_null(q.session);
	assert_string_equal(q.seen, "");
	/* Of another server that was not known. */
	assert_true(q.caps & CAP_SASL_IR);
}

/* auth = ...: that way, or none. */
static void
test_a_way_can_be_pinned(void **state)
{
#define OFFER "S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256 " \
	"AUTH=SCRAM-SHA-1 AUTH=PLAIN AUTH=LOGIN] hi"
#define IN "S: $1 OK [CAPABILITY IMAP4rev1] in"
	static const char *const plain[] = { OFFER,
	    "C: AUTHENTICATE PLAIN " PLAIN_B64, IN, NULL };
	static const char *const refused[] = { OFFER,
	    "C: AUTHENTICATE SCRAM-SHA-1", "S: $1 NO no", "C: nothing", NULL };
	static const char *const login[] = { OFFER, "C: LOGIN jane secret",
	    IN, NULL };
	/* "jane" and "secret". */
	static const char *const sasl[] = {
	    "S: * OK [CAPABILITY IMAP4rev1 SASL-IR LOGINDISABLED AUTH=LOGIN] x",
	    "C: AUTHENTICATE LOGIN\r\n", "S: + VXNlcm5hbWU6", "C: amFuZQ==",
	    "S: + UGFzc3dvcmQ6", "C: c2VjcmV0",
	    "S: $3 OK [CAPABILITY IMAP4rev1] in", NULL };
	static const char *const none[] = {
	    "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] hi", "C: nothing",
	    NULL };
	static const struct {
		enum imap_mech wanted;
		const char *const *script;
		enum err_kind kind;
		const char *says;
	} table[] = {
		{ MECH_PLAIN, plain, ERR_NONE, "" },
		{ MECH_SCRAM_SHA_1, refused, ERR_AUTH, "refused the login" },
		{ MECH_LOGIN, login, ERR_NONE, "" },
		{ MECH_LOGIN, sasl, ERR_NONE, "" },
		{ MECH_NONE, sasl, ERR_NONE, "" },
		{ MECH_SCRAM_SHA_256, none, ERR_AUTH,
		  "does not offer SCRAM-SHA-256, which auth in syncrc" },
		{ MECH_SCRAM_SHA_256_PLUS, none, ERR_AUTH,
		  "can't be used on this connection" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct probe p = { .cfg.wanted = table[i].wanted };

		print_message("%zu\n", i);
		open_with(&p, table[i].script);
		assert_int_equal(p.open_err.kind, table[i].kind);
		assert_non_null(strstr(p.open_err.msg, table[i].says));
	}
}

/* What let us in last time is taken first; refused now, the best follows. */
static void
test_what_worked_before_comes_first(void **state)
{
	static const char *const first[] = { OFFER,
	    "C: AUTHENTICATE PLAIN " PLAIN_B64, IN, NULL };
	static const char *const back[] = { OFFER,
	    "C: AUTHENTICATE PLAIN " PLAIN_B64, "S: $1 NO not here any more",
	    "C: AUTHENTICATE SCRAM-SHA-256", "S: $1 NO no", NULL };
	/* It is not offered any more. */
	static const char *const gone[] = {
	    "S: * OK [CAPABILITY IMAP4rev1] hi", "C: LOGIN jane", IN, NULL };
	struct probe p = { .cfg.before = MECH_PLAIN };
	struct probe q = { .cfg.before = MECH_PLAIN };
	struct probe r = { .cfg.before = MECH_PLAIN };

	(void)state;
	open_with(&p, first);
	assert_non_null(p.session);
	open_with(&q, back);
	assert_int_equal(q.open_err.kind, ERR_AUTH);
	open_with(&r, gone);
	assert_non_null(r.session);
	assert_int_equal(r.open.mech, MECH_LOGIN);
}

/* Both wait for the other's first word. */
static void
test_starttls_where_tls_comes_first(void **state)
{
	static const char *const script[] = { "C: nothing", NULL };
	struct probe p = { .cfg.stream.tls = STREAM_TLS_STARTTLS };

	(void)state;
	open_with(&p, script);
	assert_int_equal(p.open_err.kind, ERR_TLS);
	assert_non_null(strstr(p.open_err.msg, "set tls = implicit"));
}

static void
start_bad_noop(struct probe *p)
{
	probe_noop(p);
}

/* The session lives on, and so does what must not be seen. */
static void
test_password_is_masked_after_the_login(void **state)
{
	static const char *const script[] = {
	    "S: * OK [CAPABILITY IMAP4rev1] x", "C: LOGIN jane ",
	    "S: $1 OK [CAPABILITY IMAP4rev1] in", "C: NOOP",
	    "S: $1 NO you are jane with " CANARY ", in full s3\"cretc4nary, "
	    "or czNjcmV0YzRuYXJ5", NULL };
	struct probe p = { .cfg.password = CANARY };

	(void)state;
	probe_run(&p, script, start_bad_noop);
	assert_non_null(strstr(p.plain[0].err.msg, "you are jane with ***, "
	    "in full"));
	assert_null(strstr(p.plain[0].err.msg, CANARY));
	assert_null(strstr(p.plain[0].err.msg, "czNjcmV0YzRuYXJ5"));
	probe_release(&p);
}

/* A server that does not know the password can't prove that it does. */
static void
test_scram_server_must_prove_itself(void **state)
{
	static const char *const script[] = {
		"S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=SCRAM-SHA-256] hi",
		"C: AUTHENTICATE SCRAM-SHA-256", "S: $1 OK come in", NULL };
	struct probe p = { 0 };

	(void)state;
	open_with(&p, script);
	assert_null(p.session);
	assert_int_equal(p.open_err.kind, ERR_PROTO);
}

static void
test_preauth_over_the_network(void **state)
{
	static const char *const script[] = {
		"S: * PREAUTH [CAPABILITY IMAP4rev1] in", NULL };
	struct probe p = { 0 };

	(void)state;
	open_with(&p, script);
	assert_int_equal(p.open_err.kind, ERR_PROTO);
}

/* Courier: an alert comes before the greeting proper. */
static void
test_preauth_through_a_tunnel(void **state)
{
	static const char *const script[] = { NULL };
	struct probe p = { 0 };

	(void)state;
	p.cfg.stream.tunnel = "printf '* OK [ALERT] beware\\r\\n"
	    "* PREAUTH in\\r\\n'; read tag rest; "
	    "printf '* CAPABILITY IMAP4rev1\\r\\n'; "
	    "printf \"${tag} OK done\\r\\n\"; cat >/dev/null";
	p.fake.fd = -1;
	{
		struct loop *loop = loop_new();

		p.cfg.stream.connect_ms = p.cfg.stream.silence_ms = 20000;
		p.cfg.user = "jane";
		p.cfg.password = "secret";
		(void)script;
		task_start(&p.task, loop, NULL, "probe", probe_begin);
		loop_run(loop);
		loop_free(loop);
	}
	assert_string_equal(p.open_err.msg, "");
	assert_non_null(p.session);
}

static void
test_starttls_is_not_left_out(void **state)
{
	static const char *const script[] = {
		"S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] hi", NULL };
	static const char *const refused[] = {
		"S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hi", "C: STARTTLS",
		"S: $1 NO not today", NULL };
	/* Injected behind the OK: must not be read as an answer later. */
	static const char *const injected[] = {
		"S: * OK [CAPABILITY IMAP4rev1 STARTTLS] hi", "C: STARTTLS",
		"S: $1 OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN", NULL };
	static const char *const *const all[] = { script, refused, injected };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct probe p = { 0 };

		p.cfg.stream.tls = STREAM_TLS_STARTTLS;
		open_with(&p, all[i]);
		assert_null(p.session);
		assert_int_equal(p.open_err.kind, ERR_TLS);
	}
}

/* "+" for ever, after our last word and after we gave up. */
static void
test_continuations_without_end(void **state)
{
	static const char *const plain[] = {
	    "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] x",
	    "C: AUTHENTICATE", "F: 100 + ", NULL };
	static const char *const given_up[] = {
	    "S: * OK [CAPABILITY IMAP4rev1 AUTH=SCRAM-SHA-256 SASL-IR] x",
	    "C: AUTHENTICATE", "F: 100 + AAAA", NULL };
	static const char *const *const all[] = { plain, given_up };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct probe p = { 0 };

		open_with(&p, all[i]);
		assert_null(p.session);
		assert_int_equal(p.open_err.kind, ERR_PROTO);
	}
}

/* The word means nothing once commands have been sent. */
static void
test_preauth_is_no_way_around_the_login(void **state)
{
	static const char *const script[] = { "S: * OK hi", "C: CAPABILITY",
	    "S: * PREAUTH in\r\n* CAPABILITY IMAP4rev1", "S: $1 OK x",
	    "C: LOGIN jane", "S: $1 OK [CAPABILITY IMAP4rev1] in", NULL };
	struct probe p = { 0 };

	(void)state;
	open_with(&p, script);
	assert_string_equal(p.open_err.msg, "");
}

/* Everything that -vv prints, while the server says the password back. */
static void
test_password_is_never_logged(void **state)
{
	static const char *const login[] = { "S: * OK [CAPABILITY IMAP4rev1] x",
	    "C: LOGIN jane " CANARY, "S: * OK you said " CANARY,
	    "S: $1 NO [" CANARY "] your password is " CANARY, NULL };
	static const char *const plain[] = {
	    "S: * OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] x",
	    "C: AUTHENTICATE", "S: + ", "C: ", "S: $2 NO [EXPIRED] x", NULL };
	static const char *const *const all[] = { login, plain };
	char name[] = "/tmp/imap_auth_XXXXXX", text[20000];
	int fd = mkstemp(name), old = dup(2);
	ssize_t n;

	(void)state;
	assert_true(fd >= 0);
	unlink(name);
	for (size_t i = 0; i < 2; i++) {
		struct probe p = { 0 };

		p.cfg.password = CANARY;
		log_set_level(LOG_DEBUG);
		dup2(fd, 2);
		open_with(&p, all[i]);
		dup2(old, 2);
		log_set_level(LOG_WARN);
		assert_null(strstr(p.open_err.msg, CANARY));
	}
	n = pread(fd, text, sizeof(text) - 1, 0);
	assert_true(n > 100);
	text[n] = '\0';
	assert_non_null(strstr(text, "LOGIN jane ***"));
	assert_null(strstr(text, CANARY));
	/* base64 of the PLAIN message: "AGphbmUAczNjcmV0YzRuYXJ5" */
	assert_null(strstr(text, "AGphbmUA"));
	close(fd);
	close(old);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_with_initial_response),
		cmocka_unit_test(test_plain_without_initial_response),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_second_mechanism),
		cmocka_unit_test(test_scram_iterations_are_bounded),
		cmocka_unit_test(test_scram_server_must_prove_itself),
		cmocka_unit_test(test_few_iterations_are_refused),
		cmocka_unit_test(
		    test_no_plain_for_a_server_that_proved_nothing),
		cmocka_unit_test(test_refused_scram_is_not_a_wrong_password),
		cmocka_unit_test(test_initial_response_is_left_out),
		cmocka_unit_test(test_what_is_offered_in_vain_is_told),
		cmocka_unit_test(test_a_way_can_be_pinned),
		cmocka_unit_test(test_what_worked_before_comes_first),
		cmocka_unit_test(test_starttls_where_tls_comes_first),
		cmocka_unit_test(test_password_is_masked_after_the_login),
		cmocka_unit_test(test_preauth_over_the_network),
		cmocka_unit_test(test_preauth_through_a_tunnel),
		cmocka_unit_test(test_starttls_is_not_left_out),
		cmocka_unit_test(test_continuations_without_end),
		cmocka_unit_test(test_preauth_is_no_way_around_the_login),
		cmocka_unit_test(test_password_is_never_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
