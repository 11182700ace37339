/* From nothing to a session: the secret, the connection, the login. */
#ifndef SYNC_RUN_LOGIN_H
#define SYNC_RUN_LOGIN_H

#include "core/pass.h"
#include "imap/open.h"

/*
 * Gives account->main a session, and asks for the folders in the same flight
 * (list is the caller's to release). A session that is still open is used
 * again. A child of parent, which may be any task; *out as of a pass.
 */
void login_start(struct account *, struct task *parent, struct imap_list *list,
    struct pass_result *out);
/* One more connection, for the run: it has logged in before. */
void login_more(struct run *, struct imap_open *);
/* Forgets the secret: it is asked for anew. NULL is fine. */
void login_wipe(struct login *);
void login_free(struct login *);	/* when no login is under way */

#endif
