/* Commands that change messages or folders and answer with codes only. */
#include "internal.h"

/* Slow servers tell how far they are; that is an answer. MOVE tells the new
 * UIDs in an untagged OK (RFC 6851 section 4.3). */
static void
change_on_data(struct imap_cmd *cmd, const struct imap_resp *r)
{
	switch (r->kind) {
	case IMAP_STATUS_LINE:
		if (r->code.kind == CODE_COPYUID && r->status == IMAP_OK)
			imap_cmd_record(cmd, NULL, r);
		break;
	case IMAP_EXPUNGE:
	case IMAP_VANISHED:
	case IMAP_FETCH:
		imap_cmd_answer(cmd, UINT64_MAX);
		break;
	default:
		break;
	}
}

static bool
change_begin(struct imap_session *s, struct imap_cmd *cmd, struct task *task,
    unsigned cap, const char *what)
{
	imap_cmd_init(cmd, s, task);
	cmd->priv->on_data = change_on_data;
	if (cap == 0 || (imap_session_caps(s) & cap) != 0)
		return true;
	imap_cmd_fail(cmd, ERR_REFUSED, "%s has no %s", s->host, what);
	imap_cmd_started(cmd);
	return false;
}

static void
store_tail(struct imap_line *line, void *arg)
{
	const struct imap_store_args *args = arg;

	imap_line_add(line, " %cFLAGS%s ", args->add ? '+' : '-',
	    args->silent ? ".SILENT" : "");
	imap_line_flags(line, args->flags, args->keywords);
}

void
imap_store_start(struct imap_session *s, struct imap_cmd *cmd,
    struct task *task, const struct imap_store_args *args)
{
	struct imap_store_args copy = *args;

	change_begin(s, cmd, task, 0, "");
	if (args->flags != 0 ||
	    (args->keywords != NULL && args->keywords[0] != '\0'))
		imap_line_sets(cmd, "UID STORE", args->uids, store_tail,
		    &copy);
	imap_cmd_started(cmd);
}

static void
no_tail(struct imap_line *line, void *arg)
{
	(void)line;
	(void)arg;
}

void
imap_expunge_start(struct imap_session *s, struct imap_cmd *cmd,
    struct task *task, const struct uidset *uids)
{
	if (!change_begin(s, cmd, task, CAP_UIDPLUS, "UID EXPUNGE"))
		return;
	imap_line_sets(cmd, "UID EXPUNGE", uids, no_tail, NULL);
	imap_cmd_started(cmd);
}

static void
simple_start(struct imap_session *s, struct imap_cmd *cmd, struct task *task,
    const char *verb, const char *raw)
{
	struct imap_line *line;

	change_begin(s, cmd, task, 0, "");
	line = imap_line_new(cmd, verb);
	if (raw != NULL)
		imap_line_astring(line, raw);
	imap_line_send(line);
	imap_cmd_started(cmd);
}

void
imap_expunge_all_start(struct imap_session *s, struct imap_cmd *cmd,
    struct task *task)
{
	simple_start(s, cmd, task, "EXPUNGE", NULL);
}

void
imap_noop_start(struct imap_session *s, struct imap_cmd *cmd,
    struct task *task)
{
	simple_start(s, cmd, task, "NOOP", NULL);
}

static void
unselect_on_done(struct imap_cmd *cmd)
{
	if (cmd->err.kind == ERR_NONE)
		cmd->priv->session->selected = false;
}

bool
imap_unselect_start(struct imap_session *s, struct imap_cmd *cmd,
    struct task *task)
{
	if (!s->selected || !(imap_session_caps(s) & CAP_UNSELECT))
		return false;
	simple_start(s, cmd, task, "UNSELECT", NULL);
	cmd->priv->on_done = unselect_on_done;
	return true;
}

void
imap_create_start(struct imap_session *s, struct imap_cmd *cmd,
    struct task *task, const char *raw)
{
	simple_start(s, cmd, task, "CREATE", raw);
}

void
imap_delete_start(struct imap_session *s, struct imap_cmd *cmd,
    struct task *task, const char *raw)
{
	simple_start(s, cmd, task, "DELETE", raw);
}

void
imap_rename_start(struct imap_session *s, struct imap_cmd *cmd,
    struct task *task, const char *raw, const char *raw_to)
{
	struct imap_line *line;

	change_begin(s, cmd, task, 0, "");
	line = imap_line_new(cmd, "RENAME");
	imap_line_astring(line, raw);
	imap_line_astring(line, raw_to);
	imap_line_send(line);
	imap_cmd_started(cmd);
}

void
imap_subscribe_start(struct imap_session *s, struct imap_cmd *cmd,
    struct task *task, const char *raw)
{
	simple_start(s, cmd, task, "SUBSCRIBE", raw);
}

void
imap_unsubscribe_start(struct imap_session *s, struct imap_cmd *cmd,
    struct task *task, const char *raw)
{
	simple_start(s, cmd, task, "UNSUBSCRIBE", raw);
}

static void
folder_tail(struct imap_line *line, void *arg)
{
	imap_line_astring(line, *(const char **)arg);
}

void
imap_move_start(struct imap_session *s, struct imap_cmd *cmd,
    struct task *task, const struct uidset *uids, const char *raw_to)
{
	if (!change_begin(s, cmd, task, CAP_MOVE, "MOVE"))
		return;
	imap_line_sets(cmd, "UID MOVE", uids, folder_tail, &raw_to);
	imap_cmd_started(cmd);
}

void
imap_copy_start(struct imap_session *s, struct imap_cmd *cmd,
    struct task *task, const struct uidset *uids, const char *raw_to)
{
	change_begin(s, cmd, task, 0, "");
	imap_line_sets(cmd, "UID COPY", uids, folder_tail, &raw_to);
	imap_cmd_started(cmd);
}
