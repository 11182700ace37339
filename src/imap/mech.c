/*
 * Which way to log in is taken, and which after a refusal. Some servers offer
 * what they can't do for every user, so one of another kind is tried. Pure.
 */
#include "internal.h"

/* What is tried behind it has to be of a later kind. */
enum kind { KIND_SCRAM, KIND_PLAIN, KIND_LOGIN };

static const struct {
	const char *name;		/* SASL's; LOGIN is a command, too */
	enum kind kind;
	bool binds;
} table[] = {
	[MECH_SCRAM_SHA_256_PLUS] = { "SCRAM-SHA-256-PLUS", KIND_SCRAM, true },
	[MECH_SCRAM_SHA_1_PLUS] = { "SCRAM-SHA-1-PLUS", KIND_SCRAM, true },
	[MECH_SCRAM_SHA_256] = { "SCRAM-SHA-256", KIND_SCRAM, false },
	[MECH_SCRAM_SHA_1] = { "SCRAM-SHA-1", KIND_SCRAM, false },
	[MECH_PLAIN] = { "PLAIN", KIND_PLAIN, false },
	[MECH_LOGIN] = { "LOGIN", KIND_LOGIN, false },
	[MECH_SASL_LOGIN] = { "LOGIN", KIND_LOGIN, false },
};

const char *
imap_mech_name(enum imap_mech mech)
{
	return table[mech].name;
}

bool
imap_mech_binds(enum imap_mech mech)
{
	return table[mech].binds;
}

bool
imap_mech_is_scram(enum imap_mech mech)
{
	return mech != MECH_NONE && table[mech].kind == KIND_SCRAM;
}

static bool
is_wanted(const struct imap_mech_choice *c, enum imap_mech mech)
{
	return c->wanted == MECH_NONE || c->wanted == mech ||
	    (c->wanted == MECH_LOGIN && mech == MECH_SASL_LOGIN);
}

static bool
is_usable(const struct imap_mech_choice *c, enum imap_mech mech)
{
	return (c->offered & (1u << mech)) != 0 && is_wanted(c, mech) &&
	    (!table[mech].binds || c->can_bind);
}

static enum imap_mech
best_of(const struct imap_mech_choice *c, unsigned from)
{
	enum imap_mech mech;

	for (mech = MECH_NONE + 1; mech < MECH_END; mech++)
		if (table[mech].kind >= from && is_usable(c, mech))
			return mech;
	return MECH_NONE;
}

enum imap_mech
imap_mech_first(const struct imap_mech_choice *c)
{
	if (c->before != MECH_NONE && is_usable(c, c->before))
		return c->before;
	if (c->login_first && is_usable(c, MECH_LOGIN))
		return MECH_LOGIN;
	return best_of(c, KIND_SCRAM);
}

enum imap_mech
imap_mech_next(const struct imap_mech_choice *c, enum imap_mech refused)
{
	enum imap_mech best = best_of(c, KIND_SCRAM);

	/* What worked before does no more: back to the beginning. */
	if (refused == c->before && best < refused)
		return best;
	return best_of(c, table[refused].kind + 1);
}
