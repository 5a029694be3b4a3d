-- What is wrong with payloads by a JSON schema: the place in the array (from 1 on), the path inside the payload ($.a[0]) and
-- the problem in words; at most 10 for each payload. Without payloads: what is wrong with the schema itself.
--
-- By python3-jsonschema of the server's release (4.10 in Debian 12, 4.19 in 13): Draft 2020-12, or the draft that
-- "$schema" names. Patterns are Python's regular expressions. Of the formats date, date-time, time, email, ipv4, ipv6, regex
-- and uuid are checked, which need no further package. References lead to places in the schema itself: nothing is ever
-- fetched. Numbers are compared as decimals, exactly.
--
-- Python hears of no statement_timeout and no cancellation, and a pattern can take it years: so the work has a limit of
-- its own, in seconds of CPU time. What exceeds it, or nests too deeply, is a problem like any other.
--
-- The language is the superuser's, and so is the function; nobody but the store's own functions may call it.
SET LOCAL ROLE NONE;

CREATE OR REPLACE FUNCTION event_store.json_schema_problems(json_schema jsonb, payloads jsonb[] DEFAULT NULL)
RETURNS TABLE (place integer, path text, problem text)
LANGUAGE plpython3u VOLATILE
SET search_path = pg_catalog, pg_temp
AS $python$
if "problems" not in SD:
    import datetime, decimal, itertools, json, re, signal
    from jsonschema import validators, FormatChecker

    MOST, LONGEST, MOST_COMPILED, SECONDS = 10, 300, 200, 2.0

    class Number(decimal.Decimal):
        """A number with a fraction, or too long for an int; looks in messages as it does in JSON."""
        __repr__ = decimal.Decimal.__str__

    class TooLong(Exception):
        pass

    def too_long(*_):
        raise TooLong

    # PostgreSQL uses neither this signal nor this timer. Python's regular expressions look for signals as they go.
    signal.signal(signal.SIGVTALRM, too_long)

    def number(text):
        value = Number(text)
        return int(value) if len(text) < 400 and value == value.to_integral_value() else value

    def loads(text):
        return json.loads(text, parse_float=number, parse_int=number)

    formats = FormatChecker(formats=["email", "ipv4", "ipv6", "regex", "uuid"])

    def check_format(name, pattern, parse):
        def check(instance):
            if isinstance(instance, str):
                if not pattern.fullmatch(instance):
                    raise ValueError(name)
                parse(instance.upper())
            return True
        formats.checks(name, raises=ValueError)(check)

    DAY, TIME = r"\d{4}-\d\d-\d\d", r"\d\d:\d\d:\d\d(\.\d{1,6})?\d*([Zz]|[+-]\d\d:\d\d)"
    check_format("date", re.compile(DAY, re.ASCII), datetime.date.fromisoformat)
    check_format("time", re.compile(TIME, re.ASCII), lambda text: datetime.time.fromisoformat(text))
    check_format("date-time", re.compile(DAY + "[Tt]" + TIME, re.ASCII), lambda text: datetime.datetime.fromisoformat(text))

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
                raise RefResolutionError("it leads out of the schema")

        def made(draft, schema):
            return draft(schema, resolver=Resolver.from_schema(schema, id_of=draft.ID_OF), format_checker=formats)

        def resolve(draft, schema, reference):
            Resolver.from_schema(schema, id_of=draft.ID_OF).resolve(reference)

    def compiled(schema):
        draft = BY_NAME[schema.get("$schema", DRAFTS[0].META_SCHEMA["$schema"]).rstrip("#")]
        whole = draft.TYPE_CHECKER.redefine("integer", lambda checker, value: (
            not isinstance(value, bool) and isinstance(value, (int, Number)) and value == value.to_integral_value()
            if isinstance(value, Number) else isinstance(value, int) and not isinstance(value, bool)))
        return made(validators.extend(draft, type_checker=whole), schema)

    def path_text(parts):
        return "$" + "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}" if re.fullmatch(r"\w+", part) else f"[{json.dumps(part)}]"
            for part in parts)

    def shortened(text):
        return text if len(text) <= LONGEST else text[:LONGEST] + " ..."

    def errors_of(validator, value):
        errors = list(itertools.islice(validator.iter_errors(value), MOST))
        return sorted(((path_text(error.absolute_path), shortened(error.message)) for error in errors))

    NAMES = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies")
    VALUES = ("enum", "const", "default", "examples")

    def walk(schema, parts=()):
        """All keywords of a schema and of those in it, with their places."""
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

    def schema_errors(schema):
        if not isinstance(schema, dict):
            return [("$", "it is no JSON object")]
        named = schema.get("$schema", DRAFTS[0].META_SCHEMA["$schema"])
        if not isinstance(named, str) or named.rstrip("#") not in BY_NAME:
            return [('$["$schema"]', "it is no known draft: " + ", ".join(BY_NAME))]
        draft = BY_NAME[named.rstrip("#")]
        found = errors_of(made(draft, draft.META_SCHEMA), schema)
        if found:
            return found
        id_keyword = "id" if draft in DRAFTS[-2:] else "$id"
        for key, value, parts in walk(schema):
            if key in ("$ref", "$dynamicRef", "$recursiveRef") and isinstance(value, str):
                if not value.startswith("#"):
                    found.append((path_text(parts), f"{value!r} leads out of the schema: put what it names into $defs"))
                    continue
                try:
                    resolve(draft, schema, value)
                except Exception:
                    found.append((path_text(parts), f"{value!r} leads nowhere"))
            elif key == id_keyword and isinstance(value, str) and len(parts) > 1:
                found.append((path_text(parts), f"{key} is understood at the top only"))
        if not found:
            list(compiled(schema).iter_errors({}))  # references in a circle
        return found[:MOST]

    def payload_errors(text, payload):
        validator = SD["validators"].get(text)
        if validator is None:
            if len(SD["validators"]) >= MOST_COMPILED:
                SD["validators"].clear()
            validator = SD["validators"][text] = compiled(loads(text))
        return errors_of(validator, loads(payload))

    def guarded(function, *arguments):
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        try:
            try:
                # Enough digits for the longest number of jsonb.
                with decimal.localcontext(decimal.Context(prec=200000, Emax=999999, Emin=-999999)):
                    return function(*arguments)
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        except TooLong:
            return [("$", f"it takes longer than {SECONDS:g} seconds")]
        except RecursionError:
            return [("$", "it is nested too deeply")]
        except Exception as error:
            return [("$", shortened(f"{type(error).__name__}: {error}"))]

    SD["validators"] = {}
    SD["problems"] = lambda text, payloads: (
        [(None, *found) for found in guarded(lambda: schema_errors(loads(text)))]
        if payloads is None else
        [(place, *found) for place, payload in enumerate(payloads, 1) for found in guarded(payload_errors, text, payload)])

return SD["problems"](json_schema, payloads)
$python$;

REVOKE ALL ON FUNCTION event_store.json_schema_problems FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_store.json_schema_problems TO event_store_owner;
SET LOCAL ROLE event_store_owner;
