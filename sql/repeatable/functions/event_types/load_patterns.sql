-- Reads the regular expressions of JSON schemas as ECMA-262 has them (with its flag u), because JSON Schema says so.
-- Python's differ: there $ also matches before a last newline, \d and \w match digits and letters of every script, \s is
-- another set, \Z is known and \p{...} is not.
--
-- For json_schema_problems(). In GD are then read_pattern(pattern), which takes a pattern apart, and
-- python_pattern(pattern), which writes it for Python's module re. Both raise ValueError, which says what is wrong and
-- where. As without the flag u, characters like - may have a backslash, and { may stand for itself.
SET LOCAL ROLE NONE;

CREATE OR REPLACE FUNCTION event_store.load_patterns() RETURNS void
LANGUAGE plpython3u VOLATILE
SET search_path = pg_catalog, pg_temp
AS $python$
import re

united, all_but, of, category, SETS, CONTROLS, LAST = GD["characters"]
BOUNDARY = r"(?:(?<![0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<=[0-9A-Za-z_])(?![0-9A-Za-z_]))"
# Python's own does not match the empty text.
INSIDE = r"(?:(?<![0-9A-Za-z_])(?![0-9A-Za-z_])|(?<=[0-9A-Za-z_])(?=[0-9A-Za-z_]))"

class Parser:
    """Reads a pattern. What it makes: (kind, Python's text, parts)."""

    def __init__(self, pattern):
        self.text, self.at, self.groups = pattern, 0, 0
        # A backward reference may come before its group.
        self.count = len(re.findall(r"(?<!\\)(?:\\\\)*\((?!\?[^<]|\?<[=!])", pattern))
        self.names = {}

    def error(self, what):
        return ValueError(f"{what} at character {self.at + 1}")

    def takes(self, *texts):
        for text in texts:
            if self.text.startswith(text, self.at):
                self.at += len(text)
                return text
        return ""

    def match(self, pattern):
        found = re.compile(pattern, re.ASCII).match(self.text, self.at)
        if found:
            self.at = found.end()
        return found

    def parse(self):
        node = self.alternatives()
        if self.at < len(self.text):
            raise self.error("there is a ) too many")
        return node

    def alternatives(self):
        parts = [self.sequence()]
        while self.takes("|"):
            parts.append(self.sequence())
        return parts[0] if len(parts) == 1 else ("alt", parts)

    def sequence(self):
        parts = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            parts.append(self.repeated(self.one()))
        return ("seq", parts)

    def repeated(self, node):
        found = self.match(r"(?:([*+?])|\{(\d+)(?:(,)(\d*))?\})(\??)")
        if not found:
            return node
        if node[0] not in ("set", "group", "back"):
            raise self.error("there is nothing to repeat")
        sign, low, comma, high, lazy = found.groups()
        if sign:
            low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[sign]
        else:
            low, high = int(low), (int(high) if high else None) if comma else int(low)
        if high is not None and high < low or low > 100000:
            raise self.error("the numbers of a repetition are out of order or too big")
        return ("repeat", node, low, high, lazy)

    def one(self):
        if self.takes("^"):
            return ("zero", "^")
        if self.takes("$"):
            return ("zero", r"\Z")
        if self.takes("."):
            return ("set", all_but(of("\n\r\u2028\u2029")))
        if self.takes("("):
            return self.group()
        if self.takes("["):
            return self.bracket()
        if self.takes("\\"):
            return self.escape()
        if self.match(r"(?=[*+?]|\{\d+(,\d*)?\})"):
            raise self.error("there is nothing to repeat")
        self.at += 1
        return ("set", of(self.text[self.at - 1]))

    def group(self):
        kind, name = self.takes("?:", "?=", "?!", "?<=", "?<!"), None
        number = 0
        if not kind:
            if self.takes("?"):
                found = self.match(r"<([A-Za-z_$][\w$]*)>")
                if not found or found[1] in self.names:
                    raise self.error("this kind of group is not known")
                name = found[1]
            self.groups += 1
            number = self.groups
            if name:
                self.names[name] = number
        node = self.alternatives()
        if not self.takes(")"):
            raise self.error("a ) is missing")
        if kind in ("", "?:"):
            return ("group", node, number)
        return ("look", node, kind)

    def code(self):
        """The number of a character that is written as an escape, after the backslash; None = another escape."""
        found = self.match(r"x([\da-fA-F]{2})|u\{([\da-fA-F]{1,6})\}|u([\da-fA-F]{4})")
        if found:
            number = int(found[1] or found[2] or found[3], 16)
            if 0xD800 <= number < 0xDC00 and found[3]:
                low = self.match(r"\\u([dD][c-fC-F][\da-fA-F]{2})")
                if low:
                    number = 0x10000 + (number - 0xD800 << 10) + int(low[1], 16) - 0xDC00
            if number > LAST:
                raise self.error("there is no such character")
            return number
        found = self.match(r"c([A-Za-z])|0(?!\d)|([tnvfr])")
        if found:
            return ord(found[1]) % 32 if found[1] else CONTROLS[found[2]] if found[2] else 0
        found = self.match(r"[^0-9A-Za-z]")
        return ord(found[0]) if found else None

    def shared_escape(self):
        """What a backslash means inside and outside of brackets: a set, or None."""
        found = self.match(r"([pP])\{([^{}]+)\}")
        if found:
            ranges = category(found[2])
            return ranges if found[1] == "p" else all_but(ranges)
        found = self.match(r"[dDwWsS]")
        if found:
            return SETS[found[0]]
        code = self.code()
        return None if code is None else ((code, code),)

    def escape(self):
        found = self.match(r"[bB]")
        if found:
            return ("zero", BOUNDARY if found[0] == "b" else INSIDE)
        found = self.match(r"k<([^<>]+)>|([1-9]\d*)")
        if found:
            if found[1] and found[1] not in self.names or found[2] and int(found[2]) > self.count:
                raise self.error("there is no such group")
            return ("back", self.names[found[1]] if found[1] else int(found[2]))
        ranges = self.shared_escape()
        if ranges is None:
            raise self.error(f"ECMA-262 has no \\{self.text[self.at:self.at + 1]}")
        return ("set", ranges)

    def bracket(self):
        negated, ranges = self.takes("^"), []
        while not self.takes("]"):
            low = self.member()
            if self.text[self.at:self.at + 1] == "-" and self.text[self.at + 1:self.at + 2] not in ("]", ""):
                self.at += 1
                high = self.member()
                if len(low) == len(high) == 1 and low[0][0] == low[0][1] and high[0][0] == high[0][1]:
                    if low[0][0] > high[0][0]:
                        raise self.error("a range is out of order")
                    ranges.append((low[0][0], high[0][0]))
                    continue
                ranges += [*high, *of("-")]
            ranges += low
        return ("set", all_but(ranges) if negated else united(ranges))

    def member(self):
        if self.at >= len(self.text):
            raise self.error("a ] is missing")
        if not self.takes("\\"):
            self.at += 1
            return of(self.text[self.at - 1])
        if self.takes("b"):
            return ((8, 8),)
        ranges = self.shared_escape()
        if ranges is None:
            raise self.error(f"ECMA-262 has no \\{self.text[self.at:self.at + 1]} in brackets")
        return ranges

def python_text(node):
    kind = node[0]
    if kind == "seq":
        return "".join(map(python_text, node[1]))
    if kind == "alt":
        return "|".join(map(python_text, node[1]))
    if kind == "zero":
        return node[1]
    if kind == "set":
        if not node[1]:
            return "(?!)"
        return "[" + "".join(f"\\U{low:08x}" + (f"-\\U{high:08x}" if high > low else "") for low, high in node[1]) + "]"
    if kind == "group":
        return f"(?P<g{node[2]}>{python_text(node[1])})" if node[2] else f"(?:{python_text(node[1])})"
    if kind == "look":
        return f"({node[2]}{python_text(node[1])})"
    if kind == "back":
        # A group that has matched nothing stands for the empty text.
        return f"(?(g{node[1]})(?P=g{node[1]}))"
    _, part, low, high, lazy = node
    return f"{python_text(part)}{{{low},{'' if high is None else high}}}{lazy}"

GD["read_pattern"] = lambda pattern: Parser(pattern).parse()
GD["python_pattern"] = lambda pattern: python_text(Parser(pattern).parse())
$python$;

REVOKE ALL ON FUNCTION event_store.load_patterns FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_store.load_patterns TO event_store_owner;
SET LOCAL ROLE event_store_owner;
