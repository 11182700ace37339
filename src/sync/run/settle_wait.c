/*
 * What a run that was cut off sent last (APPEND, COPY), the server may still be
 * at: it has the whole command, and needs nobody to carry it out. Looked for too
 * early it is not found, sent again, and there twice. So the run that finds such
 * intents waits before it looks. How long a server takes nobody says: a second,
 * and one more for each megabyte.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "index/content.h"
#include "core/internal.h"

#define WAIT_MS		1000
#define OCTETS_A_MS	1000
#define WAIT_MAX_MS	30000
#define OLD		600	/* seconds: nobody is at that any more */

int
settle_wait_ms(struct account *a, uint64_t *out, struct err *err)
{
	const int64_t now = clock_wall();
	struct index_intent *v;
	uint64_t octets = 0;
	size_t i, n;

	*out = 0;
	if (a->opt.dry_run)
		return 0;
	if (index_intents(a->ix, 0, &v, &n, err) == -1)
		return -1;
	for (i = 0; i < n; i++) {
		if (v[i].answered || v[i].begun < now - OLD)
			continue;
		octets += v[i].size;
		*out = WAIT_MS + octets / OCTETS_A_MS;
	}
	free(v);
	if (*out > WAIT_MAX_MS)
		*out = WAIT_MAX_MS;
	return 0;
}
