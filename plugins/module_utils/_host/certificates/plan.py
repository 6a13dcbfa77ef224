"""From wanted and stored certificates to what has to be made, with the reason. Imports no cryptography."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._core.plan import Step
from .declared import UNTOUCHED, Authority, KeyKind, Leaf, Subject

_ONE_DAY = datetime.timedelta(days=1)


@dataclasses.dataclass(frozen=True)
class Facts:
    """What a certificate says.

    :ivar usage: extended key usages, other ones than server and client by their number.
    :ivar signed_by_authority: whether the authority at hand did; an authority: whether it signed itself.
    """

    subject: Subject
    dns_names: frozenset[str]
    ip_addresses: frozenset[str]
    usage: frozenset[str]
    is_authority: bool
    key: KeyKind
    not_after: datetime.datetime
    fingerprint: str
    signed_by_authority: bool


@dataclasses.dataclass(frozen=True)
class Stored:
    """The files of one name.

    :ivar certificate: ``None`` when the file is not there or says nothing; ``problem`` then says why.
    :ivar key_matches: whether the key is there and is the certificate's.
    :ivar files_agree: whether every file of the name (certificate, key, both in one) holds the same, with mode 0600.
    """

    certificate: Facts | None
    key_found: bool
    key_matches: bool
    files_agree: bool
    problem: str | None = None


@dataclasses.dataclass(frozen=True)
class Change:
    """
    :ivar verb: ``create``, ``renew`` or ``complete`` (only put files right that an interrupted run left).
    """

    name: str
    verb: str
    reason: str
    step: Step


def plan_authority(wanted: Authority, stored: Stored, now: datetime.datetime) -> Change | None:
    """What to do about the folder's own authority, or whether a given one can be used.

    :raises GroundworkError: it cannot be used, and making another one would cut off everybody who trusts it.
    """
    where = wanted.certificate_file or "ca.crt"
    if stored.problem:
        raise _unusable(f"The authority cannot be used: {stored.problem}.", where, "Put the file back from a copy.")
    facts = stored.certificate
    if wanted.certificate_file is not None:
        if facts is None:
            raise _unusable("The given authority has no certificate.", where, "Correct ca_cert.")
        _check_given(facts, where, now)
        return None if stored.files_agree else _change("ca", "complete", "its copy in the folder differs", facts, None)
    after = _authority_facts(wanted, now)
    if facts is None:
        verb, reason = "create", "its key is there without a certificate" if stored.key_found else "there is none"
        return _change("ca", verb, reason, None, after)
    if stored.key_found and not stored.key_matches:
        raise _unusable(
            "The authority's key is not that of its certificate.", where, "Put the right ca.key or ca.crt back."
        )
    if _is_due(facts, wanted.renew_before_days, now):
        if not stored.key_found:
            raise _unusable("The authority ends soon, and its key is missing.", where, "Put ca.key back.")
        return _change("ca", "renew", f"it ends {facts.not_after:%Y-%m-%d}", facts, after)
    if not stored.files_agree:
        return _change("ca", "complete", "the mode of its files is not 0600", facts, None)
    return None


def plan_leaf(
    wanted: Leaf, stored: Stored, authority_end: datetime.datetime | None, now: datetime.datetime
) -> Change | None:
    """
    :param authority_end: until when the authority is valid after this run; ``None`` when it gets a new certificate that
        did not sign anything yet.
    """
    facts = stored.certificate
    after = _shown(wanted, now + datetime.timedelta(days=wanted.valid_days))
    if facts is None:
        if stored.problem:
            return _change(wanted.name, "renew", stored.problem, None, after)
        return _change(wanted.name, "create", "there is none", None, after)
    reason = _reason(wanted, stored, facts, authority_end, now)
    if reason:
        return _change(wanted.name, "renew", reason, facts, after)
    if not stored.files_agree:
        return _change(
            wanted.name, "complete", "an interrupted run, or somebody, left its files different", facts, None
        )
    return None


def require_authority_key(changes: list[Change], stored: Stored, where: str) -> None:
    """
    :raises GroundworkError: something has to be signed, and the authority's key is not there.
    """
    to_sign = [change for change in changes if change.verb in ("create", "renew") and change.name != "ca"]
    if to_sign and not stored.key_found:
        raise _unusable(
            f"{to_sign[0].name} has to be signed ({to_sign[0].reason}), and the authority's key is missing.",
            where,
            "Put the key back, or give ca_cert and ca_key.",
        )


def _reason(
    wanted: Leaf, stored: Stored, facts: Facts, authority_end: datetime.datetime | None, now: datetime.datetime
) -> str | None:
    if authority_end is None or not facts.signed_by_authority:
        return "another authority signed it"
    if not stored.key_matches:
        return "its key is another one" if stored.key_found else "its key is missing"
    differences = [
        ("its subject", facts.subject, wanted.subject),
        ("its host names", facts.dns_names, wanted.dns_names),
        ("its addresses", facts.ip_addresses, wanted.ip_addresses),
        ("its usage", facts.usage, wanted.usage),
        ("its kind of key", facts.key, wanted.key),
    ]
    for what, found, asked in differences:
        if found != asked:
            return f"{what} changed"
    # Nothing outlives its authority: renewing one that ends with it would end on the same day, at every run.
    if _is_due(facts, wanted.renew_before_days, now) and authority_end - facts.not_after > _ONE_DAY:
        return f"it ends {facts.not_after:%Y-%m-%d}"
    return None


def _is_due(facts: Facts, days: int, now: datetime.datetime) -> bool:
    return facts.not_after - now <= datetime.timedelta(days=days)


def _check_given(facts: Facts, where: str, now: datetime.datetime) -> None:
    if not facts.is_authority:
        raise _unusable("The given authority's certificate is not that of an authority.", where, "Correct ca_cert.")
    if facts.not_after <= now:
        raise _unusable(f"The given authority ended {facts.not_after:%Y-%m-%d}.", where, "Give one that is valid.")


def _change(name: str, verb: str, reason: str, before: Facts | None, after: dict[str, t.Any] | None) -> Change:
    shown = None if before is None else _shown(before, before.not_after)
    if after is None:
        after = {**(shown or {}), "files": "complete"}
        shown = {**(shown or {}), "files": reason}
    kind = "certificate authority" if name == "ca" else "certificate"
    return Change(name, verb, reason, Step(verb, kind, name, before=shown, after=after, statement=reason))


def _shown(described: Facts | Leaf, not_after: datetime.datetime) -> dict[str, t.Any]:
    return {
        "subject": _subject(described.subject),
        "dns_names": sorted(described.dns_names),
        "ip_addresses": sorted(described.ip_addresses),
        "usage": sorted(described.usage),
        "key": _key(described.key),
        "not_after": f"{not_after:%Y-%m-%d}",
    }


def _authority_facts(wanted: Authority, now: datetime.datetime) -> dict[str, t.Any]:
    return {
        "subject": _subject(wanted.subject),
        "key": _key(wanted.key),
        "not_after": f"{now + datetime.timedelta(days=wanted.valid_days):%Y-%m-%d}",
    }


def _subject(subject: Subject) -> str:
    parts = [("CN", subject.common_name), ("O", subject.organization), ("OU", subject.organizational_unit)]
    return ", ".join(f"{name}={value}" for name, value in parts if value is not None)


def _key(key: KeyKind) -> str:
    return "EC P-256" if key.algorithm == "ec" else f"RSA {key.bits}"


def _unusable(what: str, where: str, hint: str) -> GroundworkError:
    return GroundworkError(what, where=where, untouched=UNTOUCHED, hint=hint, code=ErrorCode.AUTHORITY_UNUSABLE)
