/*
 * Which folders the server calls by another name now (design section 4, rule
 * 7). Asked only of those whose name is gone, or stands for something else, and
 * only where another name has their UIDVALIDITY, or one that nobody is known
 * by: on some servers a renamed folder gets a new one.
 */
#ifndef SYNC_OBSERVE_FOLDER_MOVES_H
#define SYNC_OBSERVE_FOLDER_MOVES_H

#include "core/pass.h"

/* An earlier run had doubts: folders with one UIDVALIDITY may have each other's
 * names. */
#define FACT_SEEK	"seek-folders"

/* Of a folder: it is about to have another name, here or on the server; that
 * one's renaming_mark. */
#define FACT_RENAMING	"renaming"
#define FACT_RENAMING_THERE	"sending-name"
int64_t renaming_mark(const char *name);

struct folder_move {
	int64_t id;		/* of the known folder, in the index */
	size_t to;		/* the name that it may have, in the list */
	bool proven;
	bool unanswered;	/* the server told nothing of what it holds, */
	bool costly;		/* ... for connections are lost at that */
	bool ousted;		/* nothing of its own is under its name, to */
	bool own;		/* we have given it that name */
	char *was;		/* its name before it was renamed here, too */
};

struct folder_moves {
	struct folder_move *v;
	size_t n, cap;
};

/* What was loaded against the list that it was loaded with. */
void folder_moves_start(struct conn *, const struct imap_list *,
    struct folder_moves *out, struct pass_result *);
void folder_moves_release(struct folder_moves *);

#endif
