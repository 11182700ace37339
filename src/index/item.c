/* What was refused, skipped or held, kept until it is settled. */
#include "index/item.h"

#include <stdlib.h>

#include "base/mem.h"
#include "internal.h"

#define ITEMS "SELECT id, folder, place, kind, text, first, last, next, told," \
	" tries, run, ignored FROM item"

void
index_item_release(struct index_item *it)
{
	free(it->text);
	it->text = NULL;
}

static void
read_item(struct query *q, struct index_item *it)
{
	it->id = query_get_int(q, 0);
	it->folder = query_get_int(q, 1);
	it->place = query_get_int(q, 2);
	it->kind = (enum index_item_kind)query_get_int(q, 3);
	it->text = query_get_text(q, 4);
	if (it->text == NULL)
		it->text = xstrdup("");
	it->first = query_get_int(q, 5);
	it->last = query_get_int(q, 6);
	it->next = query_get_int(q, 7);
	it->told = query_get_int(q, 8);
	it->tries = (uint32_t)query_get_int(q, 9);
	it->run = query_get_int(q, 10);
	it->ignored = query_get_int(q, 11) != 0;
}

int
index_item_find(struct index *ix, const struct index_item_key *key,
    struct index_item *out, struct err *err)
{
	struct query q;
	int r;

	query_init(&q, ix, SLOT_ITEM_FIND, ITEMS " WHERE place = ?"
	    " AND folder = ? AND kind = ? AND (kind <> 0 OR text = ?)");
	query_int(&q, key->place);
	query_int(&q, key->folder);
	query_int(&q, key->kind);
	query_text(&q, key->text == NULL ? "" : key->text);
	r = query_step(&q, err);
	if (r > 0)
		read_item(&q, out);
	query_end(&q);
	return r;
}

int
index_item_put(struct index *ix, struct index_item *it, struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	query_init(&q, ix, SLOT_ITEM_PUT, "INSERT INTO item (id, folder, place,"
	    " kind, text, first, last, next, told, tries, run, ignored)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
	    " ON CONFLICT (id) DO UPDATE SET text = ?5, first = ?6, last = ?7,"
	    " next = ?8, told = ?9, tries = ?10, run = ?11, ignored = ?12");
	query_id(&q, it->id);
	query_int(&q, it->folder);
	query_int(&q, it->place);
	query_int(&q, it->kind);
	query_text(&q, it->text);
	query_int(&q, it->first);
	query_int(&q, it->last);
	query_int(&q, it->next);
	query_int(&q, it->told);
	query_int(&q, it->tries);
	query_int(&q, it->run);
	query_int(&q, it->ignored);
	if (query_run(&q, err) < 0)
		return -1;
	if (it->id == 0)
		it->id = sqlite3_last_insert_rowid(ix->db);
	return 0;
}

int
index_item_drop(struct index *ix, int64_t folder, int64_t place,
    enum index_item_kind kind, struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	query_init(&q, ix, SLOT_ITEM_DROP, "DELETE FROM item"
	    " WHERE place = ? AND folder = ? AND kind = ?");
	query_int(&q, place);
	query_int(&q, folder);
	query_int(&q, kind);
	return query_run(&q, err);
}

int
index_item_ignore(struct index *ix, int64_t id, bool *found_out,
    struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	query_init(&q, ix, SLOT_ITEM_IGNORE, "UPDATE item SET ignored = 1"
	    " WHERE id = ? AND text <> ''");
	query_int(&q, id);
	if (query_run(&q, err) < 0)
		return -1;
	*found_out = sqlite3_changes(ix->db) > 0;
	return 0;
}

int
index_items(struct index *ix, struct index_item_stream *from,
    struct index_item *out, int max, struct err *err)
{
	struct query q;
	int r, n = 0;

	if (from->folder == -1) {
		query_init(&q, ix, SLOT_ITEMS_ALL,
		    ITEMS " WHERE id > ? ORDER BY id LIMIT ?");
	} else {
		query_init(&q, ix, SLOT_ITEMS_FOLDER,
		    ITEMS " INDEXED BY item_folder WHERE folder = ?"
		    " AND id > ? ORDER BY id LIMIT ?");
		query_int(&q, from->folder);
	}
	query_int(&q, from->after);
	query_int(&q, max);
	while ((r = query_step(&q, err)) > 0 && n < max)
		read_item(&q, &out[n++]);
	query_end(&q);
	if (r >= 0) {
		if (n > 0)
			from->after = out[n - 1].id;
		return n;
	}
	while (n > 0)
		index_item_release(&out[--n]);
	return -1;
}

int
index_items_tidy(struct index *ix, struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	query_init(&q, ix, SLOT_ITEMS_TIDY, "DELETE FROM item WHERE place <> 0"
	    " AND NOT EXISTS (SELECT 1 FROM place"
	    " WHERE place.id = item.place AND place.dirty)");
	return query_run(&q, err);
}

int
index_items_settle(struct index *ix, int64_t folder, int64_t run,
    struct err *err)
{
	struct query q;

	if (index_may_write(ix, err) < 0)
		return -1;
	query_init(&q, ix, SLOT_ITEMS_SETTLE, "DELETE FROM item"
	    " WHERE folder = ? AND place = 0 AND run <> ?");
	query_int(&q, folder);
	query_int(&q, run);
	return query_run(&q, err);
}

int
index_items_last_run(struct index *ix, int64_t *out, struct err *err)
{
	return index_number(ix, "SELECT coalesce(max(run), -1) FROM item", out,
	    err);
}
