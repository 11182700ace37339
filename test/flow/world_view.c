/* What is there, in words (world.h). */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "index/content.h"
#include "index/folder.h"
#include "index/index.h"
#include "index/item.h"
#include "index/place.h"
#include "maildir/layout.h"
#include "mail/flags.h"
#include "world_int.h"

#define VIEW_MOST (4u << 20)

/* --- lines --- */

struct lines {
	char **v;
	size_t n, cap;
};

static int
compare_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "INBOX: " and the sorted entries of the folder. */
static void
add_folder(struct buf *out, const char *folder, struct lines *entries)
{
	buf_addf(out, "%s:", folder);
	if (entries->n > 0)
		qsort(entries->v, entries->n, sizeof(*entries->v),
		    compare_text);
	for (size_t i = 0; i < entries->n; i++) {
		buf_addf(out, " %s", entries->v[i]);
		free(entries->v[i]);
	}
	buf_addf(out, "\n");
	free(entries->v);
	*entries = (struct lines){ .n = 0 };
}

static void
add_entry(struct lines *l, const char *token, const char *flags)
{
	*VEC_ADD(l->v, l->n, l->cap) = *flags == '\0' ? xstrdup(token) :
	    xasprintf("%s(%s)", token, flags);
}

/* --- the server --- */

static int
compare_boxes(const void *a, const void *b)
{
	return strcmp((*(struct imapd_box *const *)a)->name,
	    (*(struct imapd_box *const *)b)->name);
}

static void
add_box(struct buf *out, const struct imapd_box *b)
{
	struct lines l = { .n = 0 };

	for (size_t i = 0; i < b->n; i++) {
		const struct imapd_message *m = b->msg[i];
		char *token = token_of(m->data, m->size, false, m->date);
		char *flags = flags_from_words(m->flags);

		add_entry(&l, token, flags);
		free(flags);
		free(token);
	}
	add_folder(out, b->name, &l);
}

const char *
world_server(struct world *w)
{
	static struct buf out;
	struct imapd_box *box[200];
	const size_t n = w->d->n_box;

	buf_release(&out);
	buf_init(&out, VIEW_MOST);
	assert_true(n <= 200);
	memcpy(box, w->d->box, n * sizeof(struct imapd_box *));
	qsort(box, n, sizeof(struct imapd_box *), compare_boxes);
	for (size_t i = 0; i < n; i++)
		add_box(&out, box[i]);
	return buf_str(&out);
}

/* --- the disk --- */

const char *
file_letters(const char *file)
{
	const char *at = strstr(file, ":2,");

	return at == NULL ? "" : at + 3;
}

char *
file_unique(const char *file)
{
	const char *at = strstr(file, ":2,");

	return at == NULL ? xstrdup(file) : xstrndup(file, (size_t)(at -
	    file));
}

static char *
read_file(const char *path, size_t *n_out, int64_t *date)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *data;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	data = xmalloc((size_t)st.st_size + 1);
	*n_out = (size_t)st.st_size;
	assert_int_equal(read(fd, data, *n_out), *n_out);
	data[*n_out] = '\0';
	*date = st.st_mtime;
	close(fd);
	return data;
}

char *
file_token(const char *dir, const char *file)
{
	char *path = xasprintf("%s/%s", dir, file), *data, *token;
	int64_t date;
	size_t n;

	data = read_file(path, &n, &date);
	token = token_of(data, n, true, date);
	free(data);
	free(path);
	return token;
}

static void
read_message(struct disk *disk, const char *folder, const char *dir,
    const char *file, bool in_new)
{
	struct disk_message *m = VEC_ADD(disk->msg, disk->n, disk->cap);

	m->folder = xstrdup(folder);
	m->file = xstrdup(file);
	m->in_new = in_new;
	if (!disk->names_only)
		m->token = file_token(dir, file);
}

static void
read_dir(struct disk *disk, const char *folder, const char *path, bool in_new)
{
	DIR *d = opendir(path);
	struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.' && e->d_type == DT_REG)
			read_message(disk, folder, path, e->d_name, in_new);
	closedir(d);
}

static bool
read_folder(const struct world *w, struct disk *disk, const char *folder)
{
	char *cur = xasprintf("%s/%s/cur", w->root, folder);
	char *new = xasprintf("%s/%s/new", w->root, folder);
	bool is = access(cur, F_OK) == 0 && access(new, F_OK) == 0;

	if (is) {
		*VEC_ADD(disk->folder, disk->n_folder, disk->cap_folder) =
		    xstrdup(folder);
		read_dir(disk, folder, cur, false);
		read_dir(disk, folder, new, true);
	}
	free(cur);
	free(new);
	return is;
}

/* Depth: of our own trees. */
static void
walk(const struct world *w, struct disk *disk, const char *below)
{
	char *path = xasprintf("%s/%s", w->root, below), *folder;
	DIR *d = opendir(path);
	struct dirent *e;

	free(path);
	while (d != NULL && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' || e->d_type != DT_DIR ||
		    strcmp(e->d_name, "cur") == 0 ||
		    strcmp(e->d_name, "new") == 0 ||
		    strcmp(e->d_name, "tmp") == 0)
			continue;
		folder = xasprintf("%s%s%s", below, *below ? "/" : "",
		    e->d_name);
		read_folder(w, disk, folder);
		walk(w, disk, folder);
		free(folder);
	}
	if (d != NULL)
		closedir(d);
}

void
disk_read(const struct world *w, struct disk *disk, bool names_only)
{
	*disk = (struct disk){ .names_only = names_only };
	walk(w, disk, "");
	if (disk->n_folder > 0)
		qsort(disk->folder, disk->n_folder, sizeof(*disk->folder),
		    compare_text);
}

void
disk_release(struct disk *disk)
{
	for (size_t i = 0; i < disk->n; i++) {
		free(disk->msg[i].folder);
		free(disk->msg[i].file);
		free(disk->msg[i].token);
	}
	for (size_t i = 0; i < disk->n_folder; i++)
		free(disk->folder[i]);
	free(disk->msg);
	free(disk->folder);
}

static void
view_disk(struct world *w, struct buf *out, bool only_new)
{
	struct disk disk;

	buf_release(out);
	buf_init(out, VIEW_MOST);
	disk_read(w, &disk, false);
	for (size_t f = 0; f < disk.n_folder; f++) {
		struct lines l = { .n = 0 };

		for (size_t i = 0; i < disk.n; i++)
			if (strcmp(disk.msg[i].folder, disk.folder[f]) == 0 &&
			    (disk.msg[i].in_new || !only_new))
				add_entry(&l, disk.msg[i].token,
				    file_letters(disk.msg[i].file));
		add_folder(out, disk.folder[f], &l);
	}
	disk_release(&disk);
}

const char *
world_disk(struct world *w)
{
	static struct buf out;

	view_disk(w, &out, false);
	return buf_str(&out);
}

const char *
world_new_files(struct world *w)
{
	static struct buf out;

	view_disk(w, &out, true);
	return buf_str(&out);
}

static void
read_attic(const char *path, struct lines *l)
{
	DIR *d = opendir(path);
	struct dirent *e;
	int64_t date;
	size_t n;

	while (d != NULL && (e = readdir(d)) != NULL) {
		char *at = xasprintf("%s/%s", path, e->d_name), *data;

		if (e->d_type == DT_DIR && e->d_name[0] != '.') {
			read_attic(at, l);
		} else if (e->d_type == DT_REG) {
			data = read_file(at, &n, &date);
			*VEC_ADD(l->v, l->n, l->cap) =
			    token_of(data, n, true, date);
			free(data);
		}
		free(at);
	}
	if (d != NULL)
		closedir(d);
}

const char *
world_attic(struct world *w)
{
	static struct buf out;
	char *path = xasprintf("%s/.mailtern/attic/tmp", w->root);
	struct lines l = { .n = 0 };

	buf_release(&out);
	buf_init(&out, VIEW_MOST);
	read_attic(path, &l);
	add_folder(&out, "attic", &l);
	free(path);
	return buf_str(&out);
}

/* --- the index --- */

struct look {
	struct world *w;
	struct disk disk;
	const struct index_folder *folder;
	struct lines entries;
};

static char *
flags_of(const struct state *s)
{
	struct buf b;
	char text[7], *out;

	flag_letters(s->flags, text);
	buf_init(&b, 4096);
	buf_add_str(&b, text);
	for (const char *p = s->keywords; *p != '\0'; ) {
		size_t n = strcspn(p, " ");

		buf_addf(&b, ",%.*s", (int)n, p);
		p += n + (p[n] == ' ');
	}
	out = xstrdup(buf_str(&b));
	buf_release(&b);
	return out;
}

/* Of the file that is there now under its name; NULL. */
static const char *
token_on_disk(const struct look *l, const struct place *p)
{
	for (size_t i = 0; p->file != NULL && i < l->disk.n; i++)
		if (strcmp(l->disk.msg[i].file, p->file) == 0 &&
		    strcmp(l->disk.msg[i].folder, l->folder->name) == 0 &&
		    l->disk.msg[i].in_new == p->in_new)
			return l->disk.msg[i].token;
	return NULL;
}

static char *
token_on_server(const struct look *l, const struct place *p)
{
	struct imapd_box *b = imapd_find_box(l->w->d, l->folder->name);
	const struct imapd_message *m = b == NULL || p->uid == 0 ? NULL :
	    imapd_find(b, p->uid);

	return m == NULL ? NULL : token_of(m->data, m->size, false, m->date);
}

/* The same message, whatever marks there are. */
static bool
same_token(const char *a, const char *b)
{
	size_t n = strcspn(a, "?@");

	return n == strcspn(b, "?@") && strncmp(a, b, n) == 0;
}

static char *
name_row(const struct look *l, const struct place *p)
{
	const char *here = token_on_disk(l, p);
	char *there = token_on_server(l, p), *name;

	if (here != NULL && there != NULL && !same_token(here, there))
		name = xasprintf("%s/%s", there, here);
	else if (here != NULL || there != NULL)
		name = xstrdup(here != NULL ? here : there);
	else
		name = xasprintf("#%u", p->uid);
	free(there);
	return name;
}

static bool
state_moved(const struct state *base, const struct state *now)
{
	return base->flags != now->flags ||
	    strcmp(base->keywords, now->keywords) != 0;
}

static int
look_at_row(void *arg, struct place *p, struct err *err)
{
	struct look *l = arg;
	char *name = name_row(l, p), *flags = flags_of(&p->base_remote);
	bool whole = p->base_local.present && p->local.present &&
	    p->remote.present && !p->missing;
	char *state = whole ? xstrdup("") : xasprintf("[%s%s%s%s]",
	    p->base_local.present ? "b" : "", p->local.present ? "l" : "",
	    p->remote.present ? "r" : "", p->missing ? "m" : "");
	bool moved = whole && (state_moved(&p->base_local, &p->local) ||
	    state_moved(&p->base_remote, &p->remote));
	const char *mark = moved ? "!" : "";

	(void)err;
	*VEC_ADD(l->entries.v, l->entries.n, l->entries.cap) =
	    *flags == '\0' ? xasprintf("%s%s%s", name, state, mark) :
	    xasprintf("%s(%s)%s%s", name, flags, state, mark);
	free(state);
	free(flags);
	free(name);
	return 0;
}

static struct index *
open_to_look(struct world *w, struct err *err)
{
	char *path = xasprintf("%s/work.db", w->state);
	struct index_open_result how;
	struct index *ix = NULL;

	if (index_open(&ix, path, INDEX_READ, &how, err) == -1 &&
	    err->kind != ERR_STALE)
		fail_msg("%s", err->msg);
	free(path);
	return ix;
}

static void
count_left(struct index *ix, struct buf *out)
{
	struct index_intent *v = NULL;
	struct index_counts counts;
	struct err err;
	size_t n = 0, open = 0;

	if (index_counts(ix, 0, &counts, &err) == -1 ||
	    index_intents(ix, 0, &v, &n, &err) == -1)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < n; i++)
		open += !v[i].answered;
	free(v);
	if (counts.dirty > 0)
		buf_addf(out, "dirty %llu\n", (unsigned long long)counts.dirty);
	if (open > 0)
		buf_addf(out, "in doubt %zu\n", open);
}

const char *
world_index(struct world *w)
{
	static struct buf out;
	struct err err = { .kind = ERR_NONE };
	struct index *ix = open_to_look(w, &err);
	struct look l = { .w = w };
	const struct index_visit visit = { look_at_row, &l };
	struct index_folder *v = NULL;
	size_t n = 0;

	buf_release(&out);
	buf_init(&out, VIEW_MOST);
	if (ix == NULL)
		return "no index\n";
	disk_read(w, &l.disk, false);
	if (index_folders(ix, &v, &n, &err) == -1)
		fail_msg("%s", err.msg);
	for (size_t i = 0; i < n; i++) {
		l.folder = &v[i];
		if (index_each(ix, PLACES_ALL, v[i].id, &visit, &err) == -1)
			fail_msg("%s", err.msg);
		add_folder(&out, v[i].name, &l.entries);
	}
	index_folders_free(v, n);
	count_left(ix, &out);
	disk_release(&l.disk);
	index_close(ix);
	return buf_str(&out);
}

const char *
world_items(struct world *w)
{
	static struct buf out;
	struct err err = { .kind = ERR_NONE };
	struct index *ix = open_to_look(w, &err);
	struct index_item_stream all = { .folder = -1 };
	struct index_item it[64];
	int n;

	buf_release(&out);
	buf_init(&out, VIEW_MOST);
	if (ix == NULL)
		return "";
	n = index_items(ix, &all, it, 64, &err);
	for (int i = 0; i < n; i++) {
		if (*it[i].text != '\0')
			buf_addf(&out, "%s\n", it[i].text);
		index_item_release(&it[i]);
	}
	index_close(ix);
	return buf_str(&out);
}

/* --- comparing --- */

char world_way[300];

void
world_is(struct world *w, const char *what, const char *seen,
    const char *wanted)
{
	char *was;

	if (strcmp(seen, wanted) == 0)
		return;
	was = xstrdup(seen);	/* it may be one of the looks below */
	fail_msg("%s%s is\n%swanted was\n%sserver:\n%sdisk:\n%sindex:\n%s"
	    "ops:\n%snotes:\n%sitems:\n%serror: %s", world_way, what, was,
	    wanted, world_server(w), world_disk(w), world_index(w),
	    buf_str(&w->told.ops), buf_str(&w->told.notes),
	    buf_str(&w->told.items), w->told.result.err.msg);
}

/* File names have no keywords. */
static char *
without_keywords(const char *text)
{
	char *out = xmalloc(strlen(text) + 1), *to = out;

	for (; *text != '\0'; text++) {
		if (*text == ',')
			text += strcspn(text, ")");
		*to++ = *text;
	}
	*to = '\0';
	for (to = out; (to = strstr(to, "()")) != NULL; )
		memmove(to, to + 2, strlen(to + 2) + 1);
	return out;
}

void
world_is_in_sync(struct world *w, const char *wanted)
{
	char *disk = without_keywords(wanted);

	world_is(w, "the server", world_server(w), wanted);
	world_is(w, "the disk", world_disk(w), disk);
	world_is(w, "the index", world_index(w), wanted);
	free(disk);
}
