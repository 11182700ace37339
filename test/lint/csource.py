"""A C file as lint sees it: its lines, its comments, its functions, and what it
declares static. No compiler: it knows as much C as this tree is written in.
"""

import bisect
import re

TOKEN = re.compile(r"""
    (?P<comment> /\*.*?\*/ | //[^\n]* )
  | (?P<directive> ^[ \t]*\#(?: \\\n | /\*.*?\*/ | [^\n] )* )
  | (?P<string> "(?: \\. | [^"\\] )*" | '(?: \\. | [^'\\] )*' )
  | (?P<word> [A-Za-z_]\w* )
  | (?P<number> \.?\d(?: [eEpP][+-] | [\w.] )* )
  | (?P<sign> && | \|\| | -> | \.\.\. | \S )
""", re.X | re.S | re.M)

BRANCHES = {"if", "for", "while", "switch", "&&", "||", "?"}
OPEN, CLOSE = {"(": ")", "[": "]", "{": "}"}, {")", "]", "}"}


class Token:
	__slots__ = ("kind", "text", "line", "last")

	def __init__(self, kind, text, line, last):
		self.kind, self.text = kind, text
		self.line, self.last = line, last


class Function:
	"""first: the line its definition begins in (a type, mostly); line: that
	of its name, from which its length counts to the closing brace, last."""

	def __init__(self, head, body):
		name, params = declared(head)
		self.name, self.line, self.first = name.text, name.line, \
		    head[0].line
		self.last = body[-1].line
		self.static = any(t.text == "static" for t in head)
		self.parameters = len(params)
		# A switch counts once, however many cases it has.
		self.complexity = 1 + sum(t.text in BRANCHES for t in body)

	@property
	def length(self):
		return self.last - self.line + 1


class Source:
	"""functions; statics: [(name, line)], functions and data of the file;
	comments: [Token]."""

	def __init__(self, path, text):
		self.path, self.lines = path, text.splitlines()
		self.begins_with_comment = text.startswith("/*")
		self.comments, self.functions, self.statics = [], [], []
		self.includes = re.findall(r'^#include "([^"]*)"', text, re.M)
		tokens = []
		for t in tokenize(text):
			if t.kind == "comment":
				self.comments.append(t)
			elif t.kind != "directive":
				tokens.append(t)
		for head, body in statements(tokens):
			self.add(head, body)

	def add(self, head, body):
		if body is not None:
			self.functions.append(Function(head, body))
		if any(t.text == "static" for t in head):
			self.statics += [(t.text, t.line)
			    for t in declarators(head)]

	def comment_above(self, line):
		for c in self.comments:
			if c.last == line - 1:
				return plain(c.text)
		return ""

	def first_sentence(self):
		"""Of the comment that the file begins with, or None."""
		if not self.begins_with_comment:
			return None
		paragraph = plain(self.comments[0].text).split("\n\n")[0]
		text = " ".join(paragraph.split())
		return re.match(r".*?[.](?=\s|$)|.*", text).group()


def tokenize(text):
	ends = [m.start() for m in re.finditer("\n", text)]
	for m in TOKEN.finditer(text):
		yield Token(m.lastgroup, m.group(),
		    bisect.bisect_left(ends, m.start()) + 1,
		    bisect.bisect_left(ends, m.end() - 1) + 1)


def plain(comment):
	"""The text of a comment, without its frame."""
	text = re.sub(r"^/\*+|\*/$|^//", "", comment)
	return re.sub(r"^[ \t]*\*? ?", "", text, flags=re.M).strip()


def group(tokens, i):
	"""The place behind the group that opens at i."""
	depth = 0
	while i < len(tokens):
		depth += (tokens[i].text in OPEN) - (tokens[i].text in CLOSE)
		i += 1
		if depth == 0:
			break
	return i


def statements(tokens):
	"""(head, body) for each thing at file level; body is None but for a
	function's, and a head has no ';'."""
	start = i = 0
	while i < len(tokens):
		text = tokens[i].text
		if text == "{" and i > start and tokens[i - 1].text == ")":
			end = group(tokens, i)
			yield tokens[start:i], tokens[i:end]
			start = i = end
		elif text in OPEN:
			i = group(tokens, i)
		elif text == ";":
			if i > start:
				yield tokens[start:i], None
			start = i = i + 1
		else:
			i += 1


def without_attributes(head):
	out, i = [], 0
	while i < len(head):
		if head[i].text == "__attribute__":
			i = group(head, i + 1)
		else:
			out.append(head[i])
			i += 1
	return out


def declared(head):
	"""The name of a function, and its parameters; '...' is none."""
	head = without_attributes(head)
	i = next(i for i, t in enumerate(head) if t.text == "(")
	inner = head[i + 1:group(head, i) - 1]
	params = [p for p in split(inner) if [t.text for t in p] not in
	    (["void"], ["..."], [])]
	return head[i - 1], params


def split(tokens):
	"""At its commas, not at those of inner groups."""
	out, i, start = [], 0, 0
	while i < len(tokens):
		if tokens[i].text in OPEN:
			i = group(tokens, i)
			continue
		if tokens[i].text == ",":
			out.append(tokens[start:i])
			start = i + 1
		i += 1
	return out + [tokens[start:]]


def declarators(head):
	"""The tokens of the names that a declaration makes."""
	for part in split(without_attributes(head)):
		name, i = None, 0
		while i < len(part) and part[i].text not in ("=", "["):
			if part[i].text == "(" and name is not None and \
			    part[i + 1].text != "*":
				break
			if part[i].text == "(":
				name = part[i + 2]
				break
			if part[i].text == "{":
				i = group(part, i)
				continue
			if part[i].kind == "word":
				name = part[i]
			i += 1
		if name is not None:
			yield name
