"""Every check there is: one file, one class, found by itself.

Adding a check is adding one file to this folder. The catalogue, the profiles, the documentation and the tests read the
folder, so none of them can forget it.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType, ModuleType

from capture_validation.check import AudioCheck, Check, VideoCheck


@cache
def published() -> Mapping[str, type[Check]]:
    """All checks by name, in the order of their names, so that every list of them reads the same.

    Raises TypeError when a file does not hold exactly one check, or when two checks share a name: both are mistakes of
    whoever wrote the file, and a name in the field must mean one thing.
    """
    checks: dict[str, type[Check]] = {}
    for module in iter_modules(__path__):
        check = only_check(import_module(f"{__name__}.{module.name}"))
        if check.name in checks:
            raise TypeError(f"{check.name} is the name of {checks[check.name].__module__} and of {check.__module__}")
        checks[check.name] = check
    return MappingProxyType(dict(sorted(checks.items())))


def only_check(module: ModuleType) -> type[Check]:
    """The one check class that a file defines."""
    found = [
        thing
        for thing in vars(module).values()
        if isinstance(thing, type)
        and issubclass(thing, AudioCheck | VideoCheck)
        and thing.__module__ == module.__name__
        and hasattr(thing, "name")
    ]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} holds {len(found)} checks; a file in checks/ holds exactly one")
    return found[0]
