"""Train the two digit classifiers that `digits_mlp.yaml` and `digits_relu.yaml` refer to.

Run `python examples/train_digits.py`.  Each network 64-32-16-10 is trained on all 1797 digits of
scikit-learn, pixels divided by 16, by full-batch AdamW on the softmax cross-entropy in float64 with
a fixed seed; weight decay keeps the spectral norms moderate.  The tensors W1, b1, W2, ... are saved
as float64 beside this script.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from safetensors.torch import save_file
from sklearn.datasets import load_digits

HERE = Path(__file__).resolve().parent
WIDTHS = (64, 32, 16, 10)
STEPS = 400
LEARNING_RATE = 1e-2
WEIGHT_DECAY = 2.0
ACTIVATIONS = {"digits_mlp": torch.nn.Tanh, "digits_relu": torch.nn.ReLU}


def network(activation: type[torch.nn.Module]) -> torch.nn.Sequential:
    """A network of `WIDTHS` with the activation between its dense layers."""
    layers: list[torch.nn.Module] = []
    for incoming, width in pairwise(WIDTHS):
        layers += [torch.nn.Linear(incoming, width), activation()]
    return torch.nn.Sequential(*layers[:-1])


def train(model: torch.nn.Sequential, x: torch.Tensor, y: torch.Tensor) -> float:
    """Full-batch AdamW; returns the fraction of training digits classified correctly."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    for _ in range(STEPS):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        return float((model(x).argmax(1) == y).double().mean())


def tensors(model: torch.nn.Sequential) -> dict[str, torch.Tensor]:
    """The parameters under the names W1, b1, W2, ..."""
    found: dict[str, torch.Tensor] = {}
    dense = [layer for layer in model if isinstance(layer, torch.nn.Linear)]
    for number, layer in enumerate(dense, start=1):
        found[f"W{number}"] = layer.weight.detach().contiguous()
        found[f"b{number}"] = layer.bias.detach().contiguous()
    return found


def main() -> None:
    """Train and save both networks, and print accuracy and spectral norms."""
    torch.set_default_dtype(torch.float64)
    torch.use_deterministic_algorithms(True)
    data, labels = load_digits(return_X_y=True)
    x, y = torch.tensor(data) / 16, torch.tensor(labels)
    for name, activation in ACTIVATIONS.items():
        torch.manual_seed(0)
        model = network(activation)
        accuracy = train(model, x, y)
        found = tensors(model)
        save_file(found, HERE / f"{name}.safetensors")
        norms = [f"{torch.linalg.matrix_norm(w, 2):.3f}" for k, w in found.items() if k[0] == "W"]
        print(f"{name}: training accuracy {accuracy:.4f}, spectral norms {', '.join(norms)}")


if __name__ == "__main__":
    main()
