"""Claims about one step of gradient descent and about rescaling."""

from gradlemma import claim
from gradlemma.claims import maximum


@claim(losses=["half_mse"], activations=["identity", "tanh"], max_depth=2)
def descent_with_the_sharpness_at_the_point(network, weights, data):
    """A step of size 1 / max(1, sharpness) does not increase the loss: false.

    It holds where L is quadratic; here the sharpness grows along the step.
    """
    step = 1 / maximum(network.sharpness(weights, data), 1)
    moved = weights - step * network.gradient(weights, data)
    return network.loss(moved, data) - network.loss(weights, data)


@claim(losses=["half_mse"], activations=["relu"], min_depth=2, max_depth=3)
def relu_loss_survives_rescaling(network, weights, data):
    """The loss of a ReLU network without biases does not change under (2 W1, W2 / 2)."""
    moved = weights.scaled("W1", 2).scaled("W2", 0.5)
    return (network.loss(moved, data) - network.loss(weights, data)) ** 2 - 1e-18
