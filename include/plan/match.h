/*
 * Which message of the server a new file is a copy of, so that its octets need
 * not travel (design section 3, match order 4 and 5). Pure.
 */
#ifndef PLAN_MATCH_H
#define PLAN_MATCH_H

#include <stdbool.h>

/* A message that is on the server, agreed on, and has the file's content. */
struct match_source {
	bool left;		/* its own file is gone: that one moved */
	bool taken;		/* another new file is the copy of it */
	bool same_flags;	/* it was agreed to have those of the file */
};
/*
 * How likely the file comes from there; of several the highest is it. What was
 * left pairs off one to one, then any copy will do.
 */
unsigned match_rank(const struct match_source *);
/* The file is its message now, moved; else a further one. */
bool match_is_move(const struct match_source *);

#endif
