/*
 * The progress line as text. Each account gets an equal part of the width:
 * account and work at the left, count at the right, and a bar between where
 * there is room for it. Columns are counted on the safe side (what may be
 * wide counts as two), since a line that wraps can't be taken back.
 */
#include "ui/progress.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "internal.h"

#define GAP		3	/* between accounts */
#define PART_MIN	18	/* less than this says nothing */
#define BAR_MIN		8	/* with brackets */
#define BAR_MAX		32
#define LABEL_MAX	200
#define FOLDER_MIN	4	/* columns of its name before "..." */

/* Columns of the character at s, and its bytes in *n. */
static size_t
char_columns(const char *s, size_t *n)
{
	const unsigned char *u = (const unsigned char *)s;

	for (*n = 1; (u[*n] & 0xc0) == 0x80; (*n)++)
		;
	/* From U+1100 on there are wide ones: 0xe1 0x84 0x80. */
	return u[0] >= 0xe1 ? 2 : 1;
}

/* As many whole characters of s as fit. Gives the columns they take. */
static size_t
add_cut(struct buf *out, const char *s, size_t max)
{
	size_t n, columns, used = 0;

	for (; *s != '\0'; s += n) {
		columns = char_columns(s, &n);
		if (used + columns > max)
			break;
		buf_add(out, s, n);
		used += columns;
	}
	return used;
}

static size_t
columns_of(const char *s)
{
	size_t n, columns = 0;

	for (; *s != '\0'; s += n)
		columns += char_columns(s, &n);
	return columns;
}

/* Where ": pulling" begins behind a folder's name; all of it without one. */
static const char *
work_of(const char *what)
{
	const char *found = what, *p = what;

	while ((p = strstr(p, ": ")) != NULL)
		found = p++;
	return found;
}

/* A name too long is cut: what is done with the folder stays to be read. */
static size_t
add_label(struct buf *out, const struct progress_item *item, size_t max)
{
	const char *tail = work_of(item->what);
	char folder[LABEL_MAX + 4], work[LABEL_MAX + 4];
	size_t used, room, fixed;

	str_printable(folder, LABEL_MAX, item->what,
	    (size_t)(tail - item->what));
	str_printable(work, LABEL_MAX, tail, strlen(tail));
	used = add_cut(out, item->account, max);
	used += add_cut(out, ": ", max - used);
	room = max - used;
	fixed = columns_of(work);
	if (columns_of(folder) + fixed <= room) {
		used += add_cut(out, folder, room);
	} else if (*folder != '\0' && room >= fixed + FOLDER_MIN + 3) {
		used += add_cut(out, folder, room - fixed - 3);
		used += add_cut(out, "...", 3);
	} else if (*folder != '\0') {
		return used + add_cut(out, work + 2, room);
	}
	return used + add_cut(out, work, max - used);
}

static unsigned
percent_of(const struct progress_item *item)
{
	if (item->done >= item->total)
		return 100;
	return (unsigned)((double)item->done * 100 / (double)item->total);
}

static void
format_count(char *out, size_t n, const struct progress_item *item)
{
	if (item->total > 0)
		snprintf(out, n, " %3u%% %llu/%llu", percent_of(item),
		    (unsigned long long)item->done,
		    (unsigned long long)item->total);
	else if (item->done > 0)
		snprintf(out, n, " %llu", (unsigned long long)item->done);
	else
		*out = '\0';
}

static void
add_bar(struct buf *out, const struct progress_item *item, size_t columns)
{
	size_t i, full;

	if (columns > BAR_MAX)
		columns = BAR_MAX;
	full = (columns - 3) * percent_of(item) / 100;
	buf_add_str(out, " [");
	for (i = 0; i < columns - 3; i++)
		buf_add_str(out, i < full ? "#" : ".");
	buf_add_str(out, "]");
}

static void
add_item(struct buf *out, const struct progress_item *item, size_t width)
{
	char count[64];
	size_t used, tail;

	format_count(count, sizeof(count), item);
	tail = strlen(count);
	/* A number cut short would be a wrong number. */
	if (tail + strlen(item->account) > width)
		tail = 0;
	used = add_label(out, item, width - tail);
	if (tail == 0)
		return;
	if (item->total > 0 && width - used - tail > BAR_MIN)
		add_bar(out, item, width - used - tail);
	buf_add(out, count, tail);
}

void
progress_format(struct buf *out, const struct progress_item *items, size_t n,
    size_t width)
{
	char more[32] = "";
	size_t i, part, room = width > 0 ? width - 1 : 0, show = n;

	if (n == 0)
		return;
	while (show > 1 && room < show * PART_MIN + (show - 1) * GAP)
		show--;
	if (show < n) {
		snprintf(more, sizeof(more), " +%zu", n - show);
		if (strlen(more) >= room)
			*more = '\0';
	}
	room -= strlen(more);
	part = (room - GAP * (show - 1)) / show;
	for (i = 0; i < show; i++) {
		if (i > 0)
			buf_add(out, "   ", GAP);
		add_item(out, &items[i], part);
	}
	buf_add_str(out, more);
}
