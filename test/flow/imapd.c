/* The server's end of the wire: connections, commands in, lines out. */
#include "imapd.h"

#include <ctype.h>
#include <fnmatch.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/mem.h"
#include "imapd_conn.h"
#include "loop/loop.h"
#include "loop/uv.h"

#define COMMAND_MOST	(64u << 20)

struct imapd_net {
	uv_tcp_t tcp;
	struct imapd *d;
	struct loop *loop;
	unsigned port;
};

/* --- what goes out --- */

void
conn_send(struct imapd_conn *c, const char *data, size_t n)
{
	struct imapd_line *l;

	if (c->cut)
		return;
	l = xcalloc(1, sizeof(*l));
	l->data = xmalloc(n + 1);
	memcpy(l->data, data, n);
	l->n = n;
	*c->out_last = l;
	c->out_last = &l->next;
}

void
conn_cut_behind(struct imapd_conn *c)
{
	c->cut = c->closing = c->d->was_cut = true;
}

void
conn_say(struct imapd_conn *c, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	assert_true(n >= 0);
	text = xrealloc(text, (size_t)n + 3);
	memcpy(text + n, "\r\n", 2);
	conn_send(c, text, (size_t)n + 2);
	free(text);
}

static void
drop_out(struct imapd_conn *c)
{
	struct imapd_line *l;

	while ((l = c->out) != NULL) {
		c->out = l->next;
		free(l->data);
		free(l);
	}
	c->out_last = &c->out;
}

static void
drop_commands(struct imapd_conn *c)
{
	struct imapd_command *cmd;

	while ((cmd = c->first) != NULL) {
		c->first = cmd->next;
		free(cmd->text);
		free(cmd);
	}
	c->last = &c->first;
}

static void
on_closed(uv_handle_t *h)
{
	struct imapd_conn *c = h->data;

	drop_out(c);
	drop_commands(c);
	buf_release(&c->in);
	free(c->view);
	free(c->saved);
	free(c);
}

static void
conn_close(struct imapd_conn *c)
{
	struct imapd_conn **p = &c->d->conn;

	while (*p != c)
		p = &(*p)->next;
	*p = c->next;
	sched_remove(&c->source);
	sched_touch();
	uv_close((uv_handle_t *)&c->tcp, on_closed);
}

void
imapd_hang_up(struct imapd *d)
{
	while (d->conn != NULL)
		conn_close(d->conn);
}

void
imapd_say_bye(struct imapd *d, const char *text)
{
	for (struct imapd_conn *c = d->conn; c != NULL; c = c->next) {
		conn_say(c, "* BYE %s", text);
		c->closing = true;
	}
}

static void
cut(struct imapd_conn *c)
{
	struct imapd *d = c->d;

	d->was_cut = true;
	if (!d->cut_all) {
		conn_close(c);
		return;
	}
	d->down = true;
	imapd_hang_up(d);
}

/* --- what comes in --- */

/* "{12}" or "{12+}" before the end of a line. */
static bool
ends_in_literal(const char *line, size_t n, size_t *size, bool *sync)
{
	size_t at = n;

	*sync = true;
	if (at == 0 || line[--at] != '}')
		return false;
	if (at > 0 && line[at - 1] == '+') {
		*sync = false;
		at--;
	}
	while (at > 0 && isdigit((unsigned char)line[at - 1]))
		at--;
	if (at == 0 || line[at - 1] != '{')
		return false;
	*size = strtoul(line + at, NULL, 10);
	return true;
}

static void
queue_command(struct imapd_conn *c, size_t n)
{
	struct imapd_command *cmd = xcalloc(1, sizeof(*cmd));
	const char *p = (const char *)c->in.data;
	size_t tag = strcspn(p, " ");

	snprintf(cmd->tag, sizeof(cmd->tag), "%.*s", (int)tag, p);
	cmd->n = n - tag - 1;
	cmd->text = xmalloc(cmd->n + 1);
	memcpy(cmd->text, p + tag + 1, cmd->n);
	cmd->text[cmd->n] = '\0';
	*c->last = cmd;
	c->last = &cmd->next;
	buf_consume(&c->in, n);
	c->looked = 0;
}

/* As far as what has come goes. */
static void
take_commands(struct imapd_conn *c)
{
	const char *start, *end;
	size_t n, size;
	bool sync;

	while (c->looked < c->in.len) {
		start = (const char *)c->in.data + c->looked;
		end = memmem(start, c->in.len - c->looked, "\r\n", 2);
		if (end == NULL)
			return;
		n = (size_t)(end - start);
		if (!ends_in_literal(start, n, &size, &sync)) {
			queue_command(c, c->looked + n + 2);
			continue;
		}
		c->wants = sync && !c->asked;
		if (c->wants || c->in.len < c->looked + n + 2 + size)
			return;
		c->asked = false;
		c->looked += n + 2 + size;
	}
}

static void
on_alloc(uv_handle_t *h, size_t n, uv_buf_t *b)
{
	struct imapd_conn *c = h->data;

	*b = uv_buf_init(buf_room(&c->in, n), (unsigned)n);
}

static void
on_read(uv_stream_t *h, ssize_t n, const uv_buf_t *b)
{
	struct imapd_conn *c = h->data;

	(void)b;
	sched_touch();
	if (n < 0) {
		conn_close(c);
		return;
	}
	buf_added(&c->in, (size_t)n);
	take_commands(c);
}

/* --- rules --- */

/* On one line, literals as {n}. */
static void
show_command(struct buf *out, const char *text, size_t n)
{
	const char *end = text + n, *eol;
	size_t size;
	bool sync;

	buf_clear(out);
	while (text < end) {
		eol = memmem(text, (size_t)(end - text), "\r\n", 2);
		if (eol == NULL)
			eol = end;
		buf_add(out, text, (size_t)(eol - text));
		if (!ends_in_literal(text, (size_t)(eol - text), &size, &sync))
			break;
		text = eol + 2 + size;
	}
}

/* The first one that acts now; NULL. */
static struct imapd_rule *
rule_for(struct imapd *d, const char *shown)
{
	for (size_t i = 0; i < d->n_rule; i++) {
		struct imapd_rule *r = &d->rule[i];

		if (fnmatch(r->command, shown, 0) != 0 ||
		    r->met++ < r->skip ||
		    (r->times > 0 && r->acted >= r->times))
			continue;
		r->acted++;
		return r;
	}
	return NULL;
}

/* --- one command --- */

static bool
is_killed(const struct imapd *d, const struct imapd_command *cmd)
{
	size_t n = d->kills == NULL ? 0 : strlen(d->kills);
	char *set;
	bool is;

	if (n == 0 || strncmp(cmd->text, d->kills, n) != 0)
		return false;
	set = xstrndup(cmd->text + n, strcspn(cmd->text + n, " \r"));
	is = set_has(set, d->killed_by[0], 0) ||
	    (d->killed_by[1] != 0 && set_has(set, d->killed_by[1], 0));
	free(set);
	return is;
}

static enum imapd_action
action_for(const struct imapd *d, const struct imapd_command *cmd,
    const struct imapd_rule *r)
{
	if (r != NULL || !is_killed(d, cmd))
		return r == NULL ? IMAPD_CALL : r->action;
	return d->kills_silently ? IMAPD_SILENT :
	    d->kills_behind ? IMAPD_CUT_BEHIND : IMAPD_CUT;
}

static void
carry_out(struct imapd_conn *c, struct imapd_command *cmd,
    const struct imapd_rule *r)
{
	struct imapd *d = c->d;
	enum imapd_action act = action_for(d, cmd, r);

	if (c->cut)
		return;
	if (d->commands_most > 0 && ++c->commands > d->commands_most) {
		if (d->says_bye)
			conn_say(c, "* BYE that is enough");
		conn_cut_behind(c);
		return;
	}
	if (act == IMAPD_CALL && r != NULL)
		r->call(d, r->arg);
	if (act == IMAPD_NO || act == IMAPD_BAD || act == IMAPD_OK) {
		conn_say(c, "%s %s %s", cmd->tag, act == IMAPD_NO ? "NO" :
		    act == IMAPD_BAD ? "BAD" : "OK", r->text);
		return;
	}
	if (act != IMAPD_CUT)
		command_run(c, cmd->tag, cmd->text, cmd->n);
	if (act == IMAPD_TWICE)
		conn_say(c, "%s OK %s", cmd->tag, r->text);
	if (act == IMAPD_CALL_BEHIND)
		r->call(d, r->arg);
	if (act == IMAPD_SILENT) {
		drop_out(c);
		c->silent = true;
	} else if (act == IMAPD_CUT || act == IMAPD_CUT_BEHIND) {
		cut(c);
	}
}

static void
log_command(struct imapd *d, const char *shown)
{
	buf_addf(&d->log, "%s\n", shown);
	d->logins += strncmp(shown, "LOGIN ", 6) == 0;
}

static void
run_command(struct imapd_conn *c)
{
	struct imapd_command *cmd = c->first;
	struct buf shown;

	c->first = cmd->next;
	if (c->first == NULL)
		c->last = &c->first;
	buf_init(&shown, COMMAND_MOST);
	show_command(&shown, cmd->text, cmd->n);
	log_command(c->d, buf_str(&shown));
	if (c->d->commands++ == c->d->cut_command)
		cut(c);
	else
		carry_out(c, cmd, rule_for(c->d, buf_str(&shown)));
	buf_release(&shown);
	free(cmd->text);
	free(cmd);
}

/* --- answers of several commands, mixed up --- */

static bool
only_reads(const struct imapd_command *cmd)
{
	return strncmp(cmd->text, "UID FETCH ", 10) == 0 ||
	    strncmp(cmd->text, "UID SEARCH RETURN ", 18) == 0;
}

/* Takes the answer that has just been made, but for its last line. */
static struct imapd_line *
take_rows(struct imapd_conn *c, struct imapd_line ***last)
{
	struct imapd_line *rows = c->out, **p = &rows;

	while (*p != NULL && (*p)->next != NULL)
		p = &(*p)->next;
	c->out = *p;
	*p = NULL;
	*last = p;
	return rows;
}

/* A FETCH with a literal is in several pieces that stay together. */
static bool
begins_row(const struct imapd_line *l)
{
	return l->n > 2 && strncmp(l->data, "* ", 2) == 0;
}

static void
move_row(struct imapd_line **from, struct imapd_line ***to)
{
	do {
		**to = *from;
		*to = &(**to)->next;
		*from = **to;
		**to = NULL;
	} while (*from != NULL && !begins_row(*from));
}

/* The rows of both, in any order of the two, then both ends. */
static void
run_mixed(struct imapd_conn *c)
{
	struct imapd_line *a, *b, *ends, *all = NULL, **to = &all, **last;

	run_command(c);
	if (uv_is_closing((uv_handle_t *)&c->tcp) || c->first == NULL)
		return;
	a = take_rows(c, &last);
	ends = c->out;
	c->out = NULL;
	c->out_last = &c->out;
	run_command(c);
	b = take_rows(c, &last);
	while (a != NULL || b != NULL) {
		bool first = b == NULL ||
		    (a != NULL && sched_random(&c->d->mix) % 2);

		move_row(first ? &a : &b, &to);
	}
	*to = ends;
	ends->next = c->out;
	c->out = all;
	while (*c->out_last != NULL)
		c->out_last = &(*c->out_last)->next;
}

/* --- a turn of the connection --- */

static bool
may_go(struct sched_source *src)
{
	const struct imapd_conn *c = (struct imapd_conn *)(void *)((char *)src -
	    offsetof(struct imapd_conn, source));

	return c->out != NULL || c->closing ||
	    (!c->silent && (c->first != NULL || c->wants));
}

static bool
is_cut_here(const struct imapd_conn *c)
{
	const struct imapd *d = c->d;

	if (d->cut_line < 0 || d->was_cut)
		return false;
	return d->cut_other ? c->number > 1 && d->lines >= d->cut_line :
	    d->lines == d->cut_line;
}

static void
send_line(struct imapd_conn *c)
{
	struct imapd_line *l = c->out;
	uv_buf_t b = uv_buf_init(l->data, (unsigned)l->n);
	int n;

	if (is_cut_here(c)) {
		cut(c);
		return;
	}
	if (c->d->octets_most > 0 && c->octets + l->n > (size_t)c->d->octets_most) {
		conn_close(c);
		return;
	}
	c->octets += l->n;
	n = uv_try_write((uv_stream_t *)&c->tcp, &b, 1);
	if (n == UV_EAGAIN)
		return;
	if (n > 0 && (size_t)n < l->n) {
		memmove(l->data, l->data + n, l->n - (size_t)n);
		l->n -= (size_t)n;
		return;
	}
	c->d->lines++;
	c->out = l->next;
	if (c->out == NULL)
		c->out_last = &c->out;
	free(l->data);
	free(l);
}

/* The head of a command whose literal is still to come may be refused. */
static void
ask_for_literal(struct imapd_conn *c)
{
	const char *head = (const char *)c->in.data;
	const char *end = memmem(head + c->looked, c->in.len - c->looked,
	    "\r\n", 2);
	size_t n = (size_t)(end - head), tag = strcspn(head, " ");
	struct imapd_rule *r;
	char *shown = xasprintf("literal %.*s", (int)(n - tag - 1),
	    head + tag + 1);

	c->wants = false;
	r = rule_for(c->d, shown);
	free(shown);
	if (r != NULL && (r->action == IMAPD_NO || r->action == IMAPD_BAD)) {
		conn_say(c, "%.*s %s %s", (int)tag, head,
		    r->action == IMAPD_NO ? "NO" : "BAD", r->text);
		buf_consume(&c->in, n + 2);
		c->looked = 0;
		take_commands(c);
		return;
	}
	c->asked = true;
	conn_say(c, "+ go ahead");
}

static void
go(struct sched_source *src)
{
	struct imapd_conn *c = (struct imapd_conn *)(void *)((char *)src -
	    offsetof(struct imapd_conn, source));

	if (c->out != NULL)
		send_line(c);
	else if (c->closing)
		conn_close(c);
	else if (c->first == NULL)
		ask_for_literal(c);
	else if (c->d->mix != 0 && only_reads(c->first) &&
	    c->first->next != NULL && only_reads(c->first->next))
		run_mixed(c);
	else
		run_command(c);
}

/* --- listening --- */

static void
on_connection(uv_stream_t *h, int status)
{
	struct imapd *d = ((struct imapd_net *)h->data)->d;
	struct imapd_conn *c = xcalloc(1, sizeof(*c));
	unsigned n = 0;

	assert_int_equal(status, 0);
	c->d = d;
	c->last = &c->first;
	c->out_last = &c->out;
	buf_init(&c->in, COMMAND_MOST);
	c->number = ++d->n_conn;
	snprintf(c->name, sizeof(c->name), "server %u", c->number);
	c->source = (struct sched_source){ c->name, may_go, go, NULL };
	uv_tcp_init(h->loop, &c->tcp);
	c->tcp.data = c;
	uv_accept(h, (uv_stream_t *)&c->tcp);
	uv_tcp_nodelay(&c->tcp, 1);
	for (struct imapd_conn *other = d->conn; other != NULL;
	    other = other->next)
		n++;
	c->next = d->conn;
	d->conn = c;
	sched_add(&c->source);
	sched_touch();
	if (d->down) {
		conn_close(c);
		return;
	}
	uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
	if (d->greets != NULL) {
		c->silent = *d->greets == '\0';
		c->closing = !c->silent;
		if (c->closing)
			conn_say(c, "%s", d->greets);
		return;
	}
	if (d->connections_most > 0 && n >= d->connections_most) {
		conn_say(c, "* BYE [LIMIT] there are too many of you");
		c->closing = true;
		return;
	}
	conn_say(c, "* OK [CAPABILITY IMAP4rev1%s%s%s] %s ready",
	    words_have(d->caps, "LITERAL+") ? " LITERAL+" : "",
	    d->offers != NULL ? " " : "", d->offers != NULL ? d->offers : "",
	    d->is_dovecot ? "Dovecot" : "imapd");
}

unsigned
imapd_listen(struct imapd *d, struct loop *loop)
{
	struct imapd_net *net = xcalloc(1, sizeof(*net));
	struct sockaddr_in a;
	int n = sizeof(a);

	net->d = d;
	net->loop = loop;
	d->net = net;
	d->conn = NULL;
	d->n_conn = 0;
	uv_ip4_addr("127.0.0.1", 0, &a);
	uv_tcp_init(loop_uv(loop), &net->tcp);
	net->tcp.data = net;
	assert_int_equal(uv_tcp_bind(&net->tcp, (struct sockaddr *)&a, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&net->tcp, 64,
	    on_connection), 0);
	uv_tcp_getsockname(&net->tcp, (struct sockaddr *)&a, &n);
	net->port = ntohs(a.sin_port);
	return net->port;
}

static void
on_net_closed(uv_handle_t *h)
{
	free(h->data);
}

void
imapd_close(struct imapd *d)
{
	if (d->net == NULL)
		return;
	imapd_hang_up(d);
	uv_close((uv_handle_t *)&d->net->tcp, on_net_closed);
	d->net = NULL;
}
