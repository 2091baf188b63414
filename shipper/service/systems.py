"""Which service manager a system has. Each is a module that offers what Manager says.

systemd is proven: tests run a real user manager. launchd and the task scheduler of Windows are written to their documented
formats and were NOT RUN BY US YET: tests check what they write and record what they would ask for.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

from shipper.service.status import Status


class Manager(Protocol):
    """What every service manager can be asked for. Each raises ShipperError where it does not do what it is asked."""

    #: Whether a real one has done it in our tests.
    PROVEN: bool
    #: What a person types where the service is installed and does not run.
    START: str

    def install(self, environ: Mapping[str, str], on_demand: bool) -> Iterator[str]:
        """Put the service in place and start it; yields what was done, line by line. To do it again is harmless.

        `on_demand` wants no process that stays, but a look every quarter of an hour.
        """

    def uninstall(self, environ: Mapping[str, str]) -> Iterator[str]:
        """Undo it completely; yields what was done. Events and choices stay."""

    def status(self, environ: Mapping[str, str]) -> Status:
        """Look how the service does."""

    def details(self, found: Status) -> list[str]:
        """Say for people what only this manager knows of an installed service, line by line."""

    def installed_file(self, environ: Mapping[str, str]) -> str:
        """The file by which the service is installed, "" where it is not: looked for without asking the manager."""

    def handing_over(self, name: str) -> str:
        """Say how a person hands a variable of their shell over to the service."""


def manager(platform: str) -> Manager:
    """The service manager of a platform, named as sys.platform names it: systemd for all but macOS and Windows."""
    if platform == "darwin":
        from shipper.service import launchd

        return launchd
    if platform == "win32":
        from shipper.service import task_scheduler

        return task_scheduler
    from shipper.service import systemd

    return systemd
