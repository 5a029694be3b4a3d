-- What is wrong with payloads according to a JSON schema: the place in the array (from 1 on), the path inside the
-- payload ($.a[0]) and the problem in words. Reports at most 10 problems for each payload, and looks at no further
-- payload after the 50th problem. Without payloads: what is wrong with the schema itself.
--
-- Validates with python3-jsonschema of the server's release (4.10 in Debian 12, 4.19 in 13): Draft 2020-12, or the
-- draft that "$schema" names. Patterns are regular expressions of ECMA-262: see load_patterns(). The formats date,
-- date-time, time, email, ipv4, ipv6, regex and uuid are checked, because they need no further package. References lead
-- to places in the schema itself: nothing is ever fetched. Numbers are compared as decimals, exactly.
--
-- What is not decided is one row with path NULL: payloads of more than 16 MiB (2^24 characters) in all are not looked at,
-- and a call has 10 seconds of CPU time and 100 microseconds for each character, 10 minutes at most. Checking takes 2 to
-- 20 microseconds a character, so the size decides, with the same answer on a busy machine. The time is for patterns that
-- take a time that grows with a power of the text, and for those from before such patterns were refused, see
-- load_ambiguity(). Each second the server is asked
-- whether the statement was cancelled or has reached its statement_timeout. A payload that nests too deeply is a problem
-- like any other.
--
-- Only the superuser may use the language, so the function belongs to the superuser. Only the store's own functions may
-- call it.
SET LOCAL ROLE NONE;

CREATE OR REPLACE FUNCTION event_store.json_schema_problems(json_schema jsonb, payloads jsonb[] DEFAULT NULL)
RETURNS TABLE (place integer, path text, problem text)
LANGUAGE plpython3u VOLATILE
SET search_path = pg_catalog, pg_temp
AS $python$
if "problems" not in SD:
    import datetime, decimal, ipaddress, itertools, json, re, signal, sys
    from jsonschema import validators, FormatChecker

    MOST, MOST_IN_ALL, LONGEST, MOST_COMPILED, MOST_CHARACTERS = 10, 50, 300, 200, 2**24

    class Number(decimal.Decimal):
        """A number with a fraction, or one that is too long for an int. Messages show it as JSON does."""
        __repr__ = decimal.Decimal.__str__

    class TooLong(BaseException):
        """Not an Exception, because the libraries catch those. It has the server's error if the statement was cancelled."""

    class Clock:
        seconds = None

    def tick(*_):
        if Clock.seconds is None:
            return
        Clock.seconds -= 1
        if Clock.seconds < 0:
            raise TooLong
        try:
            plpy.execute("SELECT pg_sleep(0)")
        except plpy.SPIError as error:
            raise TooLong(error)

    # PostgreSQL uses neither this signal nor this timer. Python's regular expressions check for signals as they run.
    signal.signal(signal.SIGVTALRM, tick)

    def number(text):
        value = Number(text)
        return int(value) if len(text) < 400 and value == value.to_integral_value() else value

    def loads(text):
        return json.loads(text, parse_float=number, parse_int=number)

    for loader in ("load_characters", "load_patterns", "load_ambiguity"):
        plpy.execute(f"SELECT event_store.{loader}()")

    class Patterns:
        """What jsonschema finds in place of the module re."""
        known = {}

        def search(self, pattern, text):
            if pattern not in self.known:
                if len(self.known) >= MOST_COMPILED:
                    self.known.clear()
                try:
                    self.known[pattern] = re.compile(GD["python_pattern"](pattern))
                except (ValueError, re.error):  # Registered when patterns were Python's.
                    self.known[pattern] = re.compile(pattern)
            return self.known[pattern].search(text)

    patterns = Patterns()

    def additional_properties(instance, schema):
        """In place of jsonschema's, which joins the patterns with |: groups then have numbers and names of others."""
        for name in instance:
            if name not in schema.get("properties", {}) and not any(
                    patterns.search(pattern, name) for pattern in schema.get("patternProperties", {})):
                yield name

    # Not for the other modules: what they match with re are no patterns of schemas.
    for name in ("_keywords", "_validators", "_utils"):
        if f"jsonschema.{name}" in sys.modules:
            sys.modules[f"jsonschema.{name}"].re = patterns
            sys.modules[f"jsonschema.{name}"].find_additional_properties = additional_properties

    formats = FormatChecker(formats=["ipv4", "ipv6"])

    @formats.checks("regex", raises=ValueError)
    def is_pattern(instance):
        if isinstance(instance, str):
            try:
                re.compile(GD["python_pattern"](instance))
            except (re.error, RecursionError, OverflowError) as error:
                raise ValueError(str(error)) from error
        return True

    def check_format(name, pattern, parse):
        def check(instance):
            if isinstance(instance, str):
                if not pattern.fullmatch(instance):
                    raise ValueError(name)
                parse(instance.upper())
            return True
        formats.checks(name, raises=ValueError)(check)

    def parse_address(text):
        if text.endswith("]"):
            ipaddress.ip_address(text[text.rindex("[") + 1:-1].removeprefix("IPV6:"))

    ATOM, LABEL = r"[\w!#$%&'*+/=?^`{|}~-]+", r"[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?"
    check_format("email", re.compile(
        rf'({ATOM}(\.{ATOM})*|"([ !#-\[\]-~]|\\[ -~])*")@({LABEL}(\.{LABEL})*|\[(IPv6:)?[0-9A-Fa-f:.]+\])', re.ASCII), parse_address)
    check_format("uuid", re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"), len)
    DAY, TIME = r"\d{4}-\d\d-\d\d", r"\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)"
    check_format("date", re.compile(DAY, re.ASCII), datetime.date.fromisoformat)
    check_format("time", re.compile(TIME, re.ASCII), datetime.time.fromisoformat)
    check_format("date-time", re.compile(DAY + "[Tt]" + TIME, re.ASCII), datetime.datetime.fromisoformat)

    DRAFTS = [validators.Draft202012Validator, validators.Draft201909Validator, validators.Draft7Validator,
              validators.Draft6Validator, validators.Draft4Validator, validators.Draft3Validator]
    BY_NAME = {draft.META_SCHEMA["$schema"].rstrip("#"): draft for draft in DRAFTS}

    try:
        from jsonschema_specifications import REGISTRY
        from referencing.jsonschema import specification_with

        def made(draft, schema):
            return draft(schema, registry=REGISTRY, format_checker=formats)

        def resolve(draft, schema, reference):
            specification = specification_with(draft.META_SCHEMA["$schema"])
            REGISTRY.resolver_with_root(specification.create_resource(schema)).lookup(reference)
    except ImportError:  # before jsonschema 4.18
        from jsonschema import RefResolver, RefResolutionError

        class Resolver(RefResolver):
            def resolve_remote(self, uri):
                raise RefResolutionError("it refers to something outside the schema")

        def made(draft, schema):
            return draft(schema, resolver=Resolver.from_schema(schema, id_of=draft.ID_OF), format_checker=formats)

        def resolve(draft, schema, reference):
            Resolver.from_schema(schema, id_of=draft.ID_OF).resolve(reference)

    def compiled(schema):
        draft = BY_NAME[schema.get("$schema", DRAFTS[0].META_SCHEMA["$schema"]).rstrip("#")]
        integer = draft.TYPE_CHECKER.redefine("integer", lambda _, value: (
            isinstance(value, int) and not isinstance(value, bool)
            or isinstance(value, Number) and value == value.to_integral_value()))
        return made(validators.extend(draft, type_checker=integer), schema)

    def path_text(parts):
        return "$" + "".join(
            f"[{part}]" if isinstance(part, int)
            else f".{part}" if re.fullmatch(r"\w+", part) else f"[{json.dumps(part)}]"
            for part in parts)

    def shortened(text):
        return text if len(text) <= LONGEST else text[:LONGEST] + " ..."

    def said(error):
        reason = f": {error.cause}" if (error.validator, error.validator_value) == ("format", "regex") else ""
        return path_text(error.absolute_path), shortened(error.message + reason)

    def errors_of(validator, value):
        return sorted(map(said, itertools.islice(validator.iter_errors(value), MOST)))

    NAMES = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies")
    VALUES = ("enum", "const", "default", "examples")

    def walk(schema, parts=()):
        """All keywords of a schema and of the schemas inside it, with their places."""
        if isinstance(schema, list):
            for place, item in enumerate(schema):
                yield from walk(item, (*parts, place))
        elif isinstance(schema, dict):
            for key, value in schema.items():
                yield key, value, (*parts, key)
                if key in NAMES and isinstance(value, dict):
                    for name, item in value.items():
                        yield from walk(item, (*parts, key, name))
                elif key not in VALUES:
                    yield from walk(value, (*parts, key))

    def pattern_errors(pattern, parts):
        try:
            if GD["is_ambiguous"](GD["read_pattern"](pattern)):
                return [(path_text(parts), shortened(repr(pattern)) + " can take years, because a text can be read in too many "
                         "ways, as by (a+)+ or a*a*a*a*: write it so that there is one way")]
        except ValueError as error:
            return [(path_text(parts), shortened(f"{pattern!r}: {error}"))]
        return []

    def schema_errors(schema):
        if isinstance(schema, str) and schema.lstrip()[:1] == "{":
            return [("$", "it is not a JSON object but a string: encoded twice?")]
        if not isinstance(schema, dict):
            return [("$", "it is not a JSON object")]
        named = schema.get("$schema", DRAFTS[0].META_SCHEMA["$schema"])
        if not isinstance(named, str) or named.rstrip("#") not in BY_NAME:
            return [('$["$schema"]', "it is not a known draft: " + ", ".join(BY_NAME))]
        draft = BY_NAME[named.rstrip("#")]
        found = errors_of(made(draft, draft.META_SCHEMA), schema)
        if found:
            return found
        id_keyword = "id" if draft in DRAFTS[-2:] else "$id"
        for key, value, parts in walk(schema):
            if key in ("$ref", "$dynamicRef", "$recursiveRef") and isinstance(value, str):
                if not value.startswith("#"):
                    found.append((path_text(parts), f"{value!r} refers to something outside the schema: put what it names into $defs"))
                    continue
                try:
                    resolve(draft, schema, value)
                except Exception:
                    found.append((path_text(parts), f"{value!r} leads nowhere"))
            elif key == "pattern" and isinstance(value, str):
                found += pattern_errors(value, parts)
            elif key == "patternProperties" and isinstance(value, dict):
                for name in value:
                    found += pattern_errors(name, (*parts, name))
            elif key == id_keyword and isinstance(value, str) and len(parts) > 1:
                found.append((path_text(parts), f"{key} is understood at the top only"))
        if not found:
            list(compiled(schema).iter_errors({}))  # fails if references form a circle
        return found[:MOST]

    def payload_errors(text, payload):
        validator = SD["validators"].get(text)
        if validator is None:
            if len(SD["validators"]) >= MOST_COMPILED:
                SD["validators"].clear()
            validator = SD["validators"][text] = compiled(loads(text))
        return errors_of(validator, loads(payload))

    def attempted(function, *arguments):
        try:
            return function(*arguments)
        except RecursionError:
            return [("$", "it is nested too deeply")]
        except Exception as error:
            return [("$", shortened(f"{type(error).__name__}: {error}"))]

    def problems(text, payloads):
        found, place = [], None
        characters = sum(map(len, payloads or ()))
        if characters > MOST_CHARACTERS:
            return [(None, None, f"they have {characters} characters in all, and at most {MOST_CHARACTERS} are checked")]
        try:
            Clock.seconds = min(10 + characters / 10000, 600)
            signal.setitimer(signal.ITIMER_VIRTUAL, 1, 1)
            try:
                # Enough digits for the longest number of jsonb.
                with decimal.localcontext(decimal.Context(prec=200000, Emax=999999, Emin=-999999)):
                    if payloads is None:
                        found += [(None, *problem) for problem in attempted(lambda: schema_errors(loads(text)))]
                    for place, payload in enumerate(payloads or (), 1):
                        found += [(place, *problem) for problem in attempted(payload_errors, text, payload)]
                        if len(found) >= MOST_IN_ALL:
                            break
            finally:
                Clock.seconds = None
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        except TooLong as end:
            if end.args:
                raise end.args[0]
            return [(place, None, "checking takes too long")]
        return found

    SD["validators"] = {}
    SD["problems"] = problems

return SD["problems"](json_schema, payloads)
$python$;

REVOKE ALL ON FUNCTION event_store.json_schema_problems FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_store.json_schema_problems TO event_store_owner;
SET LOCAL ROLE event_store_owner;
