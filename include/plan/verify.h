/*
 * What is wrong with a message, a file or an index, and how that is said
 * (design section 18). Pure: who looks hands in what was seen.
 */
#ifndef PLAN_VERIFY_H
#define PLAN_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mail/state.h"

enum verify_class {
	VERIFY_DAMAGE,	/* no sync would put it right, or it contradicts what
			   both sides agreed on */
	VERIFY_FOREIGN,	/* not mailtern's: it is left alone */
	VERIFY_CHANGED,	/* since the last sync: the next one carries it over */
};

enum verify_kind {
	/* The index as such. */
	V_INDEX_LOST, V_INDEX_DAMAGED, V_INDEX_PAGES, V_INDEX_TABLES,
	V_INDEX_MARKED,
	/* What its tables say of each other. */
	V_FACT_ROOT, V_FACT_SERVER, V_FACT_CLOCK, V_LOG_CLOCK, V_LOG_BAD,
	V_FOLDER_NO_NAME, V_FOLDER_RAW, V_FOLDER_PATH, V_FOLDER_CLOCK,
	V_FOLDER_TALLY, V_FOLDER_UIDNEXT, V_FOLDER_UIDVALIDITY,
	V_CONTENT_CUT, V_INTENT_FOLDER, V_ITEM_PLACE,
	/* A row. */
	V_ROW_SUM, V_ROW_SEEN, V_ROW_FOLDER, V_ROW_UID_TWICE,
	V_ROW_NAME_TWICE, V_ROW_NAME, V_ROW_NO_NAME, V_ROW_FLAGS,
	V_ROW_NO_UID, V_ROW_NO_CONTENT, V_ROW_CONTENT,
	/* The Maildir. */
	V_ROOT_GONE, V_ROOT_NO_MARKER, V_ROOT_OTHER, V_ROOT_OLDER,
	V_ROOT_MARKERS, V_ROOT_IS_FOLDER, V_ROOT_PROGRAM,
	/* A directory. */
	V_DIR_GONE, V_DIR_PART, V_DIR_OTHER, V_DIR_UNREAD, V_DIR_NEW,
	V_DIR_DOTTED, V_DIR_FILE, V_DIR_DOT_FILE, V_DIR_TMP,
	/* The file of a row. */
	V_FILE_CONTENT, V_FILE_ROTTEN, V_FILE_EMPTY, V_FILE_ODD,
	V_FILE_UNREAD, V_FILE_GONE, V_FILE_FLAGS, V_FILE_MOVED,
	V_FILE_TOUCHED, V_FILE_DRAFT, V_FILE_HELD, V_FILE_BACK,
	/* A file that no row has. */
	V_NAME_NEW, V_NAME_TWICE, V_NAME_LINKED, V_NAME_INFO,
	V_NAME_NO_UNIQUE, V_NAME_ODD, V_NAME_EDITOR, V_NAME_EMPTY,
	/* The attic. */
	V_ATTIC_CONTENT, V_ATTIC_EMPTY, V_ATTIC_UNREAD,
	/* The server. */
	V_REMOTE_FOLDER_GONE, V_REMOTE_FOLDER_NEW, V_REMOTE_FOLDER_REFUSED,
	V_REMOTE_UIDVALIDITY, V_REMOTE_COUNT, V_REMOTE_GONE, V_REMOTE_BACK,
	V_REMOTE_NEW, V_REMOTE_UNKNOWN, V_REMOTE_FLAGS, V_REMOTE_OTHER,
	V_REMOTE_BODY, V_REMOTE_NOT_GIVEN,
	VERIFY_KINDS
};

/* In words. What was met may follow `is`, behind a colon. */
struct verify_words {
	const char *name;	/* of the kind, for programs */
	enum verify_class class;
	const char *is, *should, *remedy;
};
const struct verify_words *verify_words(enum verify_kind);

/* A row of the index, and what lies on disk for it. */
struct verify_row {
	const struct place *place;	/* its strings may be NULL */
	bool seen_right;	/* the stamp of its name */
	bool name_fits;		/* its file name has its unique part */
	unsigned name_flags;	/* that its file name tells */
	bool has_content;	/* the content that it names is there */
	bool drafts;		/* edits in the folder replace messages */
	bool told;		/* what it says of itself was judged before */
	enum verify_disk {
		DISK_UNKNOWN,	/* not looked at, or it moves right now */
		DISK_FILE, DISK_GONE,
		DISK_HELD,	/* gone, and an editor's leftover beside it */
		DISK_ODD,	/* no plain file */
		DISK_UNREAD,
	} disk;
	/* Of DISK_FILE: */
	unsigned flags;			/* that its name tells now */
	bool in_new;
	struct file_hint hint;
	enum verify_octets {
		OCTETS_UNKNOWN, OCTETS_SAME, OCTETS_OTHER,
		OCTETS_REFUSED,		/* the server does not give them */
	} octets;
};
#define VERIFY_MOST	8
/* The number of kinds that were put into out. */
size_t verify_row(const struct verify_row *,
    enum verify_kind out[VERIFY_MOST]);

/* A row that has a UID, and what the server shows under that. */
struct verify_shown {
	const struct place *place;
	bool listed;		/* all came that the folder has */
	bool shown;
	bool other;		/* of another size or date than recorded */
	unsigned flags;
	bool keywords_same;
	enum verify_octets octets;
};
size_t verify_shown(const struct verify_shown *,
    enum verify_kind out[VERIFY_MOST]);
/* A UID that no row has, in a folder whose next one was that at the last sync.
 */
enum verify_kind verify_unknown_uid(uint32_t uid, uint32_t uidnext);

/* A name in new/ or cur/ that is not, just so, the one of a row. */
struct verify_name {
	bool odd;		/* no plain file */
	bool editor;		/* an editor has left it */
	bool no_unique;		/* nothing stands before the letters */
	bool bad_info;		/* what stands behind ":" is no letters */
	bool empty;		/* of no size */
	bool twice;		/* another file has its unique part ... */
	bool linked;		/* ... and is the same file */
	bool known;		/* a row has its unique part */
};
size_t verify_name(const struct verify_name *,
    enum verify_kind out[VERIFY_MOST]);

/*
 * In which of so many parts a message is: 1 to parts. By its folder and the
 * unique part of its file, or, where it has none, by its UID: so it stays where
 * it is, whatever comes and goes around it.
 */
unsigned verify_part(const char *folder, const char *unique, uint32_t uid,
    unsigned parts);

#endif
