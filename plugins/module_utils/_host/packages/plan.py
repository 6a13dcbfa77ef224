"""From wanted and installed packages to the changes between them. Looks at nothing itself."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Step
from .declared import UNTOUCHED, Package
from .live import Installed, Offers, Simulation
from .version import is_meant, sort_key

_OFFERS_SHOWN = 12


@dataclasses.dataclass(frozen=True)
class PackageChange:
    """
    :ivar action: ``install``, ``reinstall`` (an interrupted run left it half-way), ``upgrade``, ``downgrade``,
        ``remove`` or ``mark`` (only hold or unhold).
    :ivar version: the version afterwards; a request such as ``16.15-*``, or empty, while the offers are not known.
    :ivar held: whether it is held now; ``hold`` whether it is afterwards.
    """

    name: str
    action: str
    before: str | None
    version: str
    held: bool
    hold: bool

    @property
    def needs_apt(self) -> bool:
        return self.action != "mark"

    @property
    def argument(self) -> str:
        """What stands for it on apt-get's command line."""
        if self.action == "remove":
            return f"{self.name}-"
        return f"{self.name}={self.version}" if self.version else self.name

    def step(self) -> Step:
        action = ("hold" if self.hold else "unhold") if self.action == "mark" else self.action
        before = None if self.before is None else _facts(self.before, self.held)
        after = None if self.action == "remove" else _facts(self.version or "apt's choice", self.hold)
        return Step(action, "package", self.name, before=before, after=after)


def _facts(version: str, held: bool) -> dict[str, t.Any]:
    return {"version": version, "held": held}


def plan_packages(
    wanted: list[Package],
    installed: dict[str, Installed],
    offers: dict[str, Offers] | None,
    *,
    allow_downgrade: bool,
) -> list[PackageChange]:
    """Changes in the order of the call.

    :param offers: what the repositories offer, for every package that ``needs_offers`` names; ``None`` while that
        cannot be known: then a change is predicted from the request alone.
    :raises GroundworkError: a version that no repository offers, or a downgrade that is not allowed.
    """
    changes = []
    for package in wanted:
        now = installed.get(package.name)
        if package.state == "absent":
            if now is not None and now.status not in ("not-installed", "config-files"):
                changes.append(PackageChange(package.name, "remove", now.version, "", now.held, False))
            continue
        held = now is not None and now.held
        hold = held if package.hold is None else package.hold
        if now is not None and now.is_installed and is_meant(package.version, now.version):
            if hold != held:
                changes.append(PackageChange(package.name, "mark", now.version, now.version, held, hold))
            continue
        version = (package.version or "") if offers is None else _choose(package, offers.get(package.name, Offers()))
        action = _action(now, version)
        if action == "downgrade" and not allow_downgrade:
            raise _downgrade(package.name, now.version if now else "", version)
        before = now.version if now is not None and now.status not in ("not-installed", "config-files") else None
        changes.append(PackageChange(package.name, action, before, version, held, hold))
    return changes


def needs_offers(changes: list[PackageChange]) -> list[str]:
    """The packages whose versions have to be asked for."""
    return [change.name for change in changes if change.needs_apt and change.action != "remove"]


def _action(now: Installed | None, version: str) -> str:
    if now is None or now.status in ("not-installed", "config-files"):
        return "install"
    if not version or version == now.version:
        return "reinstall"
    if sort_key(_highest(version)) < sort_key(now.version):
        return "downgrade"
    return "upgrade" if now.is_installed else "reinstall"


def _highest(version: str) -> str:
    """Of a request the newest version that it can mean: 16.1* may be 16.19."""
    start = version.rstrip("*")
    return start + "9" * 9 if start != version and start[-1:].isdigit() else start


def _choose(package: Package, offers: Offers) -> str:
    if package.version is None:
        if offers.candidate is not None:
            return offers.candidate
        raise GroundworkError(
            f"No repository of this host offers {package.name}.",
            where=package.name,
            untouched=UNTOUCHED.partition(" and")[0],
            hint="Correct the name, or add the repository that has it.",
            code=ErrorCode.PACKAGE_UNKNOWN,
        )
    fitting = [offer.version for offer in offers.versions if is_meant(package.version, offer.version)]
    if offers.candidate in fitting:
        return str(offers.candidate)
    if fitting:
        return max(fitting, key=sort_key)
    known = [f"{offer.version} from {offer.origin}" for offer in offers.versions]
    listed = "; ".join(known[:_OFFERS_SHOWN]) + (
        f"; and {len(known) - _OFFERS_SHOWN} more" * (len(known) > _OFFERS_SHOWN)
    )
    raise GroundworkError(
        f"No repository of this host offers {package.name} in version {package.version}.",
        where=package.name,
        untouched=UNTOUCHED.partition(" and")[0],
        hint=f"Offered: {listed or 'nothing of that name'}.",
        code=ErrorCode.VERSION_UNKNOWN,
        details={"offered": [offer.version for offer in offers.versions]},
    )


def _downgrade(name: str, now: str, version: str) -> GroundworkError:
    return GroundworkError(
        f"{name} {now} is installed, and {version} is older.",
        where=name,
        untouched=UNTOUCHED.partition(" and")[0],
        hint="A server's data may not be readable by an older version. If that is not so: allow_downgrade: true.",
        code=ErrorCode.DOWNGRADE_REFUSED,
    )


def check_simulation(
    changes: list[PackageChange], simulation: Simulation, installed: dict[str, Installed]
) -> list[Step]:
    """The steps for what comes along with the packages of the call.

    :raises GroundworkError: apt would remove, downgrade or change a held package that the call does not name.
    """
    named = {change.name for change in changes}
    harm = [f"remove {name} {version}" for name, version in simulation.removes.items() if name not in named]
    steps = []
    for name, (before, after) in simulation.installs.items():
        if name in named:
            continue
        now = installed.get(name)
        if now is not None and now.held:
            harm.append(f"change {name}, which is held, from {before} to {after}")
        elif before is not None and sort_key(after) < sort_key(before):
            harm.append(f"downgrade {name} from {before} to {after}")
        action = "install" if before is None else "upgrade"
        steps.append(
            Step(
                action,
                "dependency",
                name,
                before=None if before is None else {"version": before},
                after={"version": after},
            )
        )
    if harm:
        raise GroundworkError(
            f"apt would do more than was asked for: {'; '.join(sorted(harm))}.",
            where=", ".join(sorted(named)),
            untouched=UNTOUCHED.partition(" and")[0],
            hint="Name these packages in the call too (with state, version or hold), if that is meant.",
            code=ErrorCode.UNASKED_CHANGES,
        )
    return steps
