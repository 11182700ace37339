/* What only the engine can say of a configuration. */
#include <string.h>

#include "base/str.h"
#include "conf/conf.h"
#include "imap/quirks.h"
#include "sync/sync.h"

#define NEAR	4	/* letters that a name may be off, and be guessed */

static const char *
nearest_quirk(const char *name)
{
	const char *near = NULL, *row;
	size_t best = NEAR + 1, d, i;

	for (i = 0; (row = imap_quirk_row_name(i)) != NULL; i++) {
		d = str_distance(name, row);
		if (d < best) {
			best = d;
			near = row;
		}
	}
	return near;
}

static int
refuse_quirk(const struct conf *conf, const struct conf_account *a,
    const char *name, struct err *err)
{
	const char *near = nearest_quirk(name);
	char shown[32 + 4];

	str_printable(shown, 32, name, strlen(name));
	return err_set(err, ERR_CONFIG, "%s:%u: account %s: quirks knows no "
	    "\"%s\"; %s%s", conf->path, a->quirks_line, a->name, shown,
	    near != NULL ? "did you mean " :
	    "see syncrc(5) for those there are", near != NULL ? near : "");
}

int
sync_check(const struct conf *conf, struct err *err)
{
	const struct conf_account *a;
	const char *name;
	size_t i;

	for (a = conf->accounts; a < conf->accounts + conf->n; a++)
		for (i = 0; i < a->n_quirks; i++) {
			name = a->quirks[i];
			name += *name == '!';
			if (!imap_quirk_row_exists(name))
				return refuse_quirk(conf, a, name, err);
		}
	return 0;
}
