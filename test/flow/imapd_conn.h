/* What the files of the server share: a connection, and how one answers. */
#ifndef FLOW_IMAPD_CONN_H
#define FLOW_IMAPD_CONN_H

#include <uv.h>

#include "imapd.h"
#include "scheduler.h"

/* A piece that goes out at once: a line, or part of a literal. */
struct imapd_line {
	char *data;
	size_t n;
	struct imapd_line *next;
};

/* One that was received whole; what is behind the tag, with CRLF. */
struct imapd_command {
	char tag[32];
	char *text;
	size_t n;
	struct imapd_command *next;
};

struct imapd_conn {
	struct imapd *d;
	struct imapd_conn *next;
	uv_tcp_t tcp;
	struct sched_source source;
	char name[24];
	unsigned number;	/* from 1 */
	struct buf in;
	size_t looked;		/* of in: no line ends in there */
	bool wants;		/* a literal waits for "+", ... */
	bool asked;		/* ... or was asked for */
	struct imapd_command *first, **last;
	struct imapd_line *out, **out_last;
	bool silent;		/* it will answer no more */
	bool closing;		/* cut, or logged out, when all is sent */
	unsigned commands;	/* carried out so far */
	size_t octets;		/* and sent */
	bool cut;		/* what is said from now on is not sent */

	bool logged_in, condstore, qresync;
	uint32_t fetch_from;	/* the lowest UID that a limit leaves */
	struct imapd_box *box;	/* selected; NULL */
	bool examined;
	uint32_t *view;		/* UIDs that the client knows, in order */
	size_t n_view, cap_view;
	uint64_t seen;		/* MODSEQ up to which it was told */
	char *saved;		/* set of SEARCH SAVE; NULL */
};

/* Where reading a command has come to. */
struct cursor {
	struct imapd_conn *c;
	const char *tag;
	const char *p, *end;
};

/* A message that APPEND brought. */
struct arrived {
	char *flags, *data;
	size_t n;
	int64_t date;
};
struct imapd_late {
	struct imapd_box *box;
	struct arrived a;
	uint32_t uid;
	uint64_t modseq;	/* as it was stored */
};

/* imapd.c: a line of the answer, or raw octets. */
void conn_say(struct imapd_conn *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void conn_send(struct imapd_conn *, const char *, size_t n);
/* When that is sent it is cut. */
void conn_cut_behind(struct imapd_conn *);
void conn_forget_box(struct imapd *, const struct imapd_box *);
bool conn_has_cap(const struct imapd_conn *, const char *word);

/* Reading. False, and nothing read, where that does not stand there. */
bool take_word(struct cursor *, const char *word);	/* and a blank */
bool take_char(struct cursor *, char);
/* Atom, quoted or literal, up to a blank or parenthesis; malloc'ed, or NULL. */
char *take_string(struct cursor *, size_t *n_out);
/* "(a b c)", without parentheses. */
char *take_list(struct cursor *);
bool at_end(const struct cursor *);

/* imapd_cmd.c: carries it out and answers. */
void command_run(struct imapd_conn *, const char *tag, const char *text,
    size_t n);
/* What others did meanwhile. */
void view_tell(struct imapd_conn *);
void view_open(struct imapd_conn *, struct imapd_box *, bool examined);
/* imapd_msg.c: those that begin with UID. */
void command_uid(struct cursor *);
#define SET_MOST (4u << 20)
/* The n-th one that the client knows, and is there still; NULL. */
struct imapd_message *view_message(const struct imapd_conn *, size_t i);
bool view_asked(const struct imapd_conn *, const char *set, uint32_t uid);
bool view_writable(struct cursor *);	/* or it says NO */
void view_expunge(struct imapd_conn *, uint32_t uid);
/* imapd_copy.c */
void command_transfer(struct cursor *, bool move);
void command_expunge(struct cursor *, const char *set);
/* Rows of what changed, for SELECT (QRESYNC ...). */
void fetch_changes(struct imapd_conn *, const char *set, uint64_t since);
void fetch_vanished(struct imapd_conn *, const char *set, uint64_t since);

/* imapd_lies.c: which lie is to be told now; the UID that it is told to have;
 * the answer of all; one APPEND was carried out. */
enum imapd_append lies_append(const struct imapd *);
uint32_t lies_store(struct imapd *, struct imapd_box *, const struct arrived *);
/* What is to be shown late. */
void lies_keep_aside(struct imapd *, struct imapd_box *,
    const struct arrived *);
void lies_answer(struct cursor *, struct imapd_box *, uint32_t *uid, size_t n);
void lies_appended(struct imapd *);
void lies_number(struct imapd *, struct imapd_box *);
void lies_release(struct imapd *);

void answer_ok(struct cursor *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void answer_no(struct cursor *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void answer_bad(struct cursor *);

#endif
