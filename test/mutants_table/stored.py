"""Mutants: OK is not a fact: uploads."""

from .common import SYNC

ROWS = [
    ("uid-that-was-told-is-a-fact", SYNC + "apply/push_told.c",
	"flow stored_test", ("place->unconfirmed = true;\n\tstate_set(&place->"
	"remote, true, m->row", "state_set(&place->remote, true, m->row")),
    ("listing-ends-what-no-row-showed", "src/index/seen.c",
	"flow stored_test", ("(u->named || !p.unconfirmed)", "true")),
    ("what-no-row-showed-is-in-the-sum", "src/index/tally.c",
	"flow stored_test", ("*sum -= less < *sum ? less : *sum;", "")),
    ("uploads-are-not-looked-at", SYNC + "apply/push.c",
	"flow stored_test", ("p->unknown_uids || p->stored > 0", "p->unknown_uids")),
    ("size-tells-whose-a-uid-is", SYNC + "match/uploaded.c",
	"flow stored_test", ("p->size != in->size || !learned_uploads_right(l)",
	"p->size != in->size")),
    ("late-uploads-are-not-asked-for", SYNC + "observe/remote_ask.c",
	"flow stored_test", ("if (has_late_uploads(o))", "if (false)")),
    ("folder-with-late-uploads-is-left-alone", SYNC + "core/folder.c",
	"flow stored_test", ("f->uploads == 0 && !f->owed", "!f->owed")),
    ("lacking-is-never-sent-again", SYNC + "apply/push.c",
	"flow stored_test", ("return in->told == TOLD_LACKING ||",
	"return false ||")),
    ("lacking-is-always-sent-again", "src/plan/upload.c",
	"unit plan_upload_test", ("sent_again ? UPLOAD_GIVEN_UP :", "false ? UPLOAD_GIVEN_UP :")),
    ("uid-of-a-pair-is-a-new-row", "src/plan/upload.c",
	"unit plan_upload_test", ("if (!t->known)\n\t\treturn t->below",
	"if (!t->known || t->paired)\n\t\treturn t->below")),
    ("another-message-is-a-twin", "src/plan/upload.c",
	"unit plan_upload_test", ("t->there && t->paired && t->alike", "t->there && t->paired")),
    ("same-second-is-the-same-message", "src/plan/upload.c",
	"unit plan_upload_test", ("(other_id && s->size_same)", "false")),
    ("deleted-twin-goes-there", "src/plan/message.c",
	"flow stored_test", ("if (place_is_twin(p) && based)", "if (false)")),
    ("twin-stays-alone", SYNC + "match/twins.c", "flow stored_test",
	("rc = twin_goes(ix, &twin, err);", "rc = 0;")),
    ("twin-takes-nothing-over", SYNC + "match/twins.c", "flow stored_test",
	("rc = twin_takes_over(ix, in, &p, &twin, err) == -1 ? -1 : 1;\n\tif", "rc = 0;\n\tif")),
    ("second-message-is-not-a-twins", SYNC + "match/join.c",
	"flow stored_test", ("return twin_join(ix, p, err);", "return 0;")),

    # -- altered --
    ("altered-messages-are-others", SYNC + "match/rewritten.c",
	"flow stored_test", ("if (!run->learned.rewrites || fp", "if (true || fp")),
    ("what-was-moved-is-altered", SYNC + "match/rewritten.c",
	"flow stored_test", ("return n == -1 ? -1 : n == 0;", "return 1;")),
    ("what-was-moved-is-likely", SYNC + "match/pair.c",
	"flow stored_test", ("return n == 1 ? !from.on_disk : n;", "return 0;")),
    ("no-size-is-an-altered-one", "src/plan/upload.c",
	"unit plan_upload_test", (" || !s->size_told", "")),

    # -- removals --
    ("ok-to-expunge-is-a-fact", SYNC + "apply/remove_proof.c",
	"flow stored_test", ("if (has_fallen(r))\n", "if (true)\n")),
    ("what-stays-is-silent", SYNC + "apply/remove_proof.c",
	"flow stored_test", ("r->stays += tries.n > 0;", "")),
    ("moved-is-copied-again", SYNC + "apply/remove_trash.c",
	"flow stored_test", ("if (!r->moved || uidset_empty(&r->left))",
	"if (true)")),

    # -- an edit keeps its Message-ID --
    ("edit-taken-for-altered", SYNC + "match/rewritten.c",
	"flow stored_test",
	("file.id < p->id && is_its_file", "is_its_file")),

    # -- a mark that the server took no message with --
    ("mark-is-lost-with-the-first-flags", SYNC + "apply/push_told.c",
	"flow store_test", ("\tstate_set(&place->base_local, true, 0, \"\");\n"
	"\tstate_set(&place->base_remote, true, 0, \"\");\n", "")),
    ("mark-is-lost-without-a-uid", SYNC + "match/join.c",
	"flow store_test", ("found == 1 && p->uid >= in.uidnext", "false")),
]
