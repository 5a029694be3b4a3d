-- Finds patterns that can take a matcher years, because it goes back and tries again: those where one text can be read in
-- too many ways. There are three kinds:
--
-- - One text leads from a place back to itself in two ways, like (a+)+. Each repetition of that text doubles the ways. If
--   the repetition around it has an end, like ([A-Z]{3,5}){2,7}, there are at most as many as its parts multiplied.
-- - One text can be divided among loops, like a*a*a*a*. The ways grow with a power of its length: with three loops its
--   square, with four its third power.
-- - Ways part and meet again, one after the other, like a?a?a?a?.
--
-- For json_schema_problems(). In GD is then is_ambiguous(node), about what read_pattern() has read. It goes by the places
-- of the pattern where a character is matched (Glushkov's automaton), and looks in the pairs of places for two different
-- ways with one text (Weber and Seidl, On the degree of ambiguity of finite automata, 1991). It errs on the careful side:
-- conditions like \b are taken as always true, and a repetition that has an end as one without, to begin with. Taken are
-- patterns of up to 10,000 ways, and those whose ways grow with the square of the text: the time for these is bounded by
-- the size of the payload, see json_schema_problems(). A pattern that does not begin with ^ is tried at each character,
-- which multiplies the time by the length of the text once more.
SET LOCAL ROLE NONE;

CREATE OR REPLACE FUNCTION event_store.load_ambiguity() RETURNS void
LANGUAGE plpython3u VOLATILE
SET search_path = pg_catalog, pg_temp
AS $python$
import math

# More than this is not gone through. A pattern that needs it is refused.
MOST_PLACES, MOST_COPIES, MOST_PAIRS = 5000, 300, 100000
# Ways to read one text, where that is the same for texts of any length; and how often it may grow with the length.
MOST_WAYS, MOST_DEGREE = 10**4, 2
MANY = 10**9

def length(node):
    """How many characters it matches; None if that is not always the same number."""
    kind = node[0]
    if kind in ("seq", "alt"):
        parts = [length(part) for part in node[1]]
        if None in parts or kind == "alt" and len(set(parts)) > 1:
            return None
        return parts[0] if kind == "alt" else sum(parts)
    if kind == "repeat":
        part = length(node[1])
        return 0 if part == 0 else part * node[2] if part and node[2] == node[3] else None
    if kind == "group":
        return length(node[1])
    return {"set": 1, "back": None}.get(kind, 0)

def ways(node):
    """In how many ways it can be gone through, at most; MANY stands for more as well."""
    kind = node[0]
    if kind == "seq":
        return min(math.prod(map(ways, node[1])), MANY)
    if kind == "alt":
        return min(sum(map(ways, node[1])), MANY)
    if kind == "group":
        return ways(node[1])
    if kind == "repeat":
        part, low, high = ways(node[1]), node[2], node[3]
        if high is None or part > 1 and high >= 30:
            return MANY
        return min(high - low + 1 if part == 1 else sum(part**n for n in range(low, high + 1)), MANY)
    return 1

class Places:
    """The places of a pattern, one for each character that it can match, and which can follow which, in how many ways.

    A repetition is a loop here unless it has at most two copies, or few copies of one length. ``ways`` says of each place
    in how many ways the outermost loop around it can be gone through.
    """

    def __init__(self, node):
        self.sets, self.follow, self.looks, self.ways = [], [], [], []
        self.first = self.walk(node)[1]

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

    def repeated(self, node):
        _, part, low, high, _ = node
        if high in (0, 1) or high == 2 or high == low and length(part) and high * length(part) <= MOST_COPIES:
            optional = ("alt", [part, ("seq", [])])
            return self.row([part] * low + [optional] * (high - low))
        begun = len(self.sets)
        empty, first, last = self.walk(part)
        self.link(last, first)
        if empty and (high or low > 1):  # Which of the copies are empty is a choice, too.
            self.link(last, first)
        number = ways(node)
        self.ways[begun:] = [number] * (len(self.sets) - begun)
        return empty or low == 0, first, last

    def walk(self, node):
        """Whether it can be empty, where it can begin, and where it can end."""
        kind = node[0]
        if kind == "set":
            if len(self.sets) >= MOST_PLACES:
                raise ValueError("it is too long to be checked")
            self.sets.append(node[1])
            self.follow.append([])
            self.ways.append(1)
            return False, [len(self.sets) - 1], [len(self.sets) - 1]
        if kind == "seq":
            return self.row(node[1])
        if kind == "alt":
            parts = [self.walk(part) for part in node[1]]
            return any(p[0] for p in parts), [s for p in parts for s in p[1]], [e for p in parts for e in p[2]]
        if kind == "group":
            return self.walk(node[1])
        if kind == "repeat":
            return self.repeated(node)
        if kind == "look":
            self.looks.append(node[1])
        return True, [], []

def masks(sets):
    """Each set as a number: two sets have a character in common if their numbers have a bit in common."""
    cuts = sorted({cut for ranges in sets for low, high in ranges for cut in (low, high + 1)})
    place = {cut: number for number, cut in enumerate(cuts)}
    known = {ranges: sum((1 << place[high + 1]) - (1 << place[low]) for low, high in ranges) for ranges in set(sets)}
    return [known[ranges] for ranges in sets]

def is_ambiguous(node):
    """Whether one text can be read in too many ways: in more than MOST_WAYS, or in ways that grow with its length like a
    power above MOST_DEGREE, or exponentially."""
    places = Places(node)
    mask = masks(places.sets)
    # A place that no character fits, as in a[]|b, is never reached.
    places.first = [q for q in places.first if mask[q]]
    follow = places.follow = [[q for q in following if mask[q]] for following in places.follow]

    def pairs(one, other):
        return {(min(p, q), max(p, q)) for p in one for q in other if mask[p] & mask[q]}

    # Two readings of one text, as pairs of places: components of what can be reached from where both are at one place.
    graph = {}
    left = [(p, p) for p in range(len(mask))] + [*pairs(places.first, places.first)]
    while left:
        pair = left.pop()
        if pair not in graph:
            graph[pair] = pairs(follow[pair[0]], follow[pair[1]])
            left += graph[pair]
            if len(graph) > MOST_PAIRS:
                raise ValueError("it is too long to be checked")
    component, back = components(graph)
    return (has_many_ways(places, mask, graph, component, back)
            or has_long_chain(places, mask, graph, component)
            or any(is_ambiguous(look) for look in places.looks))

def has_many_ways(places, mask, graph, component, back):
    """Whether one text can be read in more than MOST_WAYS ways, apart from how they grow from loop to loop."""
    follow, ways = places.follow, {}
    # Where one text leads from a place back to itself in two ways, each turn multiplies them.
    apart = {component[pair] for pair in graph if pair[0] != pair[1]}
    for p in range(len(mask)):
        here = component[p, p]
        if here in apart or any(follow[p].count(q) > 1 and component[q, q] == here for q in set(follow[p])):
            ways[here] = max(ways.get(here, 1), places.ways[p])
    # Elsewhere they are multiplied where two ways part that can meet again.
    meeting = {pair for pair in graph if pair[0] == pair[1]}
    left = list(meeting)
    while left:
        for pair in back[left.pop()]:
            if pair not in meeting:
                meeting.add(pair)
                left.append(pair)

    def parting(following):
        return max((sum((min(p, q), max(p, q)) in meeting for q in following) for p in set(following)), default=1)

    most = {}
    for p in sorted(range(len(mask)), key=lambda p: -component[p, p]):
        here = component[p, p]
        out = [q for q in follow[p] if component[q, q] != here]
        own = ways.get(here) or parting(out)
        most[here] = max(most.get(here, 1), own * max((most[component[q, q]] for q in out), default=1))
    first = places.first
    return parting(first) * max((most[component[p, p]] for p in first), default=1) > MOST_WAYS

def has_long_chain(places, mask, graph, component):
    """Whether one text can be divided among loops, one after the other, in ways that grow with more than its square."""
    follow = [set(following) for following in places.follow]
    of_place = [component[p, p] for p in range(len(mask))]
    inside = {}
    for p, q in graph:
        inside[component[p, q]] = inside.get(component[p, q], 0) + 1

    def divides(p, q):
        """Whether one text leads from p to p, from p to q and from q to q."""
        seen, left = {(p, p, q)}, [(p, p, q)]
        while left:
            a, b, c = left.pop()
            for x in follow[a]:
                for z in follow[c] if of_place[x] == of_place[p] else ():
                    common = mask[x] & mask[z] if of_place[z] == of_place[q] else 0
                    for y in follow[b] if common else ():
                        if common & mask[y] and (x, y, z) not in seen:
                            if (x, y, z) == (p, q, q):
                                return True
                            seen.add((x, y, z))
                            left.append((x, y, z))
                            if len(seen) > MOST_PAIRS:
                                raise ValueError("it is too long to be checked")
        return False

    # If one pair of a component divides a text, each pair of it does.
    links, looked_at = {}, set()
    for pair in graph:
        p, q = sorted(pair, key=lambda place: of_place[place])
        number = component[pair]
        if of_place[p] != of_place[q] and number not in looked_at and (inside[number] > 1 or pair in graph[pair]):
            looked_at.add(number)
            if divides(p, q):
                # A loop without an end counts as a hundred turns, one with an end as its turns if these are fewer.
                weight = math.log10(min(places.ways[p], places.ways[q], 100)) / 2
                links.setdefault(of_place[p], []).append((of_place[q], weight))
    most = {}
    for p in sorted(range(len(mask)), key=lambda p: -of_place[p]):
        here = of_place[p]
        after = [most[of_place[q]] for q in follow[p] if of_place[q] != here]
        most[here] = max([most.get(here, 0), *after, *(most[q] + weight for q, weight in links.get(here, []))])
    return max(most.values(), default=0) > MOST_DEGREE

def components(graph):
    """The strongly connected component of each node, as a number, lower ones first; and the graph reversed (Kosaraju)."""
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
    return found, back

GD["is_ambiguous"] = is_ambiguous
$python$;

REVOKE ALL ON FUNCTION event_store.load_ambiguity FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_store.load_ambiguity TO event_store_owner;
SET LOCAL ROLE event_store_owner;
