"""The gateway as it is now: gateway.toml is read again when it changes, and kept as it was where it is refused."""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path

from proxy import environment, gateway_file
from proxy.gateway import Gateway, Limits
from proxy.gateway_file import SetUpError
from proxy.gateway_file.stamps import FilesRead
from proxy.providers import secrets
from proxy.settings import ProxySettings

log = logging.getLogger(__name__)


class Watched:
    """What the proxy is set up to do now.

    `error` says why the file, as it is now, is refused; empty where `gateway` is what the file says. `loaded_at` is
    when `gateway` became what it is, in seconds since the epoch; `said` is where it is from, for people. Without
    GATEWAY_FILE nothing ever changes.
    """

    def __init__(
        self,
        settings: ProxySettings,
        environ: Mapping[str, str],
        hide: Callable[[list[str]], None] = lambda _: None,
    ) -> None:
        """`hide` is told what must not be logged, before it is used.

        Raises SetUpError where the file is refused, SystemExit where the settings are.
        """
        self._settings = settings
        self._environ = environ
        self._hide = hide
        self._files = FilesRead()
        self._changes: Mapping[Path, object] = {}
        self.gateway = self._read()
        self.error = ""
        self.loaded_at = time.time()
        self.said = settings.gateway_file.name if settings.gateway_file else "the environment"

    def look(self) -> bool:
        """Reads again what changed: the file, or one that holds a key. Never raises. To be called about every second.

        True where another gateway is in place now. A change counts when two looks in a row see it alike: a file that
        is being written must not be taken for one that is finished.
        """
        changes = self._files.changes()
        if changes != self._changes:
            self._changes = changes
            return False
        return bool(changes) and self._take()

    def _take(self) -> bool:
        self._changes = {}
        try:
            found = self._read()
        except (SetUpError, SystemExit) as error:
            if str(error) != self.error:
                log.error("what was set up before stays in place:\n%s", error)
            self.error = str(error)
            return False
        self.error = ""
        if found == self.gateway:
            return False
        self.gateway, self.loaded_at = found, time.time()
        log.info("%s was read again", self._settings.gateway_file)
        return True

    def _read(self) -> Gateway:
        found = self._found()
        self._hide(secrets(found))
        return found

    def _found(self) -> Gateway:
        path = self._settings.gateway_file
        if path is None:
            return environment.from_settings(self._settings)
        self._files = FilesRead()
        found = gateway_file.load(path, self._environ, self._files)
        return replace(found, limits=_filled(found.limits, environment.limits(self._settings)))


def _filled(limits: Limits, others: Limits) -> Limits:
    """`limits`, with each that it does not set from `others`: a limit in the environment holds unless another does."""
    unset = [field.name for field in fields(Limits) if getattr(limits, field.name) is None]
    return replace(limits, **{name: getattr(others, name) for name in unset})
