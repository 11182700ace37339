/*
 * A scripted IMAP server on 127.0.0.1 in a thread of the test, and a probe: a
 * flow that opens a session with it, starts commands, and waits for them.
 * Included by the tests. Steps of a script:
 *
 *	"S: text"	sends text and CRLF; $1 is the tag of the line that was
 *			received last, $2 of the one before, ...
 *	"s: text"	sends text without CRLF
 *	"C: text"	receives a line, which must contain text
 *	"R: n"		receives n octets
 *	"F: n text"	sends a line n times
 *	"D: n text"	sends text n times, slowly
 *	"Z"		compresses from here on, both ways
 *	"X"		closes
 *
 * cut >= 0: the connection is closed before the cut-th step that sends.
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <zlib.h>

#include "base/log.h"
#include "imap/box.h"
#include "imap/list.h"
#include "imap/open.h"
#include "imap/session.h"
#include "loop/loop.h"

#define FAKE_TAGS 8

struct fake {
	pthread_t thread;
	int fd;				/* listening */
	unsigned port;
	const char *const *script;
	int cut;
	char tag[FAKE_TAGS][32];	/* the last received first */
	char fail[600];			/* what the client did wrong */
	bool packed;
	z_stream in, out;
	unsigned char came[4096];	/* compressed */
};

static void
fake_send_raw(int c, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t k = send(c, p, n, MSG_NOSIGNAL);

		if (k <= 0)
			return;
		p += k;
		n -= (size_t)k;
	}
}

static void
fake_send(struct fake *f, int c, const char *p, size_t n)
{
	char piece[4096];

	if (!f->packed) {
		fake_send_raw(c, p, n);
		return;
	}
	f->out.next_in = (void *)(uintptr_t)p;
	f->out.avail_in = (uInt)n;
	do {
		f->out.next_out = (unsigned char *)piece;
		f->out.avail_out = sizeof(piece);
		deflate(&f->out, Z_SYNC_FLUSH);
		fake_send_raw(c, piece, sizeof(piece) - f->out.avail_out);
	} while (f->out.avail_out == 0);
}

/* One octet. */
static bool
fake_get(struct fake *f, int c, char *octet)
{
	ssize_t n;

	if (!f->packed)
		return recv(c, octet, 1, 0) == 1;
	f->in.next_out = (unsigned char *)octet;
	f->in.avail_out = 1;
	while (inflate(&f->in, Z_SYNC_FLUSH) != Z_DATA_ERROR &&
	    f->in.avail_out == 1) {
		n = recv(c, f->came, sizeof(f->came), 0);
		if (n <= 0)
			return false;
		f->in.next_in = f->came;
		f->in.avail_in = (uInt)n;
	}
	return f->in.avail_out == 0;
}

static void
fake_pack(struct fake *f)
{
	f->packed = true;
	inflateInit2(&f->in, -15);
	deflateInit2(&f->out, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY);
}

static void
fake_send_text(struct fake *f, int c, const char *text)
{
	while (*text != '\0') {
		size_t n = 1 + strcspn(text + 1, "$");

		if (text[0] == '$' && text[1] >= '1' && text[1] <= '8') {
			const char *tag = f->tag[text[1] - '1'];

			fake_send(f, c, tag, strlen(tag));
			n = 2;
		} else {
			fake_send(f, c, text, n);
		}
		text += n;
	}
}

/* Many in one piece: a million lines are not a million system calls. */
static void
fake_send_lines(struct fake *f, int c, int n, const char *text)
{
	size_t len = strlen(text) + 2, fit = (64u << 10) / len;
	char *block = malloc((fit + 1) * len + 1);

	if (block == NULL)
		abort();
	for (size_t i = 0; i <= fit; i++)
		snprintf(block + i * len, len + 1, "%s\r\n", text);
	while (n > 0) {
		size_t k = (size_t)n < fit + 1 ? (size_t)n : fit + 1;

		fake_send(f, c, block, k * len);
		n -= (int)k;
	}
	free(block);
}

static int
fake_expect(struct fake *f, int c, const char *want)
{
	char line[20000];
	size_t n = 0;

	while (n < sizeof(line) - 1) {
		if (!fake_get(f, c, line + n))
			return -1;
		if (line[n++] == '\n')
			break;
	}
	line[n] = '\0';
	memmove(f->tag[1], f->tag[0], sizeof(f->tag) - sizeof(f->tag[0]));
	snprintf(f->tag[0], sizeof(f->tag[0]), "%.*s",
	    (int)strcspn(line, " \r"), line);
	if (strstr(line, want) != NULL)
		return 0;
	snprintf(f->fail, sizeof(f->fail), "wanted \"%.200s\" got \"%.300s\"",
	    want, line);
	return -1;
}

static int
fake_step(struct fake *f, int c, const char *step)
{
	char octet;
	int n, used;

	switch (step[0]) {
	case 'S':
	case 's':
		fake_send_text(f, c, step + 3);
		if (step[0] == 'S')
			fake_send(f, c, "\r\n", 2);
		return 0;
	case 'C':
		return fake_expect(f, c, step + 3);
	case 'R':
		for (n = atoi(step + 3); n > 0; n--)
			if (!fake_get(f, c, &octet))
				return -1;
		return 0;
	case 'D':
		if (sscanf(step + 3, "%d %n", &n, &used) != 1)
			return -1;
		for (; n > 0; n--) {
			fake_send_text(f, c, step + 3 + used);
			usleep(2000);	/* slowness is what is asked for */
		}
		return 0;
	case 'F':
		if (sscanf(step + 3, "%d %n", &n, &used) != 1)
			return -1;
		fake_send_lines(f, c, n, step + 3 + used);
		return 0;
	case 'Z':
		fake_pack(f);
		return 0;
	}
	return -1;
}

static void *
fake_run(void *arg)
{
	struct fake *f = arg;
	int c = accept(f->fd, NULL, NULL), sent = 0;
	char sink[4096];

	for (const char *const *s = f->script; c >= 0 && *s != NULL; s++) {
		bool sends = strchr("SsFD", (*s)[0]) != NULL;

		if (sends && f->cut >= 0 && sent++ == f->cut)
			break;
		if (fake_step(f, c, *s) != 0)
			break;
		/* It is over: hold the line until the client hangs up. */
		if (s[1] == NULL)
			while (recv(c, sink, sizeof(sink), 0) > 0)
				;
	}
	if (f->packed) {
		inflateEnd(&f->in);
		deflateEnd(&f->out);
	}
	close(c);
	return NULL;
}

static void
fake_start(struct fake *f, const char *const *script, int cut)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);

	memset(f, 0, sizeof(*f));
	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	f->script = script;
	f->cut = cut;
	f->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(f->fd, (struct sockaddr *)&a, n), 0);
	assert_int_equal(listen(f->fd, 1), 0);
	assert_int_equal(getsockname(f->fd, (struct sockaddr *)&a, &n), 0);
	f->port = ntohs(a.sin_port);
	assert_int_equal(pthread_create(&f->thread, NULL, fake_run, f), 0);
}

static void
fake_stop(struct fake *f)
{
	pthread_join(f->thread, NULL);
	close(f->fd);
}

#define PROBE_CMDS 8

struct probe {
	struct task task;
	struct imap_open_config cfg;
	struct imap_open open;
	struct imap_session *session;
	void (*start)(struct probe *);	/* with the session open */
	void (*step)(struct probe *);	/* whenever woken, or NULL */
	struct imap_cmd *cmd[PROBE_CMDS];	/* to wait for */
	size_t n;
	struct err open_err;		/* why it did not open */
	struct imap_stats stats;
	unsigned caps;		/* when all was answered */
	struct err lost;		/* the session's error at the end */
	struct fake fake;

	/* what the tests use */
	struct imap_select sel;
	struct imap_fetching fetch;
	struct imap_searching search;
	struct imap_append append;
	size_t hold;	/* from its n-th message on only when refused; 0: none */
	struct imap_list list;
	struct imap_cmd plain[3];
	struct uidset uids;
	char seen[4000];		/* what the sink was told */
};

static void probe_say(struct probe *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
probe_say(struct probe *p, const char *fmt, ...)
{
	size_t n = strlen(p->seen);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->seen + n, sizeof(p->seen) - n, fmt, ap);
	va_end(ap);
}

static enum task_result
probe_wait(struct task *t)
{
	struct probe *p = (struct probe *)t;
	const struct err *lost;

	if (p->step != NULL)
		p->step(p);
	if (t->cancelled)
		return TASK_FAIL;
	for (size_t i = 0; i < p->n; i++)
		if (!p->cmd[i]->done)
			return task_wait(t, probe_wait);
	lost = imap_session_error(p->session);
	if (lost != NULL)
		p->lost = *lost;
	imap_session_stats(p->session, &p->stats);
	p->caps = imap_session_caps(p->session);
	imap_close_start(p->session, t, false);
	return TASK_DONE;
}

static enum task_result
probe_opened(struct task *t)
{
	struct probe *p = (struct probe *)t;

	if (!p->open.task.ended)
		return task_wait(t, probe_opened);
	p->open_err = p->open.task.err;
	p->session = p->open.session;
	if (p->session == NULL)
		return TASK_DONE;
	if (p->start != NULL)
		p->start(p);
	return task_next(t, probe_wait);
}

static enum task_result
probe_begin(struct task *t)
{
	struct probe *p = (struct probe *)t;

	imap_open_start(&p->open, t->loop, t, &p->cfg);
	return task_wait(t, probe_opened);
}

/* Runs start against script. The loop checks that no handle is left. */
static void
probe_run_cut(struct probe *p, const char *const *script,
    void (*start)(struct probe *), int cut)
{
	struct loop *loop = loop_new();

	fake_start(&p->fake, script, cut);
	p->cfg.stream.host = "127.0.0.1";
	p->cfg.stream.port = p->fake.port;
	p->cfg.stream.connect_ms = 20000;
	p->cfg.stream.silence_ms = 20000;
	if (p->cfg.user == NULL)
		p->cfg.user = "jane";
	if (p->cfg.password == NULL)
		p->cfg.password = "secret";
	p->start = start;
	task_start(&p->task, loop, NULL, "probe", probe_begin);
	loop_run(loop);
	assert_true(p->task.ended);
	loop_free(loop);
	fake_stop(&p->fake);
	if (cut < 0)
		assert_string_equal(p->fake.fail, "");
	for (size_t i = 0; i < p->n; i++)
		assert_true(p->cmd[i]->done);
}

static inline void
probe_run(struct probe *p, const char *const *script,
    void (*start)(struct probe *))
{
	probe_run_cut(p, script, start, -1);
}

static void
probe_release(struct probe *p)
{
	if (p->sel.cmd.done)
		imap_select_release(&p->sel);
	if (p->search.cmd.done)
		imap_searching_release(&p->search);
	if (p->list.cmd.done)
		imap_list_release(&p->list);
	imap_cmd_release(&p->fetch.cmd);
	imap_cmd_release(&p->append.cmd);
	for (size_t i = 0; i < 3; i++)
		imap_cmd_release(&p->plain[i]);
	uidset_release(&p->uids);
}

static void
sink_row(void *arg, const struct imap_fetch *f)
{
	probe_say(arg, "row %u%s%s;", (unsigned)f->uid,
	    f->has_flags ? " flags" : "", f->body == BODY_NIL ? " nil" :
	    f->body == BODY_STREAMED ? " body" : "");
}

static void
sink_vanished(void *arg, const struct uidset *uids)
{
	probe_say(arg, "vanished %u;", (unsigned)uidset_count(uids));
}

static void
sink_begin(void *arg, uint32_t uid, uint32_t size)
{
	probe_say(arg, "begin %u %u ", (unsigned)uid, (unsigned)size);
}

static void
sink_data(void *arg, const void *p, size_t n)
{
	probe_say(arg, "%.*s", (int)n, (const char *)p);
}

static void
sink_end(void *arg)
{
	probe_say(arg, " end;");
}

static inline struct imap_sink
probe_sink(struct probe *p)
{
	return (struct imap_sink){ p, sink_row, sink_vanished, sink_begin,
	    sink_data, sink_end };
}

static inline void
probe_add(struct probe *p, struct imap_cmd *cmd)
{
	p->cmd[p->n++] = cmd;
}

static inline void
probe_select(struct probe *p, const char *raw)
{
	struct imap_select_args a = { .raw = raw, .sink = probe_sink(p) };

	imap_select_start(p->session, &p->sel, &p->task, &a);
	probe_add(p, &p->sel.cmd);
}

static inline void
probe_fetch(struct probe *p, const char *set, unsigned items)
{
	struct imap_fetch_args a = { .uids = &p->uids, .items = items,
	    .sink = probe_sink(p) };

	uidset_clear(&p->uids);
	assert_int_equal(uidset_parse(&p->uids, span_of(set)), 0);
	imap_fetch_start(p->session, &p->fetch, &p->task, &a);
	probe_add(p, &p->fetch.cmd);
}

static inline void
probe_noop(struct probe *p)
{
	imap_noop_start(p->session, &p->plain[0], &p->task);
	probe_add(p, &p->plain[0]);
}

/* Greeting and login with the LOGIN command, then these capabilities. */
#define LOGIN(caps) \
	"S: * OK [CAPABILITY IMAP4rev1] ready", \
	"C: LOGIN jane secret", \
	"S: $1 OK [CAPABILITY IMAP4rev1 " caps "] in"
