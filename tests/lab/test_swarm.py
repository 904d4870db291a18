"""A swarm whose every host is a node. Its name comes last: see below."""

from __future__ import annotations

import os

from tests.lab.composed import Lab, docker, experiment, wait_until
from tests.support.checkout import CHECKOUT

# An engine that leaves a swarm can forget how to resolve names for containers that run meanwhile
# (seen with 20.10), so that the lab's other tests have to be over by then.


def test_a_stack_on_a_swarm_has_a_node_per_host(quiet_lab: Lab) -> None:
    lab = quiet_lab
    status, answer = lab.ask("/api/nodes", method="POST", body=b'{"name": "swarm", "group": true}')
    assert status == 201, answer
    own = {
        **os.environ,
        "PARLAB_REDIS": lab.redis_address,
        "PARLAB_JOIN": answer["join_token"],
        "PARLAB_NODE_IMAGE": f"{lab.environment['PARLAB_IMAGES']}-node-py313",
    }
    stack = f"{lab.project}stack"
    docker("swarm", "init", "--advertise-addr", "127.0.0.1")
    try:
        docker("stack", "deploy", "--compose-file", str(CHECKOUT / "docker-compose.node.yml"), stack, env=own)
        joined = wait_until(
            lambda: [n for n in lab.nodes().values() if n["name"].startswith("swarm--") and n["up"]],
            90,
            "a node of the swarm",
        )
        name = joined[0]["name"]
        found = lab.until_ended(
            lab.begin(experiment("swarm", blocks=3, nodes=f'[[node]]\nname = "{name}"')), 90
        )
        assert found["state"] == "done"
    finally:
        docker("stack", "rm", stack, check=False)
        wait_until(
            lambda: not docker("ps", "--all", "--quiet", "--filter", f"name={stack}").strip(),
            60,
            "the stack's end",
        )
        docker("swarm", "leave", "--force", check=False)
        volumes = docker("volume", "ls", "--quiet", "--filter", f"name={stack}").split()
        if volumes:
            wait_until(
                lambda: not docker("volume", "rm", "--force", *volumes, check=True).strip() or True, 10
            )
        docker("network", "rm", "docker_gwbridge", check=False)
        lab.ask("/api/nodes/swarm", method="DELETE")
