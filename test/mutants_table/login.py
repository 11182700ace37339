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
]
