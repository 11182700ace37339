"""What is broken, where, and what must see it.

(name, file, command, (old, new)), or a list of such pairs. The old text must
occur exactly once: who changes that line changes it here, too, and so keeps the
table true. The command is the cheapest that turns red:

	unit NAME...			test/unit/NAME.c
	flow NAME...			test/flow/NAME.c
	e2e FILE -k EXPRESSION		test/e2e/FILE, by pytest
	fault SCRIPT OPTION...		test/fault/SCRIPT
"""

import importlib
import pkgutil

MUTANTS = [row for module in pkgutil.iter_modules(__path__)
    if module.name != "common" for row in importlib.import_module(
    "." + module.name, __name__).ROWS]
