"""Plots as SVG, by hand: lines with their spread, both axes logarithmic.

An axis that begins at 0 (latency) is linear.
"""

import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 72, 108, 56, 64
COLOURS = {"mailtern": "#0b6e99", "mbsync": "#c2571a",
    "offlineimap": "#5b7f2b"}


def number(v):
	"""As short as it can be read: 1,000 or 0.05."""
	if v >= 1:
		return "{:,.0f}".format(v) if v == int(v) else "%g" % v
	return ("%.6f" % v).rstrip("0").rstrip(".")


class Axis:
	def __init__(self, values, low, high, log):
		self.log, self.low, self.high = log, low, high
		least, most = min(values), max(values)
		if log:
			self.least = 10 ** math.floor(math.log10(least) + 1e-9)
			self.most = 10 ** math.ceil(math.log10(most) - 1e-9)
			if self.most <= self.least:
				self.most = self.least * 10
		else:
			self.least, self.most = 0.0, most or 1.0

	def at(self, v):
		if self.log:
			part = math.log(v / self.least) \
			    / math.log(self.most / self.least)
		else:
			part = v / self.most
		return self.low + part * (self.high - self.low)

	def ticks(self):
		"""(value, has it a label)"""
		if not self.log:
			step = 10 ** math.floor(math.log10(self.most))
			if self.most / step < 3:
				step /= 2 if self.most / step >= 1.5 else 5
			n = int(self.most / step + 1e-9)
			return [(i * step, True) for i in range(n + 1)]
		out = []
		v = self.least
		while v <= self.most * 1.0001:
			out.append((v, True))
			out += [(v * k, False) for k in range(2, 10)
			    if v * k < self.most]
			v *= 10
		return out


def text(x, y, words, anchor="middle", size=12, more=""):
	return '<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d"%s>' \
	    '%s</text>' % (x, y, anchor, size, more, escape(words))


def segment(x1, y1, x2, y2, colour, width=1.0):
	return '<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" ' \
	    'stroke-width="%g"/>' % (x1, y1, x2, y2, colour, width)


def frame(x, y, x_title, y_title):
	out = []
	for v, label in x.ticks():
		at = x.at(v)
		out.append(segment(at, y.low, at, y.high, "#ddd" if label
		    else "#f2f2f2"))
		if label:
			out.append(text(at, y.low + 18, number(v)))
	for v, label in y.ticks():
		at = y.at(v)
		out.append(segment(x.low, at, x.high, at, "#ddd" if label
		    else "#f2f2f2"))
		if label:
			out.append(text(x.low - 8, at + 4, number(v), "end"))
	out.append(segment(x.low, y.low, x.high, y.low, "#333"))
	out.append(segment(x.low, y.low, x.low, y.high, "#333"))
	out.append(text((x.low + x.high) / 2, y.low + 38, x_title))
	middle = (y.low + y.high) / 2
	out.append(text(18, middle, y_title, more=' transform="rotate(-90 18 '
	    '%.1f)"' % middle))
	return out


def curve(name, points, x, y):
	colour = COLOURS.get(name, "#555")
	out = []
	for px, median, least, most in points:
		out.append(segment(x.at(px), y.at(least), x.at(px), y.at(most),
		    colour, 1.5))
		out.append('<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>' % (
		    x.at(px), y.at(median), colour))
	out.append('<polyline fill="none" stroke="%s" stroke-width="2" '
	    'points="%s"/>' % (colour, " ".join("%.1f,%.1f" % (x.at(p[0]),
	    y.at(p[1])) for p in points)))
	return out


def labels(lines, x, y):
	"""Names at the ends of the lines, none over another."""
	out, last = [], None
	for end, name in sorted((y.at(points[-1][1]), name)
	    for name, points in lines.items()):
		at = end + 4 if last is None else max(end + 4, last + 15)
		last = at
		out.append(text(x.high + 10, at, name, "start", 13,
		    ' fill="%s"' % COLOURS.get(name, "#555")))
	return out


def svg(title, x_title, y_title, lines, note=""):
	"""lines: {name: [(x, median, least, most)]}, as text of an SVG file."""
	xs = [p[0] for points in lines.values() for p in points]
	ys = [v for points in lines.values() for p in points for v in p[1:]]
	x = Axis(xs, LEFT, WIDTH - RIGHT, min(xs) > 0)
	y = Axis(ys, HEIGHT - BOTTOM, TOP, True)
	out = ['<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
	    'viewBox="0 0 %d %d" font-family="sans-serif" fill="#222">' % (
	    WIDTH, HEIGHT, WIDTH, HEIGHT),
	    '<rect width="%d" height="%d" fill="white"/>' % (WIDTH, HEIGHT),
	    text(LEFT, 26, title, "start", 16),
	    text(LEFT, 44, y_title + " of wall, median and spread; less is "
	    "better", "start", 12, ' fill="#666"')]
	out += frame(x, y, x_title, y_title)
	for name, points in lines.items():
		out += curve(name, points, x, y)
	out += labels(lines, x, y)
	out.append(text(LEFT, HEIGHT - 8, note, "start", 10, ' fill="#666"'))
	return "\n".join(out + ["</svg>"]) + "\n"
