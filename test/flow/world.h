/*
 * One account: a server, a Maildir, an index, and the program between them.
 * Messages are known by a token: their text, their date and their Message-ID
 * are made from it, so that who looks at a message can tell whether it is still
 * what it was.
 *
 *	a		a short message
 *	a~5000		of some 5000 octets
 *	a^		without Message-ID and Date
 *	a~9000=1	with the header and the size of a~9000=2, and another
 *			body
 *
 * Flags are Maildir's letters, and keywords behind a comma: "SF,Junk".
 */
#ifndef FLOW_WORLD_H
#define FLOW_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"
#include "imapd.h"
#include "sync/sync.h"

/* Which message was where, also when it is gone. By UID, or by the unique part
 * of the file's name. */
struct known_message {
	char *folder, *unique, *token;
	uint32_t uid;
	struct known_message *next;	/* of the same bucket */
};
#define KNOWN_BUCKETS 1024

/* What a run told. */
struct told {
	struct buf ops;		/* sorted; "pull INBOX a" a line each */
	struct buf items;	/* sorted, a sentence a line */
	struct buf notes;	/* in order */
	struct sync_result result;
};

struct world {
	char dir[80];
	char *root, *state;	/* DIR/mail, DIR/state */
	struct conf_account conf;
	struct imapd *d;
	struct told told;	/* by the last run */
	struct known_message *known[KNOWN_BUCKETS];	/* the last first */
	unsigned files;		/* so many were made here */
};

/* caps: of the server. */
struct world *world_new(const char *caps);
void world_free(struct world *);
/* Those left behind by tests that failed, too. */
void world_free_all(void);

/*
 * Changes on either side, one a line:
 *
 *	server add FOLDER TOKEN [FLAGS]
 *	server flag FOLDER TOKEN [FLAGS]	has just these then
 *	server remove FOLDER TOKEN
 *	server copy | move FOLDER TOKEN TO
 *	server make | delete FOLDER
 *	server rename FOLDER TO
 *	server renumber FOLDER			new UIDVALIDITY, UIDs from 1
 *	server readonly | writable FOLDER
 *	server keeps FOLDER WORDS		PERMANENTFLAGS, commas between
 *	disk add FOLDER TOKEN [FLAGS]		without flags into new/
 *	disk flag FOLDER TOKEN [FLAGS]		has just these then
 *	disk remove FOLDER TOKEN
 *	disk copy | move FOLDER TOKEN TO
 *	disk edit FOLDER TOKEN OTHER		the file holds OTHER now
 *	disk make | delete FOLDER		with what lies below it
 *	disk rename FOLDER TO			takes that along
 *	index lose
 */
void world_do(struct world *, const char *script);
/* The same for many messages TOKEN1 ... TOKENn: prefix is all up to the number,
 * tail what follows it, or "". */
void world_do_many(struct world *, const char *prefix, unsigned n,
    const char *tail);

/*
 * What is there: a line a folder, "FOLDER: a(S) b(F,Junk)", sorted. A message
 * whose bytes or date are not those of its token has '?' or '@' behind it. Each
 * is good until the next call.
 */
const char *world_server(struct world *);
const char *world_disk(struct world *);
/* Which of them lie in new/. */
const char *world_new_files(struct world *);
/* Tokens in the attic, sorted. */
const char *world_attic(struct world *);
/*
 * What the index knows: the same lines, flags as agreed on with the server. A
 * row that is not in sync has behind it, in brackets, which of base, local and
 * remote are present, and m when one scan missed it; '!' when flags changed.
 * Then, where there are any, "dirty N", and "in doubt N" for intents without an
 * answer.
 */
const char *world_index(struct world *);
/* The items of the index, a sentence a line. */
const char *world_items(struct world *);

/* Goes before what is said of a failure. */
extern char world_way[300];

/* Compares; what says which look it was. */
void world_is(struct world *, const char *what, const char *seen,
    const char *wanted);
/* Both sides and the index are this. */
void world_is_in_sync(struct world *, const char *wanted);

/* --- pieces --- */

/* "SF,Junk" in words of IMAP; malloc'ed. */
char *words_from_flags(const char *flags);

/* CRLF; malloc'ed. */
char *message_text(const char *token, size_t *n_out);
int64_t message_date(const char *token);
struct imapd_message *world_message(struct world *, const char *folder,
    const char *token);
/* A file in cur/, with these very bytes. */
void world_put(struct world *, const char *folder, const char *name,
    const char *data, size_t n);
/* Path of the file with that token; malloc'ed, or NULL. */
char *world_file(struct world *, const char *folder, const char *token);
void world_remember(struct world *);
/* NULL: not known. */
const char *world_token(const struct world *, const char *folder, uint32_t uid,
    const char *unique);
void remove_tree(const char *path);

#endif
