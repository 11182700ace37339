"""Mutants: getting in, and what is known of servers."""

ROWS = [
    # -- quirks --
    ("a-row-taken-out-is-on", "src/imap/quirks.c", "unit imap_quirks_test",
	("which &= ~s->rows_on & ~s->rows_out;", "which &= ~s->rows_on;")),
    ("a-row-chosen-is-off", "src/imap/quirks.c", "unit imap_quirks_test",
	("switch_on(s, on);", "switch_on(s, 0);")),
    ("words-in-clear-count", "src/imap/quirks.c", "unit imap_quirks_test",
	("if (rows[i].who[k].where == WORD)", "if (false)")),
    ("what-a-row-takes-away-is-offered", "src/imap/session.c",
	"unit imap_quirks_test",
	("~s->caps_off & ~s->quirk_caps", "~s->caps_off")),
    ("identity-without-the-version", "src/imap/reply.c",
	"unit imap_quirks_test", ("r->ident.version.n);", "0);")),

    # -- login --
    ("few-iterations-will-do", "src/imap/auth.c", "unit imap_auth_test",
	("else if (count < ITERATIONS_MIN)", "else if (false)")),
    ("plain-for-who-proved-nothing", "src/imap/auth.c",
	"unit imap_auth_test", ("if (e.p == NULL)\n\t\tauth_give_up(a, "
	"ERR_PROTO,", "if (e.p == NULL)\n\t\tauth_give_up(a, ERR_AUTH,")),
    ("a-refused-scram-is-final", "src/imap/auth.c", "unit imap_auth_test",
	("return !imap_mech_is_scram(a->mech);", "return true;")),
    ("three-tries", "src/imap/auth.c", "unit imap_auth_test",
	("\ta->last = true;\n\tauth_begin_again", "\tauth_begin_again")),
    ("bad-to-an-initial-response-is-a-refusal", "src/imap/auth.c",
	"unit imap_auth_test", ("a->cmd.status != IMAP_BAD ||", "true ||")),
    ("pinned-is-the-best", "src/imap/mech.c", "unit imap_auth_test",
	("return c->wanted == MECH_NONE || c->wanted == mech ||",
	"return true || c->wanted == mech ||")),
    ("what-worked-is-forgotten", "src/sync/core/learned.c",
	"flow login_test", ("s->way = (unsigned)way;", "s->way = 0;")),
    ("in-vain-once-is-enough", "src/sync/core/learned.c",
	"flow login_test", ("now.caps_off |= now.caps_once & met->caps_once;",
	"now.caps_off |= met->caps_once;")),
    ("in-vain-for-every-server", "src/sync/core/learned.c",
	"flow login_test", ("now.caps_once = now.caps_off = 0;", ";")),
    ("shown-after-the-login", "src/imap/secret.c", "unit imap_auth_test",
	("\t\tif (k > 0)\n\t\t\tmemcpy", "\t\tif (false)\n\t\t\tmemcpy")),
    ("starttls-waits-for-ever", "src/imap/open.c", "unit imap_auth_test",
	("else if (timer->fired)", "else if (false)")),
    # -- before the first success --
    ("a-typo-is-a-change", "src/sync/observe/root.c", "flow login_test",
	("*out = *out && known == 0;", "*out = false;")),
    ("marked-before-the-login", "src/sync/observe/root.c",
	"flow login_test", ("\trun->account->unclaimed = true;\n\treturn "
	"lock_maildir(run, err);", "\tif (lock_maildir(run, err) == "
	"-1)\n\t\treturn -1;\n\treturn new_marker(run, err);")),
    # -- UIDVALIDITY --
    ("long-uidvalidities-are-all-one", "src/imap/mailbox.c", "flow login_test",
	("*out = (fnv1a(FNV1A_START, digits.p, digits.n) &",
	"*out = (fnv1a(FNV1A_START, digits.p, 1) &")),
]
