"""The pages' templates: text of a spec comes out of them as text."""

from typing import TYPE_CHECKING

from suite.formatting import counted, pieces

if TYPE_CHECKING:
    import jinja2

_INCLUDED = ("style.css", "page.js")


def environment() -> "jinja2.Environment":
    """What renders the templates; style and script, which hold nothing of a study, are known to all by their names."""
    import jinja2  # noqa: PLC0415  # `list` and `check` need no templates
    from markupsafe import Markup  # noqa: PLC0415  # as above

    loader = jinja2.PackageLoader("suite.report")
    found = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)
    found.filters |= {"counted": counted, "pieces": pieces}
    for name in _INCLUDED:
        source, _, _ = loader.get_source(found, name)
        found.globals[name.replace(".", "_")] = Markup(source)  # our own file
    return found
