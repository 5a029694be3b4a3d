-- Finds patterns that can take a matcher years: those where one text leads from a place back to itself in two ways, like
-- (a+)+. Each repetition of that text doubles what a matcher that goes back and tries again has to try.
--
-- For json_schema_problems(). In GD is then is_ambiguous(node), about what read_pattern() has read. It goes by the places
-- of the pattern where a character is matched (Glushkov's automaton), and looks for two different ways round with one text
-- in the pairs of places. It errs on the careful side: conditions like \b are taken as always true, and a repetition of
-- many copies as endless. What takes a time that grows with the square of the text is not found: that is bounded by the
-- size of the payload, see json_schema_problems().
SET LOCAL ROLE NONE;

CREATE OR REPLACE FUNCTION event_store.load_ambiguity() RETURNS void
LANGUAGE plpython3u VOLATILE
SET search_path = pg_catalog, pg_temp
AS $python$
# More places than this are not gone through: a pattern that needs them is refused, or its repetition is taken as endless.
MOST_PLACES, MOST_COPIES, MOST_PAIRS = 5000, 300, 100000

class Places:
    """The places of a pattern, one for each character that it can match, and which can follow which, in how many ways."""

    def __init__(self, node):
        self.sets, self.follow, self.looks = [], [], []
        self.walk(node)

    def size(self, node):
        kind = node[0]
        if kind in ("seq", "alt"):
            return sum(map(self.size, node[1]))
        if kind == "repeat":
            size = self.size(node[1])
            return size * (node[3] or 1) if size * (node[3] or 1) <= MOST_COPIES else size
        return self.size(node[1]) if kind == "group" else kind == "set"

    def link(self, ends, starts):
        for end in ends:
            self.follow[end] += starts

    def row(self, nodes):
        nullable, first, last = True, [], []
        for node in nodes:
            empty, starts, ends = self.walk(node)
            self.link(last, starts)
            first += starts if nullable else []
            last = last + ends if empty else ends
            nullable = nullable and empty
        return nullable, first, last

    def copies(self, part, low, high):
        """One after the other; from the copy ``low`` on, each may be the last."""
        empty, first, last, before = low == 0, [], [], []
        for copy in range(high):
            nullable, starts, ends = self.walk(part)
            empty = empty or nullable
            first = first if copy else starts
            self.link(before, starts)
            last += ends if copy + 1 >= low or nullable else []
            before = ends
        return empty, first, last

    def walk(self, node):
        """Whether it can be empty, where it can begin, and where it can end."""
        kind = node[0]
        if kind == "set":
            if len(self.sets) >= MOST_PLACES:
                raise ValueError("it is too long to be checked")
            self.sets.append(node[1])
            self.follow.append([])
            return False, [len(self.sets) - 1], [len(self.sets) - 1]
        if kind == "seq":
            return self.row(node[1])
        if kind == "alt":
            parts = [self.walk(part) for part in node[1]]
            return any(p[0] for p in parts), [s for p in parts for s in p[1]], [e for p in parts for e in p[2]]
        if kind == "group":
            return self.walk(node[1])
        if kind == "repeat":
            _, part, low, high, _ = node
            if high is not None and high * self.size(part) <= MOST_COPIES:
                return self.copies(part, low, high)
            empty, first, last = self.walk(part)
            self.link(last, first)
            return empty or low == 0, first, last
        if kind == "look":
            self.looks.append(node[1])
        return True, [], []

def overlap(one, other):
    i = j = 0
    while i < len(one) and j < len(other):
        if one[i][1] < other[j][0]:
            i += 1
        elif other[j][1] < one[i][0]:
            j += 1
        else:
            return True
    return False

def is_ambiguous(node):
    """Whether one text leads from a place back to itself in two ways: each repetition doubles what a matcher tries."""
    places = Places(node)
    follow, sets = places.follow, places.sets

    def after(pair):
        return {(min(p, q), max(p, q)) for p in follow[pair[0]] for q in follow[pair[1]] if overlap(sets[p], sets[q])}

    # Two readings of one text, as pairs of places: components of what can be reached from where both are at one place.
    graph, left = {}, [(p, p) for p in range(len(sets))]
    while left:
        pair = left.pop()
        if pair not in graph:
            graph[pair] = after(pair)
            left += graph[pair]
            if len(graph) > MOST_PAIRS:
                raise ValueError("it is too long to be checked")
    component = components(graph)
    apart = {component[pair] for pair in graph if pair[0] != pair[1]}
    for p in range(len(sets)):
        here = component[p, p]
        if here in apart or any(follow[p].count(q) > 1 and component[q, q] == here for q in set(follow[p])):
            return True
    return any(is_ambiguous(look) for look in places.looks)

def components(graph):
    """The strongly connected component of each node, as a number (Kosaraju)."""
    order, seen = [], set()
    for start in graph:
        stack = [(start, None)]
        while stack:
            node, following = stack.pop()
            if following is None:
                if node in seen:
                    continue
                seen.add(node)
                following = iter(graph[node])
            for one in following:
                if one not in seen:
                    stack += [(node, following), (one, None)]
                    break
            else:
                order.append(node)
    back = {node: [] for node in graph}
    for node, following in graph.items():
        for one in following:
            back[one].append(node)
    found = {}
    for number, start in enumerate(reversed(order)):
        left = [start]
        while left:
            node = left.pop()
            if node not in found:
                found[node] = number
                left += back[node]
    return found

GD["is_ambiguous"] = is_ambiguous
$python$;

REVOKE ALL ON FUNCTION event_store.load_ambiguity FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_store.load_ambiguity TO event_store_owner;
SET LOCAL ROLE event_store_owner;
