/*
 * What the engine does with a verdict, without an engine: operations applied to
 * one message, in any order, some of them failing.
 */
#ifndef TEST_PLAN_SIMULATE_H
#define TEST_PLAN_SIMULATE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mail/flags.h"
#include "plan/message.h"

static bool
is_gone(const struct place *p)
{
	return !p->local.present && !p->remote.present;
}

/* A server takes no more than it can store. */
static void
server_set(struct place *p, const struct ability *can, const struct verdict *v)
{
	unsigned change = p->remote.flags ^ v->remote_flags;

	assert_int_equal(change & ~can->flags, 0);
	if (!can->any_keyword) {
		char *more = keywords_less(v->remote_keywords,
		    p->remote.keywords);
		char *less = keywords_less(p->remote.keywords,
		    v->remote_keywords);
		char *both = keywords_union(more, less);
		char *beyond = keywords_less(both, can->keywords);

		assert_string_equal(beyond, "");
		free(more);
		free(less);
		free(both);
		free(beyond);
	}
	state_set(&p->remote, true, v->remote_flags, v->remote_keywords);
}

static void
apply(struct place *p, const struct ability *can, const struct verdict *v,
    unsigned op)
{
	switch (op) {
	case OP_PULL:
	case OP_FLAG_LOCAL:
		assert_int_equal(p->local.present, op == OP_FLAG_LOCAL);
		if (op == OP_PULL)
			assert_int_equal(p->remote.flags, v->remote_flags);
		state_set(&p->local, true, v->local_flags, v->local_keywords);
		break;
	case OP_PUSH:
	case OP_FLAG_REMOTE:
		assert_int_equal(p->remote.present, op == OP_FLAG_REMOTE);
		if (op == OP_PUSH)
			assert_int_equal(p->local.flags, v->local_flags);
		server_set(p, can, v);
		break;
	case OP_REMOVE_LOCAL:
		state_set(&p->local, false, 0, "");
		break;
	case OP_REMOVE_REMOTE:
		state_set(&p->remote, false, 0, "");
		break;
	case OP_FORGET:
		assert_true(is_gone(p));
		break;
	default:
		assert_int_equal(op, OP_SETTLE);
	}
}

/* The operations of a verdict that succeed, in this order. */
static const struct {
	int n, at[2];
} sequences[] = {
	{ 2, { 0, 1 } },		/* all: the only one, and */
	{ 0, { 0, 0 } },		/* none: for a single operation */
	{ 2, { 1, 0 } }, { 1, { 0, 0 } }, { 1, { 1, 0 } },
};

#define NSEQUENCES	(sizeof(sequences) / sizeof(sequences[0]))

/* True when all of the verdict was carried out. */
static bool
run_round(struct place *p, const struct ability *can, bool expunge, size_t seq)
{
	unsigned ops[8] = { 0 }, bit;
	struct verdict v;
	int n = 0, done = 0, i;

	reconcile_message(p, can, expunge, &v);
	for (bit = 1; bit <= OP_REMOVE_REMOTE; bit <<= 1)
		if (v.ops & bit)
			ops[n++] = bit;
	assert_true(n <= 2);
	assert_true((v.local_keywords != NULL) == ((v.ops & (OP_FLAG_LOCAL |
	    OP_FLAG_REMOTE | OP_PULL | OP_PUSH)) != 0));
	assert_true((v.local_keywords != NULL) == (v.remote_keywords != NULL));
	for (i = 0; i < sequences[seq].n; i++) {
		if (sequences[seq].at[i] >= n)
			continue;
		apply(p, can, &v, ops[sequences[seq].at[i]]);
		reconcile_agree(p, can);
		done++;
	}
	verdict_release(&v);
	reconcile_agree(p, can);
	return done == n;
}

static unsigned
ops_of(const struct place *p, const struct ability *can, bool expunge)
{
	struct verdict v;

	reconcile_message(p, can, expunge, &v);
	verdict_release(&v);
	return v.ops;
}

#endif
