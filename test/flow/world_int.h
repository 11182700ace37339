/* What the files of the world share. */
#ifndef FLOW_WORLD_INT_H
#define FLOW_WORLD_INT_H

#include "base/mem.h"
#include "world.h"

/* Each folder of the Maildir, and each message in it. */
struct disk_message {
	char *folder, *file, *token;	/* token with marks: see world_disk */
	bool in_new;
};
struct disk {
	bool names_only;	/* then no token is known */
	char **folder;		/* sorted */
	size_t n_folder, cap_folder;
	struct disk_message *msg;
	size_t n, cap;
};
void disk_read(const struct world *, struct disk *, bool names_only);
void disk_release(struct disk *);
char *file_token(const char *dir, const char *file);

/* The letters of a file name; the part before ":2,", malloc'ed. */
const char *file_letters(const char *file);
char *file_unique(const char *file);
/* Of its text; "?" when it has none. '?' or '@' behind it where it is not as
 * it should be. lf: with LF line ends. Malloc'ed. */
char *token_of(const char *data, size_t n, bool lf, int64_t date);

/* Words of IMAP as "SF,Junk"; malloc'ed. */
char *flags_from_words(const char *words);

#endif
