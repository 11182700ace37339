"""What a server offers and how the program is told to talk to it, as data.

Every suite takes --mode NAME (or MODE in the environment). A relay between the
program and the server hides what the mode hides (hiding.py); the keys go into
its syncrc. What must come of a run is the same in every mode, but for
what "waits" says.
"""

import os

UIDPLUS = "Without UIDPLUS messages can't be named to EXPUNGE: where somebody " \
    "else has marked messages in the folder, what was removed locally stays " \
    "on the server with \\Deleted, and pending (design, section 4, rule 8)."


class Mode:
	def __init__(self, about, hides=(), keys=None, waits=None):
		self.about, self.hides = about, frozenset(hides)
		self.keys, self.waits = dict(keys or {}), waits


MODES = {
    "qresync": Mode("all that the server offers"),
    "condstore": Mode("mod-sequences, but nobody tells what vanished",
	{"QRESYNC"}),
    "plain": Mode("RFC 3501 and nothing else", {"*"}, waits=UIDPLUS),
    "no-uidplus": Mode("EXPUNGE takes all, and new UIDs are not told",
	{"UIDPLUS"}, waits=UIDPLUS),
    "no-literal": Mode("the server asks for each literal",
	{"LITERAL+", "LITERAL-"}),
    "compress": Mode("all talk is compressed", keys={"compress": "yes"}),
    "one-connection": Mode("one after the other",
	keys={"connections": "1"}),
    "four-connections": Mode("as many as usual",
	keys={"connections": "4"}),
    "attic": Mode("what is deleted on disk is kept first",
	keys={"attic": "all"}),
}

# Of servers that are so by themselves (setups.py).
NATIVE = {
    "bare": Mode("as it is, without UIDPLUS and QRESYNC", waits=UIDPLUS),
}


class Chosen:
	"""The mode of this process."""

	name = "qresync"


def choose(name):
	Chosen.name = name


def name():
	return Chosen.name


def chosen():
	return MODES.get(Chosen.name) or NATIVE[Chosen.name]


def add_option(parser):
	parser.add_argument("--mode", choices=sorted(MODES), metavar="NAME",
	    default=os.environ.get("MODE") or "qresync",
	    help="what the server offers: " + ", ".join(MODES))
