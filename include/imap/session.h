/*
 * One IMAP connection: tags, send queue, pipelining, routing of untagged data.
 * Commands are sent in the order in which they are started, as many in flight
 * as their starters like; the session itself only stops for synchronising
 * literals. What is not asked for is ignored. A lost connection completes
 * every command with the session's error.
 */
#ifndef IMAP_SESSION_H
#define IMAP_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "imap/resp.h"
#include "loop/task.h"
#include "mail/uidset.h"

struct imap_session;

enum imap_cap {
	CAP_IMAP4REV1	= 1 << 0,
	CAP_IMAP4REV2	= 1 << 1,
	CAP_STARTTLS	= 1 << 2,
	CAP_LOGINDISABLED = 1 << 3,
	CAP_SASL_IR	= 1 << 4,
	CAP_LITERAL_PLUS = 1 << 5,
	CAP_LITERAL_MINUS = 1 << 6,
	CAP_ENABLE	= 1 << 7,
	CAP_CONDSTORE	= 1 << 8,
	CAP_QRESYNC	= 1 << 9,
	CAP_UIDPLUS	= 1 << 10,
	CAP_MOVE	= 1 << 11,
	CAP_ESEARCH	= 1 << 12,
	CAP_LIST_EXTENDED = 1 << 13,
	CAP_LIST_STATUS	= 1 << 14,
	CAP_SPECIAL_USE	= 1 << 15,
	CAP_NAMESPACE	= 1 << 16,
	CAP_ID		= 1 << 17,
	CAP_IDLE	= 1 << 18,
	CAP_NOTIFY	= 1 << 19,
	CAP_MULTIAPPEND	= 1 << 20,
	CAP_COMPRESS	= 1 << 21,
	CAP_OBJECTID	= 1 << 22,
	CAP_UNSELECT	= 1 << 23,
	CAP_SEARCHRES	= 1 << 24,
	CAP_UIDONLY	= 1 << 25,
	CAP_GMAIL	= 1 << 26,
};

/* When to compress (RFC 4978) where the server offers it. */
enum imap_compress {
	IMAP_COMPRESS_AUTO,	/* when much is to come over a slow line */
	IMAP_COMPRESS_YES,	/* from the login on */
	IMAP_COMPRESS_NO,
};

/* Figures for the summary. */
struct imap_stats {
	uint64_t round_trips;	/* times it waited with nothing else to do: the
				   commands in flight rose from none, or a
				   continuation had to be awaited */
	uint64_t bytes_in, bytes_out;	/* on the wire */
};

/*
 * One command. Embedded first in the struct of each kind of command; zeroed by
 * its start function; must stay until done. on_data sees every untagged
 * response that arrives while the command is the oldest unanswered one; it
 * only stores.
 */
struct imap_cmd {
	struct task *task;		/* held until done; woken by changes */
	bool done;
	enum imap_status status;	/* OK, NO or BAD, when done and err.kind
					   is none or ERR_REFUSED */
	struct err err;			/* why it failed */
	enum imap_code_kind code;	/* of the tagged reply */
	uint64_t code_number;
	/* Owned. uids: APPENDUID, source of COPYUID, MODIFIED; to: COPYUID. */
	struct uidset code_uids, code_to;
	void (*on_data)(struct imap_cmd *, const struct imap_resp *);
	/* private */
	struct imap_cmd_priv *priv;
};

/* 1: done, OK; 0: not yet; -1: failed, *err says why (ERR_REFUSED for NO and
 * BAD with the server's text, else the connection is lost). */
int imap_result(const struct imap_cmd *, struct err *);
/*
 * Waits for a command of one's own; returned by a step. Goes on with next when
 * the server has answered, OK or not; where the connection is lost the task
 * fails.
 */
enum task_result imap_wait(struct task *, const struct imap_cmd *,
    task_step *next);
/* The words of the server that answered NO or BAD; NULL when it was OK. */
const char *imap_refusal(const struct imap_cmd *);
void imap_cmd_release(struct imap_cmd *);	/* when done; zeroed is fine */

/* Bits of enum imap_cap; enabled can be CAP_CONDSTORE and CAP_QRESYNC only. */
unsigned imap_session_caps(const struct imap_session *);
unsigned imap_session_enabled(const struct imap_session *);
/* Which server this is, by its ID and what it offers after the login: the same
 * number as long as neither has changed. */
uint64_t imap_session_identity(const struct imap_session *);
/* What was offered, and turned out not to work. */
unsigned imap_session_distrusted(const struct imap_session *);
/* These were offered and do not work: not used any more in this session. */
void imap_session_distrust(struct imap_session *, unsigned caps);
void imap_session_stats(const struct imap_session *, struct imap_stats *out);
/* Capabilities that it offered, and at whose use the connection was lost. */
unsigned imap_session_lost_at(const struct imap_session *);
/* NULL while the connection lives. */
const struct err *imap_session_error(const struct imap_session *);
/*
 * Tells that so many octets of bodies are about to be asked for, by the
 * commands that are started next and later ones. It may begin to compress: by
 * itself, and in its place among the commands.
 */
void imap_session_will_fetch(struct imap_session *, uint64_t octets);
/* For that it has to know yet how fast the line is: ask for little at first. */
bool imap_session_measures(const struct imap_session *);
/* Not read from the socket while paused (bodies that the disk can't take). */
void imap_session_pause(struct imap_session *, bool);
/* How many bytes wait to be sent, and the task to wake when they are few. */
size_t imap_session_unsent(const struct imap_session *);

#endif
