/*
 * Flow: connect, greeting, TLS, login, capabilities, ENABLE, NAMESPACE; and
 * the end of a session. Rules: RFC 3501 section 6.2, RFC 4959 (SASL-IR), RFC
 * 5802/7677 (SCRAM), design section 9. A password never crosses an unencrypted
 * connection unless the peer is a loopback address or a tunnel, or
 * cleartext_ok.
 */
#ifndef IMAP_OPEN_H
#define IMAP_OPEN_H

#include <stdbool.h>

#include "imap/session.h"
#include "loop/task.h"
#include "net/stream.h"

struct imap_list;
struct imap_list_care;

/* Ways to log in, best first. */
enum imap_mech {
	MECH_NONE,
	MECH_SCRAM_SHA_256_PLUS,
	MECH_SCRAM_SHA_1_PLUS,
	MECH_SCRAM_SHA_256,
	MECH_SCRAM_SHA_1,
	MECH_PLAIN,
	MECH_LOGIN,		/* the LOGIN command */
	MECH_SASL_LOGIN,	/* AUTHENTICATE LOGIN, where there is none */
	MECH_END,
};

struct imap_open_config {
	struct stream_config stream;
	const char *user;
	const char *password;		/* borrowed until the flow has ended */
	bool cleartext_ok;
	enum imap_mech wanted;		/* no other; MECH_NONE: the best */
	enum imap_mech before;		/* what worked last time, or none */
	/* What was offered in vain before by the server of this identity (of
	 * imap_session_identity). */
	unsigned caps_off;
	uint64_t identity;
	unsigned caps_out;		/* not to be used, whoever it is */
	bool once;			/* no second way if refused */
	char *const *quirks;		/* rows to have, or "!ROW" not to */
	size_t n_quirks;
	enum imap_compress compress;
	struct task *owner;		/* of the session; NULL: parent */
	/* What NAMESPACE answered before: delimiter, then prefix. It holds
	 * where it is refused now. NULL: not known. */
	const char *known_namespace;
	/* NULL, or what LIST is asked into behind the login, in the same flight
	 * as all else: complete (imap_result) when the flow has ended with
	 * TASK_DONE. The caller's to release, also when the flow failed. */
	struct imap_list *list;
	const struct imap_list_care *care;	/* for it; NULL */
};

struct imap_open {
	struct task task;
	const struct imap_open_config *cfg;
	struct imap_session *session;	/* when it ended with TASK_DONE; the
					   caller's then, to be closed */
	enum imap_mech mech;		/* that let it in; MECH_NONE: none was
					   needed */
	/* It failed behind the login, ... */
	bool opened;
	bool answered;			/* when something was answered there */
	unsigned lost_caps;		/* of imap_session_lost_at */
	struct imap_open_priv *priv;
};

/*
 * Starts as a child of parent. task.err: ERR_NET, ERR_TLS, ERR_AUTH, ERR_PROTO,
 * ERR_CONFIG (the password would cross the network in clear). o is zeroed
 * here; its abort and finish are the flow's own. The session belongs to parent,
 * or to cfg->owner, a task that lives longer: that can't end before the session
 * is closed, and when it is cancelled the session closes by itself, its
 * commands ending in ERR_CANCELED.
 */
void imap_open_start(struct imap_open *, struct loop *, struct task *parent,
    const struct imap_open_config *cfg);

/*
 * Ends a session: polite sends LOGOUT and waits for the answer a second at
 * most. A child task of parent that frees the session and itself. When parent
 * was cancelled or has ended, the session is closed already and freed at once;
 * so the owner's task may call this in its finish, with parent NULL.
 */
void imap_close_start(struct imap_session *, struct task *parent, bool polite);

#endif
