/* Taking back what an index of version 6 has logged: it said nothing of what
 * the messages held. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "flow.h"
#include "index/content.h"
#include "sync/history.h"

#define DAY	".mailtern/attic/tmp/2026-11-23"

/* What came of a restore, a line each. */
struct outcome {
	struct buf text;
};

static void
on_restored(void *arg, const struct sync_restored *what)
{
	static const char *const words[] = {
		[RESTORED] = "restored", [RESTORE_THERE] = "there",
		[RESTORE_FILED] = "filed", [RESTORE_LOST] = "lost",
	};
	struct outcome *o = arg;

	buf_addf(&o->text, "%s %s\n", words[what->as], what->folder);
}

/* id 0: all of them. */
static void
restored_is(struct world *w, int64_t id, bool dry, const char *wanted)
{
	const struct sync_restore_request q = { .id = &id,
	    .n_id = id != 0, .since = id == 0, .dry_run = dry };
	struct outcome o;
	const struct sync_restore_visit visit = { &o, on_restored };
	struct err err = { .kind = ERR_NONE };

	buf_init(&o.text, 4096);
	if (sync_restore(&w->conf, w->state, &q, &visit, &err) == -1)
		fail_msg("%s", err.msg);
	world_is(w, "what was restored", buf_str(&o.text), wanted);
	buf_release(&o.text);
}

/* A line as version 6 wrote it. */
static void
log_removal(struct world *w, const char *folder, const char *unique)
{
	const struct index_log_line line = { .what = "removed-local",
	    .folder = folder, .unique = unique };
	char *path = xasprintf("%s/work.db", w->state);
	struct index_open_result how;
	struct index *ix;
	struct err err;

	if (index_open(&ix, path, INDEX_WRITE, &how, &err) == -1 ||
	    index_begin(ix, &err) == -1 || index_log(ix, &line, &err) == -1 ||
	    index_commit(ix, &err) == -1)
		fail_msg("%s", err.msg);
	index_close(ix);
	free(path);
}

/* A file of the attic, with the text of that token. */
static void
put_into_attic(struct world *w, const char *folder, const char *name,
    const char *token)
{
	char *dir = xasprintf("%s/" DAY, w->root);
	char *sub = xasprintf("%s/%s", dir, folder);
	char *path = xasprintf("%s/%s", sub, name);
	size_t n;
	char *text = message_text(token, &n);
	FILE *f;

	for (char *p = dir; (p = strchr(p + 1, '/')) != NULL; *p = '/') {
		*p = '\0';
		(void)mkdir(dir, 0700);
	}
	(void)mkdir(dir, 0700);
	(void)mkdir(sub, 0700);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	free(text);
	free(path);
	free(sub);
	free(dir);
}

/* The unique part of the only file in the attic. */
static char *
kept_unique(struct world *w)
{
	char *pattern = xasprintf("%s/.mailtern/attic/tmp/*/*/*", w->root);
	const char *name;
	char *out;
	glob_t g;

	assert_int_equal(glob(pattern, 0, NULL, &g), 0);
	assert_int_equal(g.gl_pathc, 1);
	name = strrchr(g.gl_pathv[0], '/') + 1;
	out = xstrndup(name, strcspn(name, ":"));
	globfree(&g);
	free(pattern);
	return out;
}

/* Removed by both, and kept once. */
static void
both_versions_tell(void **state)
{
	struct world *w = world_new(IMAPD_FULL);
	char *unique;

	(void)state;
	world_do(w, "server add INBOX a S\nserver add INBOX b\n");
	world_sync_well(w);
	world_do(w, "server remove INBOX a\n");
	world_sync_well(w);
	unique = kept_unique(w);
	log_removal(w, "INBOX", unique);
	restored_is(w, 0, true, "restored INBOX\n");
	restored_is(w, 0, false, "restored INBOX\n");
	restored_is(w, 0, false, "there INBOX\n");
	world_sync_well(w);
	world_is_in_sync(w, "INBOX: a(S) b\n");
	free(unique);
	world_free(w);
}

/* Kept twice, as it was taken back by hand in between; and another one. */
static void
version_6_alone_tells(void **state)
{
	struct world *w = world_new(IMAPD_FULL);

	(void)state;
	world_do(w, "server add INBOX b\n");
	world_sync_well(w);
	put_into_attic(w, "INBOX", "v1:2,S", "z");
	put_into_attic(w, "INBOX", "v2:2,F", "z");
	put_into_attic(w, "INBOX", "v3:2,", "y");
	log_removal(w, "INBOX", "v1");	/* its entry is 3 */
	log_removal(w, "INBOX", "v2");
	log_removal(w, "INBOX", "v3");
	restored_is(w, 0, true, "restored INBOX\nrestored INBOX\n");
	restored_is(w, 0, false, "restored INBOX\nrestored INBOX\n");
	restored_is(w, 0, false, "there INBOX\nthere INBOX\n");
	restored_is(w, 3, false, "there INBOX\n");
	restored_is(w, 4, false, "there INBOX\n");
	world_sync_well(w);
	assert_int_equal(imapd_find_box(w->d, "INBOX")->n, 3);
	assert_string_equal(world_message(w, "INBOX", "z")->flags,
	    "\\Flagged");
	world_free(w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_versions_tell),
		cmocka_unit_test(version_6_alone_tells),
	};

	return FLOW_MAIN(tests);
}
