"""The files that a cluster should have, and everything that is wrong with what was asked for."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

from ..hba import check as hba_check
from ..hba import files as hba_files
from ..settings import check, presets, values
from ..settings.catalogue import Catalogue
from ..settings.check import Effective
from . import conf_file
from .declared import PRESET_FILE, USER_FILE, Cluster
from .host import Host, disk_size, segment_size
from .live import Live

PURPOSES = {
    PRESET_FILE: "What follows from the machine and from what the server is for.",
    USER_FILE: "What the user decided; it has the last word.",
}


@dataclasses.dataclass(frozen=True)
class File:
    """A file as it should be; ``shown`` is the same without secrets."""

    text: str
    shown: str
    mode: int = 0o640


@dataclasses.dataclass
class Desired:
    """:param effective: the value that counts of each setting that files say, with the file that says it.
    :param overrides: settings that are said more than once, differently: who wins over whom.
    :param errors: reasons to refuse all of it.
    """

    files: dict[Path, File] = dataclasses.field(default_factory=dict)
    effective: dict[str, Effective] = dataclasses.field(default_factory=dict)
    overrides: list[dict[str, str]] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)
    errors: list[str] = dataclasses.field(default_factory=list)


class Context(t.NamedTuple):
    """What is the same for every cluster of the host."""

    catalogue: Catalogue
    host: Host
    superuser: str
    owner: str


def build(cluster: Cluster, live: Live, share: float, context: Context) -> Desired:
    """:param share: percent of the host's memory."""
    desired = Desired()
    catalogue = context.catalogue.with_live(live.server.definitions) if live.server else context.catalogue
    texts = _checked(cluster, catalogue, _with_preset(cluster, share, context), desired)
    for name, said in texts.items():
        text = conf_file.render(said, PURPOSES.get(name, ""))
        desired.files[cluster.drop_ins / f"{name}.conf"] = File(text, conf_file.shown(text))
    layers = _layers(cluster, live, texts)
    _decide(catalogue, layers, desired)
    for finding in check.contradictions(catalogue, desired.effective, segment_size(cluster.wal)):
        desired.errors.append(f"{finding.name}: {finding.reason}")
    _check_memory(catalogue, context.host, desired)
    _check_includes(cluster, live, desired)
    _access(cluster, catalogue, context, desired)
    return desired


def _with_preset(cluster: Cluster, share: float, context: Context) -> dict[str, dict[str, t.Any]]:
    if not cluster.purpose:
        return cluster.files
    said = [found for file in cluster.files.values() for name, found in file.items() if name == "max_connections"]
    connections = int(said[-1]) if said and str(said[-1]).isdigit() and int(said[-1]) > 0 else None
    machine = presets.Machine(
        memory=int(context.host.memory * share / 100),
        cpus=context.host.cpus,
        disk=cluster.disk,
        disk_size=disk_size(cluster.wal),
        shm=context.host.shm,
        segment=segment_size(cluster.wal),
    )
    preset = presets.preset(cluster.purpose, machine, connections)
    return dict(sorted({**cluster.files, PRESET_FILE: preset}.items()))


def _checked(
    cluster: Cluster, catalogue: Catalogue, files: dict[str, dict[str, t.Any]], desired: Desired
) -> dict[str, dict[str, str]]:
    """Texts by file; a setting that a later file takes back with null is in none of them."""
    texts: dict[str, dict[str, str]] = {}
    for file, settings in files.items():
        texts[file], findings = check.check(catalogue, settings, may_place=file != USER_FILE)
        desired.errors += [f"{file}: {finding.name}: {finding.reason}" for finding in findings]
        taken_back = {name.lower() for name, value in settings.items() if value is None}
        for earlier in list(texts)[:-1]:
            for name in [name for name in texts[earlier] if name.lower() in taken_back]:
                text = texts[earlier].pop(name)
                desired.overrides.append(
                    {
                        "setting": name,
                        "value": "(the server's default)",
                        "from": file,
                        "instead_of": text,
                        "of": earlier,
                    }
                )
    return {file: said for file, said in texts.items() if said}


class _Layer(t.NamedTuple):
    source: str
    entries: list[conf_file.Entry]


def _layers(cluster: Cluster, live: Live, texts: dict[str, dict[str, str]]) -> list[_Layer]:
    """Everything that says settings, in the order in which the server reads it."""
    ours = {cluster.drop_ins / f"{name}.conf": said for name, said in texts.items()}
    drop_ins = []
    for path in sorted({*ours, *live.foreign}, key=lambda path: path.name):
        if path in ours:
            entries = [conf_file.Entry(name.lower(), text, 0) for name, text in ours[path].items()]
        else:
            entries = conf_file.parse(live.foreign[path])
        drop_ins.append(_Layer(str(path), entries))
    main = conf_file.parse(live.main_file)
    main_path = str(cluster.config / "postgresql.conf")
    at = next((i for i, entry in enumerate(main) if _includes_ours(cluster, entry)), len(main))
    return [
        _Layer(main_path, main[:at]),
        *drop_ins,
        _Layer(main_path, main[at + 1 :]),
        _Layer(str(cluster.data / "postgresql.auto.conf"), conf_file.parse(live.auto_file)),
    ]


def _includes_ours(cluster: Cluster, entry: conf_file.Entry) -> bool:
    return entry.name == "include_dir" and cluster.config / entry.text == cluster.drop_ins


def _decide(catalogue: Catalogue, layers: list[_Layer], desired: Desired) -> None:
    """The last word on each setting, and who lost against it."""
    ours = {str(path) for path in desired.files}
    for layer in layers:
        for entry in layer.entries:
            before = desired.effective.get(entry.name)
            desired.effective[entry.name] = Effective(entry.text, layer.source)
            if before and before.source in ours and before.source != layer.source:
                setting = catalogue.get(entry.name)
                if values.meaning(setting, before.text) != values.meaning(setting, entry.text):
                    _note_override(entry, before, layer.source, ours, desired)


def _note_override(entry: conf_file.Entry, before: Effective, source: str, ours: set[str], desired: Desired) -> None:
    value, lost = check.hidden(entry.name, entry.text), check.hidden(entry.name, before.text)
    found = {"setting": entry.name, "value": value, "from": source, "instead_of": lost, "of": before.source}
    desired.overrides.append(found)
    if source in ours:
        return
    if source.endswith("postgresql.auto.conf"):
        hint = f"set by ALTER SYSTEM; run ALTER SYSTEM RESET {entry.name}, or say the same value here"
    else:
        hint = "written by somebody else; take it out there, or say the same value here"
    desired.warnings.append(
        f"{entry.name} = {value} of {source} wins over {lost} of {Path(before.source).name}: {hint}."
    )


def _check_memory(catalogue: Catalogue, host: Host, desired: Desired) -> None:
    said = desired.effective.get("shared_buffers")
    setting = catalogue.get("shared_buffers")
    if not said or not setting:
        return
    pages = values.meaning(setting, said.text)
    if isinstance(pages, float) and pages * 8 / 1024 > host.memory * 0.9:
        desired.errors.append(
            f"shared_buffers: {said.text} ({Path(said.source).name}) is more than nine tenths of this host's "
            f"{host.memory}MB, so the server would not start or be killed"
        )


def _check_includes(cluster: Cluster, live: Live, desired: Desired) -> None:
    if live.main_file and not any(_includes_ours(cluster, entry) for entry in conf_file.parse(live.main_file)):
        desired.errors.append(
            f"{cluster.config / 'postgresql.conf'} does not read the drop-ins; "
            "add the line include_dir = 'conf.d' at its end"
        )


def _access(cluster: Cluster, catalogue: Catalogue, context: Context, desired: Desired) -> None:
    lines = list(cluster.ident or ())
    for number, line in enumerate(lines, 1):
        if "\n" in "".join(map(str, line.values())):
            desired.errors.append(f"line {number} of ident holds a line break")
    if cluster.ident is not None:
        text = hba_files.ident_text(lines)
        desired.files[cluster.ident_file] = File(text, text)
    if cluster.hba is None:
        return
    wanted = cluster.hba
    rules = [*wanted.extra, *wanted.own]
    if wanted.layered:
        rules = hba_files.layered(
            context.superuser, wanted.extra, wanted.own, wanted.client_networks, wanted.require_tls
        )
    ssl = desired.effective.get("ssl")
    around = hba_check.Surroundings(
        superuser=context.superuser,
        owner=context.owner,
        ssl=values.meaning(catalogue.get("ssl"), ssl.text if ssl else "off") is True,
        require_tls=wanted.require_tls,
    )
    found = hba_check.check(rules, around, lines)
    desired.errors += [f"{cluster.hba_file.name}: {error}" for error in found.errors]
    desired.warnings += [f"{cluster.hba_file.name}: {warning}." for warning in found.warnings]
    desired.files[cluster.hba_file] = File(hba_files.hba_text(rules), hba_files.hba_text(rules, hide=True))
