/*
 * What the earlier attempts of one sync leave behind. When its connection is
 * lost a sync begins anew with another one, as if it had been started once
 * more, but that it remembers what it was at.
 */
#ifndef SYNC_CORE_PAST_H
#define SYNC_CORE_PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define PAST_MESSAGES	64
#define PAST_SEARCHES	64

struct listing;
struct past_folder;

struct past {
	unsigned attempts;	/* so many */
	unsigned lost;		/* connections */
	unsigned idle;		/* in succession, that brought nothing */
	bool opened;		/* the last one got as far as a login */
	bool wanted;		/* a new one is, for what may cost it */
	uint64_t progress;	/* counts up with all that is done or learned */
	uint64_t progress_before;	/* when the attempt began */
	struct listing *listing;	/* run/listing.c's own */
	unsigned caps_lost;	/* where they were made use of, connections
				   were lost: they are left out */
	unsigned recovery_lost;	/* connections, while a folder whose deletion
				   was cut short was taken up again */
	unsigned mute;		/* connections in succession that answered
				   nothing behind the login */
	bool sent;		/* what earlier syncs left in doubt was settled;
				   what is in doubt now is our own */
	bool merging;
	bool recalled;		/* its folders have what was kept of them */
	struct past_folder *folder;
	size_t n_folder;
	/* Messages at which connections were lost, the last of them, and how
	 * much of each had come. */
	struct past_message {
		int64_t folder;
		unsigned step;
		uint32_t uid;
		uint64_t octets;
		unsigned losses;
	} message[PAST_MESSAGES];
	unsigned n_message;	/* so many were */
	/* Folders that are not where they were, the first of those at which
	 * connections were lost while that was looked into. */
	struct past_search {
		int64_t folder;
		unsigned losses;
	} search[PAST_SEARCHES];
	unsigned n_search;
};

#endif
