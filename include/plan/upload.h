/*
 * What a server's word of an upload is worth (design section 5, "Not stored").
 * Pure: OK to an APPEND, and the UID that it told, are no facts.
 */
#ifndef PLAN_UPLOAD_H
#define PLAN_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

/* The UID that it told, and what is known of it. */
struct upload_told {
	bool below;	/* what was received before: nothing new can have it */
	bool known;	/* there is a message under it, ... */
	bool there;	/* which the server has still, ... */
	bool paired;	/* whose file is another one, ... */
	bool alike;	/* and which is the same message */
};
enum upload_uid {
	UPLOAD_UID_OWN,		/* believed, until a row shows it */
	UPLOAD_UID_TWIN,	/* the server keeps one of the two */
	UPLOAD_UID_NONE,	/* it can't be that of the upload */
};
enum upload_uid upload_uid(const struct upload_told *);

/* What it shows there, beside what was sent. */
struct upload_shown {
	bool size_told, size_same;
	bool head_same;
	bool head_of_another;	/* message that was sent there */
	bool id_known, id_same;		/* Message-ID; known of both */
	bool date_known, date_same;	/* Date */
};
enum upload_is {
	UPLOAD_SAME,
	UPLOAD_REWRITTEN,	/* it is, and the server alters what it is
				   given */
	UPLOAD_ANOTHER,		/* message: the UID was not that of the upload
				   */
};
enum upload_is upload_is(const struct upload_shown *);

/* It shows nothing there. */
enum upload_lacking {
	UPLOAD_WAITS,		/* it has given the UID away: it may come */
	UPLOAD_AGAIN,		/* nothing was stored: it is sent once more */
	UPLOAD_GIVEN_UP,	/* that was done before */
};
enum upload_lacking upload_lacking(uint32_t uid, uint32_t uidnext,
    bool sent_again);

#endif
