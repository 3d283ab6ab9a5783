"""The search for counterexamples: instances of BND-1 a second beside one at a time, and a whole run.

Run:  python benchmarks/bench_refute.py
The peer draws one instance an example with Hypothesis and computes gradient norm and sharpness by autograd.
"""

from __future__ import annotations

import platform
import time
from dataclasses import replace
from fractions import Fraction

import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gradlemma.refute import refute, registered
from numerics.evaluate import mean_loss
from numerics.search.attacks.bnd1 import Bnd1
from numerics.search.examine import POWER_STEPS
from numerics.search.network_target import BoxTarget
from numerics.search.outcome import PROFILES
from numerics.search.settings import NetworkSetting
from numerics.threads import threads_for
from proofs.network import Dense, Loss, Network
from proofs.theorems.bounds import Box

BATCH = 512
ROUNDS = 5
LOOP = 60
NETWORKS = {
    "3-4-2 tanh": Network.of(3, Dense(4), "tanh", Dense(2)),
    "8-10-6-4 relu": Network.of(8, Dense(10), "relu", Dense(6), "relu", Dense(4)),
}


def setting_of(network: Network) -> NetworkSetting:
    one = Fraction(1)
    dense = [layer for layer in network.layers if isinstance(layer, Dense)]
    return NetworkSetting(
        network, Loss.CROSS_ENTROPY, Box((one,) * len(dense), (one,) * len(dense)), one, None, 3, 0
    )


def batched(network: Network) -> float:
    """Instances a second: draws, directions by power iteration, both margins."""
    target = Bnd1().prepare(setting_of(network))
    with threads_for(0):
        count, start = 0, time.perf_counter()
        for round_ in range(ROUNDS):
            generator = torch.Generator().manual_seed(round_)
            for quantity in target.quantities:
                batch = target.draw(generator, BATCH, quantity)
                batch = target.refresh(batch, quantity, POWER_STEPS)
                with torch.no_grad():
                    target.margins(batch, quantity)
            count += BATCH
        return count / (time.perf_counter() - start)


def bound(target: BoxTarget, name: str) -> float:
    """The proved number."""
    value = target.by_name[name].right.constant()
    return int(value.p) / int(value.q)


def looped(network: Network) -> float:
    """Instances a second: an example each, for which the bounds are derived, as a plain test does."""
    setting = setting_of(network)
    done: list[float] = []

    @given(st.integers(0, 2**32 - 1))
    @settings(
        max_examples=LOOP, deadline=None, database=None, suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )  # fmt: skip
    def example(seed: int) -> None:
        target = Bnd1().prepare(replace(setting, seed=seed))
        batch = target.draw(torch.Generator().manual_seed(seed), 1, "G_max")
        theta, x, y = target.sharing.flat(batch, "")[0], batch["x"][0], batch["y"][0]
        loss = lambda point: mean_loss(network, Loss.CROSS_ENTROPY, point, x, y)  # noqa: E731
        gradient = torch.func.grad(loss)(theta).norm()
        sharpness = torch.linalg.eigvalsh(torch.func.hessian(loss)(theta)).abs().max()
        assert float(gradient) <= bound(target, "G_max") * (1 + 1e-9)
        assert float(sharpness) <= bound(target, "H_max") * (1 + 1e-9)
        done.append(1.0)

    with threads_for(0):
        start = time.perf_counter()
        example()
        return len(done) / (time.perf_counter() - start)


def main() -> None:
    print(f"{platform.processor() or platform.machine()}, torch {torch.__version__}, one thread")
    print("BND-1, instances per second     batched   one at a time   ratio")
    for name, network in NETWORKS.items():
        fast, slow = batched(network), looped(network)
        size = f"{name:>16} ({network.parameter_count:3d} parameters)"
        print(f"{size}  {fast:9.0f} {slow:15.1f} {fast / slow:7.0f}")
    start = time.perf_counter()
    found = refute(registered([], None), PROFILES["ci"], profile="ci")
    elapsed = time.perf_counter() - start
    count = sum(outcome.instances for outcome in found.outcomes)
    print(f"refute, everything registered, profile ci: {elapsed:.1f} s, {count} instances")
    for outcome in found.outcomes:
        print(f"  {outcome.statement:20} {outcome.elapsed_s:6.1f} s  {outcome.sentence()}")


if __name__ == "__main__":
    main()
