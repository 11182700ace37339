/* What both sides have before the second run of an account that is kept open. */
#ifndef FLOW_ACCOUNT_H
#define FLOW_ACCOUNT_H

#include "flow.h"

#define BEFORE \
	"server add INBOX a S\n" \
	"server add INBOX b\n" \
	"server add Work c F\n"
#define BEFORE_OPS \
	"make-local INBOX\nmake-local Work\npull INBOX a\npull INBOX b\n" \
	"pull Work c\n"
#define BEFORE_BOTH "INBOX: a(S) b\nWork: c(F)\n"

static const struct act first = {
	.what = "the first run", .change = BEFORE, .ops = BEFORE_OPS,
	.both = BEFORE_BOTH, .notes = "", .items = "", .logins = 1,
};

#endif
