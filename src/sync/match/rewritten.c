/*
 * Pairs messages that a server rewrites when it stores them (Exchange, DavMail,
 * Proton): there the content of a file and that of its message differ for good.
 */
#include "match/rewritten.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"
#include "core/learned.h"
#include "index/content.h"
#include "maildir/store.h"
#include "match/match.h"

static int
compare_ids(const void *a, const void *b)
{
	const struct named_file *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static uint64_t
id_hash(const char *message_id)
{
	return fnv1a(FNV1A_START, message_id, strlen(message_id));
}

static void
add_named(void *arg, int64_t content, const char *message_id)
{
	struct rewritten *r = arg;

	*VEC_ADD(r->v, r->n, r->cap) = (struct named_file){
		id_hash(message_id), content,
	};
}

static int
load_named(struct run *run, const struct folder *f, struct rewritten *r,
    struct err *err)
{
	if (r->known)
		return 0;
	r->known = true;
	if (index_unpaired_ids(run->ix, f->row.id, add_named, r, err) == -1)
		return -1;
	if (r->n > 0)
		qsort(r->v, r->n, sizeof(*r->v), compare_ids);
	return 0;
}

/* Of the one file that has it; 0: none, or several. */
static int64_t
find_named(const struct rewritten *r, const char *message_id)
{
	const struct named_file key = { .id = id_hash(message_id) };
	const struct named_file *at = r->n == 0 ? NULL : bsearch(&key, r->v,
	    r->n, sizeof(*r->v), compare_ids);

	if (at == NULL || (at > r->v && at[-1].id == key.id) ||
	    (at + 1 < r->v + r->n && at[1].id == key.id))
		return 0;
	return at->content;
}

/* Still unpaired, and sent when the message was. */
static bool
is_its_file(struct run *run, const struct folder *f, const struct place *file,
    const struct fingerprint *fp)
{
	const struct maildir_message m = {
		f->row.path, file->in_new, file->file,
	};
	struct fingerprint have;
	struct err ignored;
	int64_t mtime;

	return !file->missing && file->file != NULL &&
	    maildir_fingerprint(run->md, &m, &have, &mtime, &ignored) == 0 &&
	    have.has_sent && have.sent == fp->sent &&
	    strcmp(have.message_id, fp->message_id) == 0;
}

/*
 * Beyond a merge, a file whose content the server has elsewhere was put here: a
 * message with its Message-ID is an edit of it. 1: it may be it; 0, -1.
 */
static int
may_be_altered(struct run *run, const struct folder *f, const struct place *p,
    struct err *err)
{
	struct index_source elsewhere;
	int64_t next;
	int n;

	if (learned_listed(run, f, &next, err) == -1)
		return -1;
	if (next == 0 || p->uid < next)
		return 1;
	n = index_sources(run->ix, p->content, &elsewhere, 1, err);
	return n == -1 ? -1 : n == 0;
}

int
rewritten_join(const struct pass *pass, struct rewritten *r,
    const struct fingerprint *fp, struct place *p, struct err *err)
{
	const struct folder *f = pass->folder;
	struct run *run = pass->run;
	const int64_t own = p->content;
	struct place file;
	int found, may, rc = 0;

	if (!run->learned.rewrites || fp->message_id[0] == '\0' ||
	    !fp->has_sent)
		return 0;
	if (load_named(run, f, r, err) == -1)
		return -1;
	p->content = find_named(r, fp->message_id);
	may = p->content == 0 ? 0 : may_be_altered(run, f, p, err);
	found = may != 1 ? may : index_unpaired_local(run->ix, p, &file, err);
	if (found == 1) {
		/* A file that came behind the message is an edit of it. */
		if (file.id < p->id && is_its_file(run, f, &file, fp))
			rc = join_known(run->ix, p, &file, err) == -1 ? -1 : 1;
		place_release(&file);
	}
	if (rc != 1)
		p->content = own;
	return found == -1 ? -1 : rc;
}

void
rewritten_release(struct rewritten *r)
{
	free(r->v);
	*r = (struct rewritten){ .known = false };
}
