/*
 * Commands on a selected folder. Only UID commands are used. A set that does
 * not fit one line (LIMIT_COMMAND_LINE) is sent as several pipelined commands;
 * the result is then the first failure, or OK.
 */
#ifndef IMAP_BOX_H
#define IMAP_BOX_H

#include "imap/session.h"

/* What SELECT or EXAMINE said. */
struct imap_box {
	uint32_t exists;
	uint64_t uidvalidity;		/* imap_validity; 0: not given */
	uint32_t uidnext;		/* 0: not given (Courier) */
	uint64_t modseq;		/* HIGHESTMODSEQ; 0: none */
	bool read_only;
	bool uid_not_sticky;
	unsigned permanent;		/* FLAG_* that can be stored */
	bool permanent_any;		/* new keywords too */
	char *permanent_keywords;	/* canonical; owned */
	unsigned known;			/* FLAG_* of the folder (FLAGS) */
	char *known_keywords;		/* canonical; owned; NULL: not said */
	char *mailbox_id;		/* RFC 8474; owned; NULL: not given */
};

/*
 * Rows of FETCH and sets of VANISHED, as they come. Callbacks only store.
 * f has a uid; rows without one are not passed on.
 */
struct imap_sink {
	void *arg;
	/* Each may be NULL. */
	void (*row)(void *arg, const struct imap_fetch *f);
	void (*vanished)(void *arg, const struct uidset *uids);
	/* Bodies: begin, data..., end; then row with BODY_STREAMED. A body that
	   was sent inline comes the same way. BODY_NIL comes as row alone. */
	void (*body_begin)(void *arg, uint32_t uid_or_0, uint32_t size);
	void (*body_data)(void *arg, const void *, size_t);
	void (*body_end)(void *arg);
};

struct imap_select {
	struct imap_cmd cmd;
	struct imap_box box;		/* valid when the result is OK */
	/* The server took it in a second form only: what was started behind it
	 * before it was done was not about this folder. */
	bool again;
	struct imap_sink sink;
	struct imap_select_priv *priv;
};

/*
 * SELECT raw; with (QRESYNC (uidvalidity modseq)) when QRESYNC is enabled and
 * modseq is not 0, the changed rows and vanished UIDs going to sink; else with
 * (CONDSTORE) where that is offered. known: only changes of these UIDs;
 * first 0: of all. examine: read-only EXAMINE.
 */
struct imap_select_args {
	const char *raw;
	bool examine;
	uint64_t uidvalidity;
	uint64_t modseq;
	struct uidrange known;
	struct imap_sink sink;
};
void imap_select_start(struct imap_session *, struct imap_select *,
    struct task *, const struct imap_select_args *);
void imap_select_release(struct imap_select *);

/*
 * The number of messages that the server last said the selected folder has:
 * EXISTS, less EXPUNGE and VANISHED seen since.
 */
uint32_t imap_box_exists(const struct imap_session *);

enum imap_items {
	FETCH_FLAGS = 1,	/* UID FLAGS, MODSEQ where CONDSTORE is on */
	FETCH_META = 2,		/* INTERNALDATE RFC822.SIZE */
	FETCH_BODY = 4,		/* BODY.PEEK[] */
	FETCH_HEADER = 8,	/* BODY.PEEK[HEADER] */
	/* EMAILID, X-GM-MSGID, else X-GUID: where one of these is known to be
	 * understood. */
	FETCH_LINEAGE = 16,
};

struct imap_fetching {
	struct imap_cmd cmd;
	struct imap_sink sink;
	uint64_t rows;			/* that came with a uid */
	struct imap_fetching_priv *priv;
};

/* UID FETCH; changed_since 0: all; else with CHANGEDSINCE (and VANISHED when
 * QRESYNC is enabled), which behind a SELECT that is not done yet needs
 * CONDSTORE enabled. */
struct imap_fetch_args {
	const struct uidset *uids;	/* borrowed for the call */
	unsigned items;			/* enum imap_items */
	uint64_t changed_since;
	struct imap_sink sink;
};
void imap_fetch_start(struct imap_session *, struct imap_fetching *,
    struct task *, const struct imap_fetch_args *);

/* UID SEARCH of UIDs first..last, ESEARCH where offered. A complete answer or
 * a failure: with ESEARCH the set must be there unless COUNT is 0. */
struct imap_searching {
	struct imap_cmd cmd;
	struct uidset uids;
	bool kept;		/* on the server, until the next SELECT */
	struct imap_searching_priv *priv;
};
/* criteria is sent as it stands behind "UID SEARCH ...", as "DELETED" or
 * "UID 1:99". */
void imap_search_start(struct imap_session *, struct imap_searching *,
    struct task *, const char *criteria);
/* The same, to be sent together with other commands: with ESEARCH alone, whose
 * answers name the command. Refused where that is not to be had. */
void imap_search_beside_start(struct imap_session *, struct imap_searching *,
    struct task *, const char *criteria);
/* Beside others; where it can, the server keeps the result (RFC 5182), ... */
void imap_search_keep_start(struct imap_session *, struct imap_searching *,
    struct task *, const char *criteria);
/* ... and searches these alone, which costs it next to nothing. key: "SEEN", or
 * "": which of them are still there. */
void imap_search_kept_start(struct imap_session *, struct imap_searching *,
    struct task *, const char *key);
void imap_searching_release(struct imap_searching *);

/*
 * UID STORE set +FLAGS / -FLAGS (flags, keywords). Not silent: the server then
 * shows what the messages hold, in rows that come by on_data.
 */
struct imap_store_args {
	const struct uidset *uids;
	bool add, silent;
	unsigned flags;
	const char *keywords;		/* canonical, or NULL */
};
void imap_store_start(struct imap_session *, struct imap_cmd *, struct task *,
    const struct imap_store_args *);

/* UID EXPUNGE set (UIDPLUS only). */
void imap_expunge_start(struct imap_session *, struct imap_cmd *,
    struct task *, const struct uidset *);
/* Plain EXPUNGE: only after SEARCH DELETED equalled our set. */
void imap_expunge_all_start(struct imap_session *, struct imap_cmd *,
    struct task *);

/* UID MOVE, or UID COPY, of a set to another folder. */
void imap_move_start(struct imap_session *, struct imap_cmd *, struct task *,
    const struct uidset *, const char *raw_to);
void imap_copy_start(struct imap_session *, struct imap_cmd *, struct task *,
    const struct uidset *, const char *raw_to);

/*
 * APPEND raw (flags) "date" {size}: one message, or several, of which the
 * server takes all or none (MULTIAPPEND, RFC 3502). Their bytes are fed
 * afterwards, one message after the other: wants is true when the server is
 * ready for those of number at (at once with LITERAL+, after "+" else); the
 * task is woken then. Feed in pieces, pacing by imap_session_unsent. at is n
 * when all is sent. When the server refuses, no more is wanted than the literal
 * that was begun; or done comes without wants. code is CODE_APPENDUID where
 * UIDPLUS is there, with as many UIDs as messages, the n-th the n-th's.
 */
struct imap_append {
	struct imap_cmd cmd;
	bool wants;
	size_t n, at;
	uint32_t size, fed;		/* of that message */
	struct imap_append_priv *priv;
};
struct imap_append_message {
	unsigned flags;
	const char *keywords;		/* canonical, or NULL */
	int64_t date;
	uint32_t size;			/* octets, line ends CRLF */
};
struct imap_append_args {
	const char *raw;
	const struct imap_append_message *message;
	size_t n;
};
void imap_append_start(struct imap_session *, struct imap_append *,
    struct task *, const struct imap_append_args *);
/*
 * A message of that size may go with others: with MULTIAPPEND, and where the
 * server need not ask for its literal. A refusal that comes while it should ask
 * could be of the message before; then nobody knows whether it still asks.
 */
bool imap_append_may_join(const struct imap_session *, uint32_t size);
void imap_append_feed(struct imap_append *, const void *, size_t);
/* The bytes can't be had any more: the connection is given up (an APPEND can't
 * be taken back), every command fails with *err. */
void imap_append_abandon(struct imap_append *, const struct err *);

/* STATUS raw (UIDNEXT): has a refused APPEND left something behind? */
struct imap_uidnext {
	struct imap_cmd cmd;
	uint32_t uidnext;		/* 0: not told */
};
void imap_uidnext_start(struct imap_session *, struct imap_uidnext *,
    struct task *, const char *raw);

/* STATUS INBOX (X-GUID), which nobody offers: Dovecot knows it, and then that
 * of messages, too. */
struct imap_guid {
	struct imap_cmd cmd;
	bool told;
};
void imap_guid_start(struct imap_session *, struct imap_guid *, struct task *);

void imap_noop_start(struct imap_session *, struct imap_cmd *, struct task *);

/* UNSELECT: the folder is closed, nothing is expunged. False: it is not
 * started, for nothing is selected, or the server can't. */
bool imap_unselect_start(struct imap_session *, struct imap_cmd *,
    struct task *);

#endif
