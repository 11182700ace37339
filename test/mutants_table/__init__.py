"""What is broken, where, and what must see it.

(name, file, command, (old, new)), or a list of such pairs. The old text must
occur exactly once: who changes that line changes it here, too, and so keeps the
table true. The command is the cheapest that turns red:

	unit NAME...			test/unit/NAME.c
	flow NAME...			test/flow/NAME.c
	e2e FILE -k EXPRESSION		test/e2e/FILE, by pytest
	fault SCRIPT OPTION...		test/fault/SCRIPT
"""

from . import (absence, durable, edges, failures, files, hints, messages,
    plans, proofs, removals, stored, stores)

MUTANTS = (edges.ROWS + durable.ROWS + absence.ROWS + removals.ROWS +
    messages.ROWS + failures.ROWS + hints.ROWS + plans.ROWS + files.ROWS +
    proofs.ROWS + stored.ROWS + stores.ROWS)
