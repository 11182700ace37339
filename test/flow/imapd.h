/*
 * A small IMAP server inside the test, on the test's own loop. It has mailboxes
 * that the test makes and changes, does what RFC 3501, 7162 and their kin say,
 * as far as mailtern asks for it, and offers exactly the capabilities that it
 * was told to. It shares no code with what it is to judge: flags are words,
 * sets are text.
 *
 * What it receives is carried out command by command, and what it answers goes
 * out line by line, each when its turn comes (scheduler.h). A rule, or a
 * number, makes it refuse, lie, fall silent or cut the connection at one of
 * these.
 */
#ifndef FLOW_IMAPD_H
#define FLOW_IMAPD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct imapd;
struct imapd_conn;
struct loop;

/* As Dovecot; as a server from before 2006; and as one in between. */
#define IMAPD_FULL "IMAP4rev1 LITERAL+ ENABLE CONDSTORE QRESYNC UIDPLUS MOVE " \
	"ESEARCH SEARCHRES LIST-EXTENDED LIST-STATUS SPECIAL-USE NAMESPACE " \
	"ID MULTIAPPEND"
#define IMAPD_PLAIN "IMAP4rev1"
#define IMAPD_CONDSTORE "IMAP4rev1 ENABLE CONDSTORE UIDPLUS ESEARCH NAMESPACE"

/* What is told of a message is not true. */
enum imapd_lie {
	IMAPD_TRUE,
	IMAPD_NIL,		/* BODY[] NIL */
	IMAPD_HIDDEN,		/* listed, and its body never sent */
	IMAPD_REFUSED,		/* FETCH of its body ends with NO */
	IMAPD_UNTOLD,		/* and of anything, without a row */
	IMAPD_SHORT,		/* the body comes without its last octets */
	IMAPD_LONG,		/* and some more behind them */
	IMAPD_UNLISTED,		/* EXISTS counts it, nothing shows it */
	/* The connection is cut */
	IMAPD_KILLS,		/* in the middle of its body */
	IMAPD_KILLS_ALL,	/* when it is among those that are asked for */
	IMAPD_KILLS_ODD,	/* in its middle, every second time */
	IMAPD_HANGS,		/* nothing comes any more */
};

struct imapd_message {
	uint32_t uid;
	char *flags;		/* words, sorted, a blank between; "" */
	int64_t date;		/* seconds since 1970 */
	uint64_t modseq;
	char *data;		/* as on the wire */
	size_t size;
	enum imapd_lie lie;
	unsigned asked;		/* for its body, so often */
	bool doomed;		/* expunged by imapd_expunge_late */
};

/* An expunged one. */
struct imapd_gone {
	uint32_t uid;
	uint64_t modseq;
};

struct imapd_box {
	char *name;		/* as on the wire */
	const char *use;	/* "\\Trash", ...; NULL */
	uint64_t uidvalidity;
	uint32_t uidnext;
	unsigned id;		/* of OBJECTID; the UIDVALIDITY it began with */
	uint64_t modseq;	/* the highest */
	struct imapd_message **msg;	/* by UID */
	size_t n, cap;
	struct imapd_gone *gone;
	size_t n_gone, cap_gone;
	bool read_only;
	uint32_t cuts_store;	/* a STORE of that UID cuts the connection; 0 */
	bool cuts_first;	/* and does nothing; else what is before it */
	const char *permanent;	/* of PERMANENTFLAGS; NULL: all, and new ones */
	/* It shows the newest so many, or those dated from then on; 0: all. */
	size_t window;
	int64_t window_from;
};

enum imapd_action {
	IMAPD_NO, IMAPD_BAD,	/* answers text and does nothing */
	IMAPD_OK,		/* says that it did it */
	IMAPD_CUT,		/* cuts the connection and does nothing, ... */
	IMAPD_CUT_BEHIND,	/* does it, ... */
	IMAPD_SILENT,		/* does it and never answers */
	IMAPD_TWICE,		/* does it and says text behind OK, once more
				   under that tag */
	IMAPD_CALL,		/* calls, then does it */
	IMAPD_CALL_BEHIND,	/* does it, calls, then answers */
};

struct imapd_rule {
	const char *command;	/* fnmatch(3) of all behind the tag, on one
				   line, literals left out: {n} */
	enum imapd_action action;
	const char *text;	/* behind NO, BAD, OK; with a code */
	void (*call)(struct imapd *, void *arg);
	void *arg;
	unsigned skip;		/* so many are let pass first */
	unsigned times;		/* it acts so often; 0: always */
	unsigned met, acted;	/* kept by the server */
};

/* What it says of sizes and dates. */
enum imapd_size {
	IMAPD_SIZE_EXACT, IMAPD_SIZE_MORE, IMAPD_SIZE_LESS, IMAPD_SIZE_0,
	IMAPD_SIZE_NONE, IMAPD_SIZE_VARIES,	/* with each answer */
};
enum imapd_date {
	IMAPD_DATE_EXACT, IMAPD_DATE_NONE, IMAPD_DATE_NIL,
	IMAPD_DATE_NONSENSE, IMAPD_DATE_VARIES,
};

/* What APPEND does, and what it says of it. */
enum imapd_append {
	IMAPD_APPEND_TRUE,
	IMAPD_APPEND_NOTHING,	/* stores nothing, and says UIDNEXT */
	IMAPD_APPEND_LOSES,	/* the same, and UIDNEXT moves on */
	IMAPD_APPEND_LATE,	/* the same, until imapd_show_late */
	IMAPD_APPEND_ONCE,	/* what it has it keeps no second time */
	IMAPD_APPEND_TWICE,	/* keeps it twice, and says one UID */
	IMAPD_APPEND_BACKWARDS,	/* says the UIDs of several turned round */
	IMAPD_APPEND_SWAPS,	/* keeps several in another order */
	IMAPD_APPEND_PREVIOUS,	/* says the UID before */
	IMAPD_APPEND_SHORT,	/* says one too few */
	IMAPD_APPEND_TWO,	/* says one too many */
	IMAPD_APPEND_FIRST,	/* says 1 for all */
	IMAPD_APPEND_VALIDITY,	/* says another UIDVALIDITY */
	IMAPD_APPEND_CLOSED,	/* loses it where somebody has it open */
};

/* What COPY does, and what it says of it. */
enum imapd_copies {
	IMAPD_COPIES,
	IMAPD_COPIES_NOTHING,	/* none, and says UIDNEXT and on */
	IMAPD_COPIES_LOSES,	/* the same, and UIDNEXT moves on */
	IMAPD_COPIES_LATE,	/* the same, until imapd_show_late */
	IMAPD_COPIES_ONE,	/* the first alone, and says all */
	IMAPD_COPIES_BACKWARDS,	/* says their UIDs turned round */
	IMAPD_COPIES_FIRST,	/* says 1 for all */
	IMAPD_COPIES_VALIDITY,	/* says another UIDVALIDITY */
	IMAPD_COPIES_CUT,	/* without their last octets */
	IMAPD_COPIES_UNTOLD,	/* says nothing, whatever UIDPLUS says */
};

/* What EXPUNGE does of what it says OK to. */
enum imapd_expunges {
	IMAPD_EXPUNGES, IMAPD_EXPUNGES_NEVER,
	IMAPD_EXPUNGES_LATE,	/* not before imapd_expunge_late */
	IMAPD_EXPUNGES_SILENTLY,	/* tells of it with the next command */
};

struct imapd {
	char *caps;
	enum imapd_append append;
	unsigned appends_true;	/* so many are done right first */
	unsigned appends_lies;	/* and then so many not; UINT32_MAX: all */
	struct imapd_late *late;
	size_t n_late, cap_late;
	enum imapd_expunges expunges;
	enum imapd_copies copies;
	unsigned copies_lies;	/* COPYs that lie; UINT32_MAX: all */
	const char *offers;	/* what the greeting offers besides; NULL */
	enum imapd_size sizes;
	enum imapd_date dates;
	/* An empty mailbox has another UIDVALIDITY each time it is asked for, as
	 * imap4d's mbox file in which no message notes it. */
	bool empty_anew;
	bool renames_anew;	/* RENAME gives a new one, and UIDs from 1 */
	bool one_validity;	/* all mailboxes have that of the first */
	bool says_empty;	/* EXISTS is 0, whatever there is */
	uint32_t lists_not;	/* that UID has no row; 0: all have */
	bool is_dovecot;	/* it says so ... */
	bool knows_guid;	/* ... and has X-GUID */
	bool one_lineage;	/* all messages have the same */
	unsigned made_up;	/* counts what varies */
	struct imapd_box **box;	/* in the order in which they were made */
	size_t n_box, cap_box;
	uint64_t next_uidvalidity;
	const char *namespace;	/* prefix; "" */
	/* Mailboxes by a pattern of fnmatch(3); NULL: none. LIST does not show
	 * them; and nobody finds them, without a word why. */
	const char *hidden, *away;
	const char *phantom;	/* listed, and not there; NULL */
	unsigned list_cuts;	/* LIST of all ends the connection behind so
				   many mailboxes; 0 */
	const char *absent;	/* said of a mailbox that is not there; NULL */
	bool folds;		/* Work and work are one mailbox */

	struct imapd_rule rule[8];
	size_t n_rule;
	/* A message may be refused by APPEND: the text behind NO, or NULL;
	 * "cut": nothing is said, the connection ends; "cut behind": it is
	 * stored. */
	const char *(*refuse)(struct imapd *, struct imapd_box *,
	    const char *data, size_t n);
	/* Or be stored as something else: malloc'ed, or NULL. */
	char *(*alter)(struct imapd *, const char *data, size_t *n);
	/* What it makes of the words of STORE or APPEND: malloc'ed. */
	char *(*keep)(struct imapd *, const char *words, bool append);
	/* Or it refuses them, for a message or (APPEND) none: the text behind
	 * NO, or NULL. */
	const char *(*refuse_words)(struct imapd *, const struct imapd_message *,
	    const char *words);
	bool quiet;		/* STORE is answered with OK and no rows */
	unsigned commands_most;	/* of a connection, then it is cut; 0 */
	/* BAD to a set of which one part meets no message, as imap4d. */
	bool strict_sets;
	/* BAD to numbers above this in a set; 0: none are too high. */
	uint32_t highest_uid;
	/* MESSAGELIMIT: so many a command; 0: no limit. And NO to more, rather
	 * than a part from the highest UID down. */
	unsigned limit;
	bool limit_refuses;
	bool status_lacks_uidnext, select_lacks_uidnext;
	bool says_bye;		/* and is told so */
	unsigned octets_most;	/* that it is sent; 0 */
	const char *greets;	/* instead of OK, and closes then; "": nothing,
				   and it stays; NULL */
	/* A command that begins so, about a set that has one of these: the
	 * connection is cut, or it falls silent. Behind it, or nothing is
	 * done. */
	const char *kills;
	uint32_t killed_by[2];
	bool kills_behind, kills_silently;
	unsigned connections_most;	/* more are turned away; 0: no limit */
	/* Answers FETCHes and SEARCHes that wait together all mixed up. */
	unsigned mix;			/* seed; 0: not */

	/* Cuts before it sends the n-th line, or carries out the n-th
	 * command, of all connections, counted from imapd_count on; -1. */
	int cut_line, cut_command;
	bool cut_all;		/* then all of them, and nobody gets in */
	bool cut_other;		/* a line of the first one is spared */
	bool down;		/* nobody gets in */
	bool was_cut;
	int lines, commands;
	unsigned logins;
	struct buf log;		/* what was asked, a line each, as for rules */

	struct imapd_net *net;
	struct imapd_conn *conn;
	unsigned n_conn;
};

struct imapd *imapd_new(const char *caps);
void imapd_free(struct imapd *);

/* Listens on a port of 127.0.0.1, as long as that loop runs. */
unsigned imapd_listen(struct imapd *, struct loop *);
void imapd_hang_up(struct imapd *);	/* all connections */
void imapd_say_bye(struct imapd *, const char *text);	/* and closes them */
void imapd_close(struct imapd *);

/* Counts from 0 again; no cut, no rules, no log. */
void imapd_count(struct imapd *);
struct imapd_rule *imapd_add_rule(struct imapd *, const char *command,
    enum imapd_action, const char *text);
/* The same, to call before it is carried out. */
struct imapd_rule *imapd_call_at(struct imapd *, const char *command,
    void (*call)(struct imapd *, void *arg), void *arg);

/* imapd_lies.c: what was kept back. */
void imapd_show_late(struct imapd *);
void imapd_expunge_late(struct imapd_box *);

/* --- imapd_box.c --- */

struct imapd_box *imapd_make_box(struct imapd *, const char *name);
struct imapd_box *imapd_find_box(struct imapd *, const char *name);
/* The client is shown the i-th message; how many it is shown. */
bool imapd_shows(const struct imapd_box *, size_t i);
size_t imapd_count_shown(const struct imapd_box *);
void imapd_drop_box(struct imapd *, struct imapd_box *);
/* Takes along what lies below it. */
void imapd_rename_box(struct imapd *, struct imapd_box *, const char *to);
/* New UIDVALIDITY; the messages are numbered anew from 1. */
void imapd_renumber(struct imapd *, struct imapd_box *);

/* data is copied, and so are flags. */
struct imapd_message *imapd_add(struct imapd_box *, const char *flags,
    int64_t date, const char *data, size_t n);
struct imapd_message *imapd_find(struct imapd_box *, uint32_t uid);
void imapd_expunge(struct imapd_box *, uint32_t uid);
/* add, or take away, these words. */
void imapd_flag(struct imapd_box *, struct imapd_message *, bool add,
    const char *words);

bool words_have(const char *words, const char *word);
/* Malloc'ed: sorted, each once. */
char *words_join(const char *a, const char *b);
char *words_less(const char *a, const char *b);

/* "1:3,5,7:*"; star: what '*' is. */
bool set_has(const char *set, uint32_t uid, uint32_t star);
/* In any order; "1:3,5" */
void set_format(struct buf *, uint32_t *uid, size_t n);

#endif
