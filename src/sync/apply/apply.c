/* The passes that carry out a plan, as a dry run has others in their place. */
#include "apply/apply.h"

const struct passes passes_real = {
	.make = folder_make_start, .pull = pull_start, .flags = flags_start,
	.push = push_start, .remove = remove_start,
	.drop = folder_delete_start,
};
