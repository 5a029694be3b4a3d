"""Files from `templates/`; a name that a template uses and does not get is an error."""

from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from deploy.model.project import ROOT

_ENVIRONMENT: Final = Environment(  # noqa: S701  configuration files, not HTML
    loader=FileSystemLoader(ROOT / "templates"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(template: str, **values: object) -> str:
    """The text of ``templates/TEMPLATE`` with ``values`` filled in."""
    return _ENVIRONMENT.get_template(template).render(**values)
