/*
 * Which rows of a folder show the copies that a server said it made there
 * (design section 4, rule 6). Pure: COPYUID is no fact, nor is OK.
 */
#ifndef PLAN_COPIED_H
#define PLAN_COPIED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What lies there. */
struct copied_row {
	uint32_t uid, size;	/* size 0: not told */
	bool taken;		/* it is the copy of something else */
};

struct copied_source {
	bool sought;
	uint32_t size;		/* 0: not known */
	uint32_t first;		/* no copy of it can have a lower UID */
	uint32_t told;		/* by COPYUID; 0: nothing */
	uint32_t uid;		/* out: of the row that shows it; 0: none */
	bool doubtful;		/* out: but one is there that may be it */
};

/*
 * Each row is one copy at most. sizes_tell: the server tells the same size of a
 * message each time; else a row has to be there, and under the UID that was
 * told.
 */
void copied_find(struct copied_row *, size_t n_row, struct copied_source *,
    size_t n_source, bool sizes_tell);

#endif
