"""Claims about sharpness, the largest eigenvalue of the Hessian: one true, two plausible and false."""

from gradlemma import claim
from gradlemma.claims import absolute


@claim(losses=["half_mse"], max_depth=1, bias=None)
def self_bounding_of_one_layer(network, weights, data):
    """||grad L||^2 <= 2 sharpness L for a linear model: L is a quadratic function and L >= 0."""
    bound = 2 * network.sharpness(weights, data) * network.loss(weights, data)
    return network.gradient_norm(weights, data) ** 2 - bound


@claim(losses=["half_mse"], activations=["identity", "relu", "tanh"])
def self_bounding(network, weights, data):
    """The same for networks of any depth, with the sharpness at the point: false."""
    bound = 2 * network.sharpness(weights, data) * network.loss(weights, data)
    return network.gradient_norm(weights, data) ** 2 - bound


@claim(losses=["half_mse"], activations=["relu"], min_depth=2, max_depth=2)
def sharpness_survives_rescaling(network, weights, data):
    """The sharpness of a ReLU network does not change under (2 W1, W2 / 2), as its loss does not: false."""
    moved = weights.scaled("W1", 2).scaled("W2", 0.5)
    return absolute(network.sharpness(moved, data) - network.sharpness(weights, data)) - 1e-9
