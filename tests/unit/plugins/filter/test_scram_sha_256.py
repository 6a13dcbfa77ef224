"""The filter: the same string in every run, and never a salt that the password gave away."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.groundwork.databases.plugins.filter.scram_sha_256 import scram_sha_256
from ansible_collections.groundwork.databases.plugins.module_utils._pg import scram

SEED = "0123456789abcdef"


def test_same_input_same_secret() -> None:
    secret = scram_sha_256("password", user="app", seed=SEED)
    assert secret == scram_sha_256("password", user="app", seed=SEED)
    assert scram.matches("password", secret)


def test_salt_depends_on_user_and_seed_and_not_on_the_password() -> None:
    def salt(password: str, user: str, seed: str) -> bytes:
        parsed = scram.parse_secret(scram_sha_256(password, user=user, seed=seed))
        assert parsed is not None
        return parsed.salt

    assert salt("one", "app", SEED) == salt("other", "app", SEED)
    assert len({salt("one", "app", SEED), salt("one", "app2", SEED), salt("one", "app", SEED + "x")}) == 3


def test_given_salt_and_iterations() -> None:
    """The example of RFC 7677, whose salt and password give these keys."""
    secret = scram_sha_256("pencil", salt="W22ZaJ0SNY7soEsUEjb6gQ==", iterations=4096)
    assert secret == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
        ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"user": "app"},
        {"user": "app", "seed": "short"},
        {"salt": "not base64!"},
        {"salt": "YQ=="},
        {"user": "app", "seed": SEED, "iterations": 0},
    ],
)
def test_refusals(arguments: dict[str, object]) -> None:
    with pytest.raises(AnsibleFilterError):
        scram_sha_256("password", **arguments)  # type: ignore[arg-type]


def test_no_password() -> None:
    with pytest.raises(AnsibleFilterError):
        scram_sha_256("", user="app", seed=SEED)
