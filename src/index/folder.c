/* Folders, their cursors, and how much they hold. */
#include "index/folder.h"

#include <stdlib.h>

#include "base/mem.h"
#include "internal.h"

#define FOLDER_COLUMNS \
	"id, name, raw, path, base, local, remote, uidvalidity, uidnext," \
	" exists_, modseq, read_only, permanent_any, permanent," \
	" permanent_keywords, new_mtime, cur_mtime, last_full, scanned," \
	" looked, mailbox_id"

void
index_folder_release(struct index_folder *f)
{
	free(f->name);
	free(f->raw);
	free(f->path);
	free(f->permanent_keywords);
	free(f->mailbox_id);
	*f = (struct index_folder){ 0 };
}

void
index_folders_free(struct index_folder *f, size_t n)
{
	for (size_t i = 0; i < n; i++)
		index_folder_release(&f[i]);
	free(f);
}

static void
read_folder(struct query *q, struct index_folder *f)
{
	f->id = query_get_int(q, 0);
	f->name = query_get_text(q, 1);
	f->raw = query_get_text(q, 2);
	f->path = query_get_text(q, 3);
	f->base = query_get_int(q, 4) != 0;
	f->local = query_get_int(q, 5) != 0;
	f->remote = query_get_int(q, 6) != 0;
	f->uidvalidity = (uint64_t)query_get_int(q, 7);
	f->uidnext = (uint32_t)query_get_int(q, 8);
	f->exists = (uint32_t)query_get_int(q, 9);
	f->modseq = (uint64_t)query_get_int(q, 10);
	f->read_only = query_get_int(q, 11) != 0;
	f->permanent_any = query_get_int(q, 12) != 0;
	f->permanent = (unsigned)query_get_int(q, 13);
	f->permanent_keywords = query_get_text(q, 14);
	f->new_mtime = query_get_int(q, 15);
	f->cur_mtime = query_get_int(q, 16);
	f->last_full = query_get_int(q, 17);
	f->scanned = query_get_int(q, 18);
	f->looked = query_get_int(q, 19);
	f->mailbox_id = query_get_text(q, 20);
}

int
index_folders(struct index *ix, struct index_folder **out, size_t *n_out,
    struct err *err)
{
	struct index_folder *all = NULL;
	size_t n = 0, cap = 0;
	struct query q;
	int r;

	query_init(&q, ix, SLOT_FOLDERS,
	    "SELECT " FOLDER_COLUMNS " FROM folder ORDER BY name");
	while ((r = query_step(&q, err)) > 0)
		read_folder(&q, VEC_ADD(all, n, cap));
	query_end(&q);
	if (r < 0) {
		index_folders_free(all, n);
		return -1;
	}
	*out = all;
	*n_out = n;
	return 0;
}

static void
bind_folder(struct query *q, const struct index_folder *f)
{
	query_text(q, f->name);
	query_text(q, f->raw);
	query_text(q, f->path);
	query_int(q, f->base);
	query_int(q, f->local);
	query_int(q, f->remote);
	query_int(q, (int64_t)f->uidvalidity);
	query_int(q, f->uidnext);
	query_int(q, f->exists);
	query_size(q, f->modseq);
	query_int(q, f->read_only);
	query_int(q, f->permanent_any);
	query_int(q, f->permanent);
	query_text(q, f->permanent_keywords == NULL ? "" :
	    f->permanent_keywords);
	query_int(q, f->new_mtime);
	query_int(q, f->cur_mtime);
	query_int(q, f->last_full);
	query_int(q, f->scanned);
	query_int(q, f->looked);
	query_text(q, f->mailbox_id);
}

static int
folder_insert(struct index *ix, struct index_folder *f, struct err *err)
{
	struct query q;

	query_init(&q, ix, SLOT_FOLDER_INSERT, "INSERT INTO folder ("
	    FOLDER_COLUMNS ") VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
	    " ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)");
	bind_folder(&q, f);
	if (query_run(&q, err) < 0)
		return err_within(err, "folder %s", f->name);
	f->id = sqlite3_last_insert_rowid(ix->db);
	return 0;
}

int
index_folder_put(struct index *ix, struct index_folder *f, struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	if (f->id == 0)
		return folder_insert(ix, f, err);
	query_init(&q, ix, SLOT_FOLDER_UPDATE, "UPDATE folder SET name = ?1,"
	    " raw = ?2, path = ?3, base = ?4, local = ?5, remote = ?6,"
	    " uidvalidity = ?7, uidnext = ?8, exists_ = ?9, modseq = ?10,"
	    " read_only = ?11, permanent_any = ?12, permanent = ?13,"
	    " permanent_keywords = ?14, new_mtime = ?15, cur_mtime = ?16,"
	    " last_full = ?17, scanned = ?18, looked = ?19, mailbox_id = ?20"
	    " WHERE id = ?21");
	bind_folder(&q, f);
	query_int(&q, f->id);
	if (query_run(&q, err) < 0)
		return err_within(err, "folder %s", f->name);
	if (sqlite3_changes(ix->db) == 0)
		return err_set(err, ERR_IO, "index %s: there is no folder %s",
		    ix->path, f->name);
	return 0;
}

/*
 * Places go in portions: what SQLite needs to undo one statement is held in
 * memory.
 */
int
index_folder_drop(struct index *ix, int64_t id, struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	do {
		query_init(&q, ix, SLOT_FOLDER_EMPTY, "DELETE FROM place"
		    " WHERE id IN (SELECT id FROM place"
		    " INDEXED BY place_state WHERE folder = ? LIMIT 1000)");
		query_int(&q, id);
		if (query_run(&q, err) < 0)
			return -1;
	} while (sqlite3_changes(ix->db) > 0);
	query_init(&q, ix, SLOT_FOLDER_DROP, "DELETE FROM folder WHERE id = ?");
	query_int(&q, id);
	return query_run(&q, err);
}

#define COUNT_STATES "SELECT total(local), total(remote), total(base)," \
	" total(local AND NOT base AND NOT remote)" \
	" FROM place INDEXED BY place_state"

static int
count_states(struct index *ix, int64_t folder, struct index_counts *out,
    struct err *err)
{
	struct query q;
	int r;

	if (folder != 0) {
		query_init(&q, ix, SLOT_COUNT_STATES_FOLDER,
		    COUNT_STATES " WHERE folder = ?");
		query_int(&q, folder);
	} else {
		query_init(&q, ix, SLOT_COUNT_STATES_ACCOUNT, COUNT_STATES);
	}
	r = query_step(&q, err);
	if (r > 0) {
		out->local = (uint64_t)query_get_int(&q, 0);
		out->remote = (uint64_t)query_get_int(&q, 1);
		out->paired = (uint64_t)query_get_int(&q, 2);
		out->unpaired_local = (uint64_t)query_get_int(&q, 3);
	}
	query_end(&q);
	return r < 0 ? -1 : 0;
}

int
index_dirty(struct index *ix, int64_t folder, uint64_t *out, struct err *err)
{
	struct query q;
	int r;

	*out = 0;
	if (folder != 0) {
		query_init(&q, ix, SLOT_COUNT_DIRTY_FOLDER,
		    "SELECT count(*) FROM place INDEXED BY place_dirty"
		    " WHERE folder = ? AND dirty");
		query_int(&q, folder);
	} else {
		query_init(&q, ix, SLOT_COUNT_DIRTY_ACCOUNT,
		    "SELECT count(*) FROM place INDEXED BY place_dirty_all"
		    " WHERE dirty");
	}
	r = query_step(&q, err);
	if (r > 0)
		*out = (uint64_t)query_get_int(&q, 0);
	query_end(&q);
	return r < 0 ? -1 : 0;
}

int
index_counts(struct index *ix, int64_t folder, struct index_counts *out,
    struct err *err)
{
	*out = (struct index_counts){ 0 };
	return count_states(ix, folder, out, err) < 0 ? -1 :
	    index_dirty(ix, folder, &out->dirty, err);
}

int
index_is_calm(struct index *ix, int64_t folder, bool *out, struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_FOLDER_CALM, "SELECT NOT EXISTS (SELECT 1"
	    " FROM place INDEXED BY place_dirty WHERE folder = ?1 AND dirty)"
	    " AND NOT EXISTS (SELECT 1 FROM place INDEXED BY place_missing"
	    " WHERE missing AND folder = ?1)");
	query_int(&q, folder);
	r = query_step(&q, err);
	*out = r > 0 && query_get_int(&q, 0) != 0;
	query_end(&q);
	return r < 0 ? -1 : 0;
}
