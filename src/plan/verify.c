/* Judges what was seen of a message or a file (plan/verify.h). */
#include "plan/verify.h"

#include <string.h>

#include "base/hash.h"
#include "mail/flags.h"

/* --- rows --- */

struct kinds {
	enum verify_kind *out;
	size_t n;
};

static void
add_if(struct kinds *k, bool is, enum verify_kind kind)
{
	if (is && k->n < VERIFY_MOST)
		k->out[k->n++] = kind;
}

/* What was agreed on and is there still has a half on either side, and is
 * known. */
static void
judge_states(struct kinds *k, const struct verify_row *r)
{
	const struct place *p = r->place;
	bool agreed = p->base_local.present && p->local.present &&
	    p->remote.present;

	add_if(k, !r->seen_right, V_ROW_SEEN);
	add_if(k, p->local.present && (p->unique == NULL || p->file == NULL),
	    V_ROW_NO_NAME);
	add_if(k, p->unique != NULL && p->file != NULL && !r->name_fits,
	    V_ROW_NAME);
	add_if(k, p->local.present && p->file != NULL && r->name_fits &&
	    p->local.flags != r->name_flags, V_ROW_FLAGS);
	add_if(k, p->remote.present && p->uid == 0 && !place_is_twin(p),
	    V_ROW_NO_UID);
	add_if(k, p->content != 0 && !r->has_content, V_ROW_CONTENT);
	add_if(k, agreed && p->content == 0, V_ROW_NO_CONTENT);
}

/* The octets are other ones. Where stat says that nobody wrote them, it was not
 * a person who changed them. */
static enum verify_kind
judge_octets(const struct verify_row *r)
{
	const bool is_draft = r->drafts || (r->flags & FLAG_DRAFT);

	if (r->hint.size == 0)
		return V_FILE_EMPTY;
	if (r->place->hint.inode != 0 &&
	    file_hint_equal(&r->place->hint, &r->hint))
		return V_FILE_ROTTEN;
	return is_draft ? V_FILE_DRAFT : V_FILE_CONTENT;
}

static void
judge_file(struct kinds *k, const struct verify_row *r)
{
	const struct place *p = r->place;

	add_if(k, !p->local.present, V_FILE_BACK);
	if (r->octets == OCTETS_OTHER)
		add_if(k, true, judge_octets(r));
	else
		add_if(k, r->octets == OCTETS_SAME && p->hint.inode != 0 &&
		    !file_hint_equal(&p->hint, &r->hint), V_FILE_TOUCHED);
	if (!p->local.present)
		return;
	add_if(k, r->flags != r->name_flags, V_FILE_FLAGS);
	add_if(k, r->flags == r->name_flags && r->in_new != p->in_new,
	    V_FILE_MOVED);
}

size_t
verify_row(const struct verify_row *r, enum verify_kind out[VERIFY_MOST])
{
	struct kinds k = { out, 0 };
	const bool local = r->place->local.present;

	if (!r->told)
		judge_states(&k, r);
	switch (r->disk) {
	case DISK_UNKNOWN:
		break;
	case DISK_FILE:
		judge_file(&k, r);
		break;
	case DISK_GONE:
		add_if(&k, local, V_FILE_GONE);
		break;
	case DISK_HELD:
		add_if(&k, local, V_FILE_HELD);
		break;
	case DISK_ODD:
		add_if(&k, true, V_FILE_ODD);
		break;
	case DISK_UNREAD:
		add_if(&k, true, V_FILE_UNREAD);
		break;
	}
	return k.n;
}

/* --- the server --- */

/* That of which no row has come yet may not be there yet. */
static void
judge_presence(struct kinds *k, const struct verify_shown *s)
{
	const struct place *p = s->place;

	add_if(k, p->remote.present && !s->shown && s->listed &&
	    !p->unconfirmed, V_REMOTE_GONE);
	add_if(k, !p->remote.present && s->shown, V_REMOTE_BACK);
}

size_t
verify_shown(const struct verify_shown *s, enum verify_kind out[VERIFY_MOST])
{
	struct kinds k = { out, 0 };

	judge_presence(&k, s);
	if (!s->shown || !s->place->remote.present)
		return k.n;
	add_if(&k, s->other, V_REMOTE_OTHER);
	add_if(&k, s->flags != s->place->remote.flags || !s->keywords_same,
	    V_REMOTE_FLAGS);
	add_if(&k, s->octets == OCTETS_OTHER, V_REMOTE_BODY);
	add_if(&k, s->octets == OCTETS_REFUSED, V_REMOTE_NOT_GIVEN);
	return k.n;
}

/* Every UID below it was listed once, and has had a row since. */
enum verify_kind
verify_unknown_uid(uint32_t uid, uint32_t uidnext)
{
	return uid < uidnext ? V_REMOTE_UNKNOWN : V_REMOTE_NEW;
}

/* --- names --- */

size_t
verify_name(const struct verify_name *n, enum verify_kind out[VERIFY_MOST])
{
	struct kinds k = { out, 0 };

	if (n->odd) {
		add_if(&k, !n->known, V_NAME_ODD);
		return k.n;
	}
	if (n->editor) {
		add_if(&k, true, V_NAME_EDITOR);
		return k.n;
	}
	add_if(&k, n->bad_info, V_NAME_INFO);
	add_if(&k, n->linked, V_NAME_LINKED);
	add_if(&k, n->twice && !n->linked, V_NAME_TWICE);
	if (n->known || n->twice)
		return k.n;
	add_if(&k, n->no_unique, V_NAME_NO_UNIQUE);
	add_if(&k, !n->no_unique && !n->empty, V_NAME_NEW);
	add_if(&k, n->empty, V_NAME_EMPTY);
	return k.n;
}

/* --- parts --- */

unsigned
verify_part(const char *folder, const char *unique, uint32_t uid,
    unsigned parts)
{
	uint64_t sum = fnv1a(FNV1A_START, folder, strlen(folder) + 1);

	sum = unique != NULL ? fnv1a(sum, unique, strlen(unique)) :
	    fnv1a(sum, &uid, sizeof(uid));
	/* The low bits alone are poor. */
	sum ^= sum >> 29;
	sum *= UINT64_C(0xbf58476d1ce4e5b9);
	sum ^= sum >> 32;
	return (unsigned)(sum % parts) + 1;
}
