/* Tells a window that slides from messages that are gone (plan/window.h). */
#include "plan/window.h"

#include <stddef.h>

#define LOOKS	3	/* the third time is no chance any more */
#define LEAST	20	/* messages: below, no server cuts a folder */

/* Yahoo's, and what Gmail's settings offer. */
static const uint32_t usual[] = { 1000, 2000, 5000, 10000 };

bool
window_is_usual(uint32_t exists)
{
	size_t i;

	for (i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (usual[i] == exists)
			return true;
	return false;
}

static bool
is_full(const struct window_look *w)
{
	return (w->least != 0 && w->exists == w->least) ||
	    (w->size != 0 && w->exists == w->size) ||
	    window_is_usual(w->exists);
}

/*
 * What slid out had to make room for something. Whoever deletes old mail while
 * as much arrives is told from that by the next look: then as much has to be
 * missing again.
 */
enum window_op
window_judge(const struct window_look *w)
{
	if (is_full(w))
		return WINDOW_OUT;
	if (w->exists != w->before || w->exists < LEAST)
		return WINDOW_GONE;
	if (!w->news || !w->more)
		return w->looks > 0 ? WINDOW_WAITS : WINDOW_GONE;
	return w->looks + 1 < LOOKS ? WINDOW_WAITS : WINDOW_OUT;
}
