/*
 * What is to be done about one folder, from its three states. Pure. Rule 7.
 *
 * A folder that is made although it was agreed on comes back with what its
 * other side has not seen; its known messages are removals, by their own rows.
 * INBOX comes back whole: before it is made, what its rows hold of the side
 * that lost it is forgotten (index_reset_local, index_reset_remote), lest they
 * be taken for removals.
 */
#ifndef PLAN_FOLDER_H
#define PLAN_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum folder_op {
	FOLDER_NONE,
	FOLDER_SETTLE,		/* on both sides: record it as base */
	FOLDER_MAKE_LOCAL,
	FOLDER_MAKE_REMOTE,
	FOLDER_REMOVE_LOCAL,	/* once its known messages are gone */
	FOLDER_REMOVE_REMOTE,
	FOLDER_FORGET,		/* gone on both sides */
};

struct folder_facts {
	bool base, local, remote;	/* it was agreed on; it is there */
	bool inbox;			/* never removed: remade */
	/* Messages on the side where it still is that the other side has not
	 * seen: then it comes back with just those. */
	bool unseen;
};

enum folder_op folder_reconcile(const struct folder_facts *);

/*
 * Is a folder gone that a complete LIST lacks? Where the server does not say so
 * when it is asked for it, only when it was lacked by two runs an hour apart.
 * Words without the code count where they are known to mean that; but not when
 * much is gone at once: a server that has lost sight of a disk says the same.
 */
#define FOLDER_ABSENT_S		3600

struct folder_lack {
	bool known;		/* it was agreed on */
	bool answered;		/* OK to STATUS: it is not listed, but there */
	bool nonexistent;	/* NO [NONEXISTENT] */
	bool in_words;		/* NO, and what this server says instead */
	bool with_many;		/* folder_losses_are_many() */
	bool costly;		/* connections are lost when it is asked for:
				   no number of runs says that it is gone */
	int64_t since, now;	/* seconds; since: 0, it was not lacked before
				   */
};
enum folder_absence {
	FOLDER_THERE, FOLDER_GONE,
	FOLDER_NOT_SURE,	/* as it was, until that is clear */
};
enum folder_absence folder_absence(const struct folder_lack *);

/* Of what was agreed on. INBOX, which nobody can delete, is counted only where
 * it is gone. */
struct folder_losses {
	size_t known;
	size_t gone;		/* of them */
	size_t apart;		/* of these: the folder above is not gone */
};
bool folder_losses_are_many(const struct folder_losses *);

#endif
