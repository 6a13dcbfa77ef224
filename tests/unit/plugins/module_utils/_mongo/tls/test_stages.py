"""The stages to TLS and back: at every moment each member understands what its neighbours send."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.tls import stages

ALL = [stages.Stage(*pair) for pair in itertools.product(stages.MODES, stages.CLUSTER_AUTH_MODES)]
POSSIBLE = [stage for stage in ALL if stages.contradiction(stage) is None]


def talks_to(sender: stages.Stage, receiver: stages.Stage) -> bool:
    encrypted = stages.MODES.index(sender.mode) >= stages.OUTGOING
    accepts = receiver.mode != "disabled" if encrypted else receiver.mode != "requireTLS"
    certificate = stages.CLUSTER_AUTH_MODES.index(sender.cluster_auth_mode) >= stages.SENDS_CERTIFICATE
    knows = receiver.cluster_auth_mode != "keyFile" if certificate else receiver.cluster_auth_mode != "x509"
    return accepts and knows


@pytest.mark.parametrize(("now", "wanted"), list(itertools.product(POSSIBLE, POSSIBLE)))
def test_neighbouring_stages_understand_each_other(now: stages.Stage, wanted: stages.Stage) -> None:
    way = stages.path(now, wanted)
    assert way[-1] == wanted
    for before, after in itertools.pairwise([now, *way]):
        assert stages.contradiction(after) is None
        assert talks_to(before, after) and talks_to(after, before), (before, after)


def test_the_manuals_way() -> None:
    way = stages.path(stages.Stage("disabled", "keyFile"), stages.Stage("requireTLS", "x509"))
    assert way == [("allowTLS", "sendKeyFile"), ("preferTLS", "sendX509"), ("requireTLS", "x509")]
    here = stages.Stage("requireTLS", "x509")
    assert stages.path(here, here) == [here]


def test_what_a_running_server_does_by_itself() -> None:
    allow, prefer = stages.Stage("allowTLS", "sendKeyFile"), stages.Stage("preferTLS", "sendX509")
    assert stages.commands(allow, prefer) == [
        {"setParameter": 1, "tlsMode": "preferTLS"},
        {"setParameter": 1, "clusterAuthMode": "sendX509"},
    ]
    assert stages.commands(prefer, allow) is None
    assert stages.commands(stages.Stage("disabled", "keyFile"), allow) is None
    assert stages.commands(allow, allow) == []


def test_a_stage_that_another_member_would_not_understand_is_known() -> None:
    for one, other in itertools.product(POSSIBLE, POSSIBLE):
        assert stages.understand(one, other) is (talks_to(one, other) and talks_to(other, one)), (one, other)
