/* What OfflineIMAP's configuration means for mailtern. Text only. */
#ifndef IMPORT_OFFLINEIMAP_H
#define IMPORT_OFFLINEIMAP_H

#include "import/account.h"
#include "import/ini.h"

struct offlineimap_env {
	const char *home;
	const char *path;	/* of the file, for sentences */
};

struct offlineimap_account {
	struct import_account a;
	char *theirs;		/* the account's name there */
	char *near, *far;	/* the repositories' names */
	char *sep;		/* between levels on disk */
	char *metadata;		/* where its state is */
};

int offlineimap_accounts(const struct ini *, const struct offlineimap_env *,
    struct offlineimap_account **out, size_t *n_out, struct err *);
void offlineimap_accounts_free(struct offlineimap_account *, size_t n);

#endif
