-- Sets of characters as regular expressions of ECMA-262 have them, for load_patterns(): ranges of numbers, in order. They
-- go into GD, the dictionary that the functions of a session share; the store brings no Python files.
--
-- Of \p{...} there are the general categories, because Python knows those, and nothing of scripts.
SET LOCAL ROLE NONE;

CREATE OR REPLACE FUNCTION event_store.load_characters() RETURNS void
LANGUAGE plpython3u VOLATILE
SET search_path = pg_catalog, pg_temp
AS $python$
import unicodedata

CATEGORIES = (
    "L Letter LC Cased_Letter Lu Uppercase_Letter Ll Lowercase_Letter Lt Titlecase_Letter Lm Modifier_Letter "
    "Lo Other_Letter M Mark Mn Nonspacing_Mark Mc Spacing_Mark Me Enclosing_Mark N Number Nd Decimal_Number "
    "Nl Letter_Number No Other_Number P Punctuation Pc Connector_Punctuation Pd Dash_Punctuation "
    "Ps Open_Punctuation Pe Close_Punctuation Pi Initial_Punctuation Pf Final_Punctuation Po Other_Punctuation "
    "S Symbol Sm Math_Symbol Sc Currency_Symbol Sk Modifier_Symbol So Other_Symbol Z Separator "
    "Zs Space_Separator Zl Line_Separator Zp Paragraph_Separator C Other Cc Control Cf Format Cs Surrogate "
    "Co Private_Use Cn Unassigned").split()
SHORT = {name: CATEGORIES[n - n % 2] for n, name in enumerate(CATEGORIES)}
LAST = 0x10FFFF

def united(ranges):
    result = []
    for low, high in sorted(ranges):
        if result and low <= result[-1][1] + 1:
            result[-1][1] = max(high, result[-1][1])
        else:
            result.append([low, high])
    return tuple((low, high) for low, high in result)

def all_but(ranges):
    result, start = [], 0
    for low, high in united(ranges):
        if low > start:
            result.append((start, low - 1))
        start = high + 1
    return tuple(result + [(start, LAST)] if start <= LAST else result)

def of(text):
    return united((ord(character), ord(character)) for character in text)

DIGITS = ((48, 57),)
WORD = united([*DIGITS, (65, 90), (95, 95), (97, 122)])
SPACE = united([(9, 13), (32, 32), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A), (0x2028, 0x2029), (0x202F, 0x202F),
                (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)])
SETS = {"d": DIGITS, "D": all_but(DIGITS), "w": WORD, "W": all_but(WORD), "s": SPACE, "S": all_but(SPACE)}
CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13}
by_category = {}

def category(name):
    name = name.split("=", 1)[1] if name.startswith(("gc=", "General_Category=")) else name
    if name in ("Any", "ASCII"):
        return ((0, LAST if name == "Any" else 127),)
    if name not in SHORT:
        raise ValueError(f"\\p{{{name}}} is not a general category, like \\p{{L}} or \\p{{Lu}}")
    if not by_category:
        for code in range(LAST + 1):
            ranges = by_category.setdefault(unicodedata.category(chr(code)), [])
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    kinds = ("Lu", "Ll", "Lt") if SHORT[name] == "LC" else [k for k in by_category if k.startswith(SHORT[name])]
    return united(one for kind in kinds for one in by_category[kind])

GD["characters"] = united, all_but, of, category, SETS, CONTROLS, LAST
$python$;

REVOKE ALL ON FUNCTION event_store.load_characters FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_store.load_characters TO event_store_owner;
SET LOCAL ROLE event_store_owner;
