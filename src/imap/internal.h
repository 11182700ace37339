/*
 * What the files of imap/ share: the session, and the lines it sends. An
 * imap_cmd is what a flow waits for; it stands for one or several lines
 * (tagged commands on the wire), because a long set is split and a refused
 * form is tried again in a simpler one.
 */
#ifndef IMAP_INTERNAL_H
#define IMAP_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <utlist.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "imap/box.h"
#include "imap/list.h"
#include "imap/open.h"
#include "imap/quirks.h"
#include "imap/resp.h"
#include "imap/session.h"
#include "loop/task.h"
#include "net/stream.h"

/* With no command in flight: how much may come that nobody asked for. */
#define IMAP_UNASKED_MAX	10000
/* While an answer is awaited: how long without anything that belongs to it, in
 * silence limits while the session opens, and how many octets. */
#define IMAP_PATIENCE_MS	(10u * 60 * 1000)
#define IMAP_OPENING		4
#define IMAP_OPENED		20	/* the same behind the login; not more
					   than the patience above */
/* An answer may take as long, and as much longer as what comes of it takes at
 * that rate: octets a second. */
#define IMAP_SLOWEST		256
#define IMAP_NOISE_MAX		(16u << 20)
/* What can be told of a folder is measured by its messages, up to these. */
#define IMAP_MESSAGES_MAX	(16u << 20)
#define IMAP_RANGES_MAX		(1u << 20)	/* of UIDs, in one answer */

/* The password, and other forms of it: quoted, and as SASL sends it. */
#define IMAP_SECRETS		4

struct imap_line {
	struct imap_line *prev, *next;	/* of imap_session::lines */
	struct imap_cmd *cmd;
	const char *verb;		/* for sentences; a constant */
	uint64_t number;		/* of the tag */
	struct buf text;		/* the command, its literals, CRLF */
	struct buf shown;		/* for the log, secrets masked */
	size_t sent;			/* of text */
	size_t *stop;			/* a "+" is due behind these octets */
	size_t nstop, capstop, at_stop;
	size_t literal;			/* octets of literals in text */
	bool bad;			/* could not be written down */
	bool secret;			/* wipe text */
	bool begun;			/* its first octet is sent */
	bool waits;			/* for the "+" at stop[at_stop] */
	bool whole;			/* its last octet is sent */
	bool early;			/* refused before it was whole */
	bool starttls;
	bool compress;			/* nothing follows until the answer */
	bool bodies;			/* asks for them: what comes is timed */
	uint32_t first, last;		/* of its set; 0: it has none */
	unsigned continues;		/* how often on_continue was called */
	struct imap_append *append;	/* its literals are fed from outside */
	size_t head_end;		/* of text: where the next one goes */
	void (*on_continue)(struct imap_line *, const struct imap_resp *);
};

struct imap_cmd_priv {
	struct imap_session *session;
	unsigned lines;			/* sent or waiting, not yet answered */
	bool starting;			/* its start function still runs */
	uint64_t answers;		/* that came: imap_cmd_answer */
	uint32_t most;			/* messages in the folder meanwhile */
	/* Before imap_cmd::on_data, which belongs to the starter. */
	void (*on_data)(struct imap_cmd *, const struct imap_resp *);
	/* Each tagged reply. True: taken care of, not to be recorded. */
	bool (*on_line)(struct imap_cmd *, struct imap_line *,
	    const struct imap_resp *);
	/* No line is left. May send further ones: then it is not done yet. */
	void (*on_done)(struct imap_cmd *);
};

/* How fast bytes came. */
struct imap_rate {
	uint64_t octets, ms;
};

struct imap_session {
	struct task task;		/* the pump */
	struct stream stream;
	struct imap_reader *reader;
	char *host;			/* for sentences */
	struct err err;			/* why it is over; then: */
	const struct imap_cmd *lost_at;	/* the oldest, for comparing only */
	unsigned lost_caps;		/* what that was for */
	bool ended;			/* the pump has ended, stream closed */
	bool paused;
	bool muted;			/* nothing is read: TLS begins */
	struct task *opener;		/* woken while it opens */
	struct task *waiter;		/* held until the pump has ended */

	struct imap_line *lines;	/* oldest first; utlist */
	struct imap_line *sending;	/* first that is not whole */
	unsigned in_flight;		/* begun, not yet answered */
	char prefix[8];			/* of the tags */
	uint64_t next;			/* number of the next tag */

	bool greeted, preauth;
	unsigned caps, caps_off;	/* offered; not to be believed */
	unsigned caps_known_off;	/* of caps_off: not learned here */
	unsigned caps_out;		/* not to be used, whoever it is */
	unsigned caps_seen;		/* how often they were told */
	uint64_t caps_sum, ident_sum;	/* hashes: which server this is */
	unsigned enabled;
	unsigned mechs;			/* bits of 1 << enum imap_mech */
	/* quirks.c: bits of rows, and what those that are on come to. */
	uint64_t rows_on, rows_out, rows_chosen;
	unsigned quirks;		/* enum imap_quirk */
	unsigned quirk_connections;	/* 0: as usual */
	unsigned quirk_caps;		/* not to be believed, either */
	size_t line_max;
	bool has_namespace;
	char *ns_prefix;		/* as on the wire */
	char delimiter;			/* 0: none, or not known */

	uint32_t message_limit;		/* of a command (RFC 9738); 0: none */
	bool low_uids;			/* none above 2^31-1 in a set */

	bool selected;
	bool no_box;			/* the last SELECT was refused */
	bool box_modseq;		/* the selected folder has MODSEQs */
	unsigned selecting;		/* SELECTs not yet answered */
	uint32_t exists;

	uint64_t round_trips;
	uint64_t answers;		/* tagged, or of a list */
	unsigned unasked;
	uint64_t now, progress_at;	/* monotonic ms */
	uint64_t noise_from;		/* octets that had come by then */
	uint64_t answering;		/* number of the oldest line, plus 1; */
	uint64_t answer_at, answer_from;	/* since when, and octets by
						   then */
	uint64_t patience_ms;
	/* compress.c */
	enum imap_compress compress;
	struct imap_cmd compressing;
	bool asked_compress;
	struct imap_rate rate;		/* of bodies */
	uint64_t measured;		/* number of the line, or 0 */
	uint64_t measured_at, measured_in;	/* when, and octets by then */

	bool logging_in;		/* what comes may be of the secret */
	char *secret[IMAP_SECRETS];	/* never shown; each may be NULL */
};

/* session.c */
struct imap_session *imap_session_new(struct loop *, struct task *parent,
    const struct stream_config *);
/* Ends it: every command completes with *err, the stream closes. Idempotent. */
void imap_session_drop(struct imap_session *, const struct err *);
int imap_session_dropf(struct imap_session *, enum err_kind, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
/* Drops it; task is held until the session may be freed. */
void imap_session_dispose(struct imap_session *, struct task *,
    const struct err *);
void imap_session_free(struct imap_session *);
/* Something that was asked for came. */
void imap_session_progress(struct imap_session *);
/* The oldest command is answered anew from here: a good part of a body came. */
void imap_session_part(struct imap_session *);
void imap_session_expect(struct imap_session *);

/* reply.c */
void imap_session_read(struct imap_session *);
/* Its tagged reply was seen and recorded: it leaves the queue. */
void imap_line_answered(struct imap_session *, struct imap_line *);

/* cmd.c */
void imap_cmd_init(struct imap_cmd *, struct imap_session *, struct task *);
/*
 * A piece of its answer came. That is progress, but without end it is none:
 * four times the messages that were asked for (and are there) and some.
 */
bool imap_cmd_answer(struct imap_cmd *, uint64_t asked);
/* All its lines are on their way. */
void imap_cmd_started(struct imap_cmd *);
void imap_cmd_settle(struct imap_cmd *);
/* Records a failure unless there is one already. */
void imap_cmd_fail(struct imap_cmd *, enum err_kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void imap_cmd_record(struct imap_cmd *, const struct imap_line *,
    const struct imap_resp *);
/* For on_done: nothing can be sent any more, or nothing went wrong. */
bool imap_cmd_refused(const struct imap_cmd *);
void imap_cmd_forget(struct imap_cmd *);	/* a failure, to try again */

/* line.c */
struct imap_line *imap_line_new(struct imap_cmd *, const char *verb);
void imap_line_add(struct imap_line *, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
void imap_line_astring(struct imap_line *, const char *);
void imap_line_secret(struct imap_line *, const char *);
void imap_line_masked(struct imap_line *, const char *);	/* no quoting */
void imap_line_flags(struct imap_line *, unsigned flags, const char *keywords);
void imap_line_literal_head(struct imap_line *, uint32_t size);
/* The server has to ask for it first. */
bool imap_literal_waits(const struct imap_session *, uint32_t size);
void imap_line_send(struct imap_line *);
void imap_line_free(struct imap_line *);
/* The command on each part of a set: head, set, tail (by callback). */
void imap_line_sets(struct imap_cmd *, const char *verb,
    const struct uidset *, void (*tail)(struct imap_line *, void *), void *);
void imap_session_flush(struct imap_session *);

/* caps.c */
void imap_caps_parse(struct imap_session *, struct span words);
void imap_enabled_parse(struct imap_session *, struct span words);

/* compress.c */
/* Sends COMPRESS where it is offered, and was not sent before. */
void imap_compress_start(struct imap_session *);
void imap_compress_answered(struct imap_session *, enum imap_status);
/* Bytes may have come. */
void imap_compress_measure(struct imap_session *);
/* Whether so many octets to come are worth it. Pure. */
bool imap_compress_pays(const struct imap_rate *, uint64_t octets);

/* quirks.c */
/* As the configuration wants it: names of rows, behind "!" to take one out.
 * Before anything has come; knows the host. */
void imap_quirks_choose(struct imap_session *, char *const *list, size_t n);
void imap_quirks_greeting(struct imap_session *, struct span text);
void imap_quirks_word(struct imap_session *, struct span capability);
void imap_quirks_ident(struct imap_session *, struct span value);
/* TLS begins. */
void imap_quirks_distrust(struct imap_session *);
/* A refusal that says "not now" about the whole connection. */
bool imap_quirk_temporary(struct span text);
/* Is that how this server says of the folder that it is not there? */
bool imap_quirk_absent(const struct imap_session *, struct span text,
    const char *raw);

/* trace.c */
void imap_trace_resp(const struct imap_session *, const struct imap_resp *);
void imap_trace_line(const struct imap_session *, struct imap_line *);
/* Server text for a sentence: printable, cut, without the password. */
#define IMAP_TEXT_MAX	300
void imap_show_text(const struct imap_session *, struct span,
    char out[IMAP_TEXT_MAX + 4]);

/* auth.c */
struct imap_auth;
/* Logs in as the configuration wants it. */
struct imap_auth *imap_auth_new(struct imap_session *,
    const struct imap_open_config *);
void imap_auth_free(struct imap_auth *);
void imap_auth_start(struct imap_auth *, struct task *);
/* 1: logged in; 0: not yet; -1: why not. */
int imap_auth_result(struct imap_auth *, struct task *, struct err *);
/* The way that was tried last. */
enum imap_mech imap_auth_mech(const struct imap_auth *);

/* mech.c */
struct imap_mech_choice {
	unsigned offered;		/* bits of 1 << enum imap_mech */
	bool can_bind;			/* to the channel, as -PLUS does */
	bool login_first;		/* QUIRK_LOGIN_FIRST */
	enum imap_mech wanted, before;	/* as in imap_open_config */
};
enum imap_mech imap_mech_first(const struct imap_mech_choice *);
enum imap_mech imap_mech_next(const struct imap_mech_choice *,
    enum imap_mech refused);
const char *imap_mech_name(enum imap_mech);
bool imap_mech_binds(enum imap_mech);
bool imap_mech_is_scram(enum imap_mech);

/* secret.c: what must never be shown, in the forms in which it may come. */
void imap_secret_keep(struct imap_session *, const char *user,
    const char *password);
void imap_secret_release(struct imap_session *);
bool imap_secret_is_in(const struct imap_session *, struct span text);
/* Or the beginning of it. */
bool imap_secret_begins_in(const struct imap_session *, const char *text);
/* With "***" for it, as far as there is room; how many octets that are. */
size_t imap_secret_mask(const struct imap_session *, struct span text,
    char *out, size_t room);

/* sink.c */
struct imap_flow {
	const char *section;		/* of the body asked for, or NULL */
	bool in_body;			/* between its begin and its end */
	size_t ranges;			/* of VANISHED, so far */
};
void imap_sink_feed(const struct imap_sink *, struct imap_flow *,
    const struct imap_resp *);

/* name.c */
/* Until NAMESPACE is answered: delimiter (a blank: none), then prefix. */
void imap_session_expect_namespace(struct imap_session *, const char *known);
/* Why it is NULL; and something to show instead. */
enum imap_unnamed_why imap_name_why(const struct imap_session *,
    const char *raw);
char *imap_name_shown(const char *raw);
/* NULL when it lies outside the personal namespace or can't be told from
 * another one. */
char *imap_name_from_raw(const struct imap_session *, const char *raw,
    char delimiter);

#endif
