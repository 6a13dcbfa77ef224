"""What exists next to the listed contents: reported, and left alone unless a purge option says otherwise."""

from __future__ import annotations

import typing as t

from . import defaults, grants, live, model, roles, settings


class Report:
    """Collects what is unmanaged. Roles and databases of the server itself are not worth telling."""

    def __init__(self, contents: model.Contents, cluster: live.Cluster) -> None:
        self._contents = contents
        self._cluster = cluster
        self._databases: dict[str, dict[str, t.Any]] = {}

    def add_database(
        self,
        database: model.Database,
        inside: live.Inside,
        schemas: dict[str, live.Schema],
        wanted_grants: dict[grants.Target, grants.Wish],
        missing: list[str],
    ) -> None:
        policy = self._contents.policy
        listed = {schema.name for schema in database.schemas} | {g.schema for g in database.grants}
        found = {
            "schemas": sorted(schemas.keys() - listed) if database.schemas else [],
            "extensions": sorted(inside.extensions.keys() - {e.name for e in database.extensions} - {"plpgsql"}),
            "grants": [] if policy.purge_grants else _grants(wanted_grants),
            "default_privileges": [] if policy.purge_default_privileges else self._defaults(database, inside),
            "settings": [] if policy.purge_settings else self._settings(database),
            "missing_objects": missing,
        }
        self._databases[database.name] = {name: value for name, value in found.items() if value}

    def _defaults(self, database: model.Database, inside: live.Inside) -> list[dict[str, t.Any]]:
        found = []
        for scope, listed in defaults.wishes(database, self._cluster.version).items():
            acl = defaults.in_force(scope, inside, self._cluster.version)
            for role, privileges in defaults.unlisted_holders(scope, acl, listed).items():
                creator, schema, kind = scope
                found.append({"creator": creator, "schema": schema, "on": kind, "role": role, "privileges": privileges})
        return found

    def _settings(self, database: model.Database) -> list[str]:
        if database.settings is None:
            return []
        return settings.unlisted(database.settings, self._cluster.settings.get((database.name, ""), {}))

    def result(self) -> dict[str, t.Any]:
        contents, cluster = self._contents, self._cluster
        listed_roles = {role.name for role in contents.roles}
        listed_databases = {database.name for database in contents.databases}
        found: dict[str, t.Any] = {
            "roles": sorted(
                name
                for name in cluster.roles.keys() - listed_roles - {cluster.session.name}
                if not name.startswith("pg_")
            )
            if contents.roles
            else [],
            "databases": sorted(
                database.name
                for database in cluster.databases.values()
                if database.name not in listed_databases | {"postgres"} and not database.is_template
            )
            if contents.databases
            else [],
            "in_databases": {name: value for name, value in self._databases.items() if value},
        }
        if not contents.policy.purge_memberships:
            found["memberships"] = [
                {"role": m.member, "member_of": m.role}
                for role in contents.roles
                for m in roles.unlisted_memberships(role, cluster)
            ]
        if not contents.policy.purge_settings:
            found["role_settings"] = {
                role.name: names
                for role in contents.roles
                if role.settings is not None
                and (names := settings.unlisted(role.settings, cluster.settings.get(("", role.name), {})))
            }
        return {name: value for name, value in found.items() if value}


def _grants(wanted_grants: dict[grants.Target, grants.Wish]) -> list[dict[str, t.Any]]:
    """One entry per kind, schema and role, however many objects it is about."""
    merged: dict[tuple[str, str, str], tuple[list[str], set[str]]] = {}
    for target, wish in wanted_grants.items():
        for role, privileges in grants.unlisted_holders(target, wish).items():
            objects, names = merged.setdefault((target.kind, target.schema, role), ([], set()))
            objects.append(target.identity)
            names.update(privileges)
    return [
        {"on": kind, "schema": schema, "role": role, "objects": objects, "privileges": sorted(names)}
        for (kind, schema, role), (objects, names) in merged.items()
    ]
