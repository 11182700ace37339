/*
 * An account whose server says OK to what it did not do, and what comes of it
 * in one run after the other. INBOX has a(S) on both sides when it begins.
 */
#ifndef FLOW_STORY_H
#define FLOW_STORY_H

#include "flow.h"

/* One run after the other; NULL ends it, or is not looked at. */
struct step {
	const char *change;
	void (*call)(struct world *);
	int exit;
	const char *ops, *server, *disk, *notes, *items;
	unsigned appends;	/* so far */
	unsigned copies;	/* the same, and of COPY; 0: not looked at */
};

struct story {
	const char *what, *caps;
	enum imapd_append append;
	unsigned lies;		/* 0: all of them, of COPY, too */
	enum imapd_copies copies;
	void (*prepare)(struct world *);
	struct step step[6];
};

/* Where the last step ends with 0, one more run does nothing. */
void story_tell_all(const struct story *, size_t n);

#endif
