"""The number of the plugin interface, and whether a plugin was written for it."""

from retender.domain.model.errors import SetupError

API_VERSION = 1
"""
Counts up when something that plugins use is taken away or changes its meaning.

What is only added counts nothing: a plugin that does not know of it goes on as before.
"""

SAYS = "RETENDER_PLUGIN_API"
"""The name under which a plugin's module, or the object handed in, says its number."""


def check_api_version(plugin: object) -> None:
    """
    Make sure that a plugin was written for this interface.

    Raises:
        SetupError: it says no number, or another one; says what to do.

    """
    wanted = getattr(plugin, SAYS, None)
    if wanted == API_VERSION and isinstance(wanted, int) and not isinstance(wanted, bool):
        return
    if wanted is None:
        message = f"it does not say for which interface it was written: add {SAYS} = {API_VERSION}"
    elif isinstance(wanted, int) and wanted > API_VERSION:
        message = (
            f"it was written for plugin interface {wanted}, and this Retender offers "
            f"{API_VERSION}: upgrade Retender, or install an older version of the plugin"
        )
    else:
        message = (
            f"it was written for plugin interface {wanted!r}, and this Retender offers "
            f"{API_VERSION}: upgrade the plugin"
        )
    raise SetupError(message)
