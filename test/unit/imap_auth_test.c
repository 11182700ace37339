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
		cmocka_unit_test(test_preauth_over_the_network),
		cmocka_unit_test(test_preauth_through_a_tunnel),
		cmocka_unit_test(test_starttls_is_not_left_out),
		cmocka_unit_test(test_continuations_without_end),
		cmocka_unit_test(test_preauth_is_no_way_around_the_login),
		cmocka_unit_test(test_password_is_never_logged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
