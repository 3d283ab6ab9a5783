"""Putting maps, places and step sizes in for arbitrary ones, in maps, sets and claims about them.

Binders (`UnionOver`, `MeanOf`, `ForAlmostAllSteps`) hide what they bind, and nothing that is put in may
hold a symbol that is bound where it is put.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proofs.errors import KernelError

from .claims import Claim
from .dynamics import Composed, Descent, Dynamics, OnPosition, Proximal, Pushed, Sheared
from .maps import (
    AnyPlace,
    AnyStep,
    At,
    Chosen,
    Contract,
    Entry,
    Fixed,
    Given,
    HessianDet,
    Join,
    Map,
    MeanOf,
    Opaque,
    ParameterBlock,
    Partial,
    Pick,
    Place,
    RankDet,
    Scaled,
    StepSize,
    Total,
    Unknown,
    maps_below,
    parts_of,
)
from .set_claims import (
    AlmostEverywhereAnalytic,
    AvoidsExceptional,
    ConstantEigenvalues,
    Exceptional,
    ForAlmostAllSteps,
    Independent,
    LocallyOneOf,
    NonSingular,
    NotWithin,
    Null,
    OuterAnalytic,
    PiecewiseAnalytic,
    Positive,
    SetClaim,
    Singular,
    SomewhereEqual,
    Within,
    symbols_in,
)
from .sets import (
    Boundary,
    Component,
    Either,
    Empty,
    HitsSingular,
    Interior,
    KinkLevel,
    Level,
    LevelSet,
    Meet,
    Region,
    SingularPoints,
    UnionOver,
    Whole,
    Without,
)

__all__ = ["check_images", "claim_with", "map_with", "region_with", "with_nodes", "with_parts"]

Images = Mapping[Any, Any]


def check_images(images: Images) -> None:
    """Refuses to put in anything that is not of the kind and shape of what it stands for."""
    for symbol, image in images.items():
        match symbol:
            case Given(extents=shape):
                fits = isinstance(image, Given | Fixed) and image.shape == shape
            case Unknown(extents=shape):
                fits = isinstance(image, Map) and (shape is None or image.shape == shape)
            case AnyPlace():
                fits = isinstance(image, Place)
            case AnyStep():
                fits = isinstance(image, StepSize)
            case _:
                fits = False
        if not fits:
            raise KernelError(f"expected to put something fitting in for {symbol!r}")


def with_parts(node: Map, parts: tuple[Map, ...], images: Images) -> Map:
    """The same operation on other maps, with places and step sizes put in."""
    match node:
        case Total():
            return Total(parts)
        case Join():
            return Join(parts)
        case Contract(pattern=pattern):
            return Contract(pattern, *parts)
        case At(place=place):
            return At(parts[0], images.get(place, place))
        case Pick(numbers=numbers, extents=extents):
            return Pick(parts[0], numbers, extents)
        case Scaled(factor=factor):
            return Scaled(factor, parts[0])
        case Entry(function=function):
            return Entry(function, parts[0])
        case Chosen(function=function, choices=choices):
            return Chosen(function, choices, parts[0])
        case Partial(name=name):
            return Partial(name, parts[0])
        case Opaque(name=name, extents=extents):
            return Opaque(name, parts[0], extents)
        case HessianDet(step=step):
            return HessianDet(parts[0], images.get(step, step))
        case RankDet():
            return RankDet(parts[0])
        case MeanOf(data=data):
            return MeanOf(data, parts[0])
        case ParameterBlock() | Given() | Fixed() | Unknown():
            return node
        case _:
            raise KernelError(f"no parts are known of {type(node).__name__}")


def with_nodes(root: Map, images: Images) -> Map:
    """The map with some of the maps that it is made of replaced, wherever they occur.

    Raises:
        KernelError: under a mean, whose data could be captured.
    """
    found: dict[Map, Map] = {}
    for node in maps_below(root):
        if isinstance(node, MeanOf):
            raise KernelError("expected no mean in a map whose parts are replaced")
        parts = tuple(found[part] for part in parts_of(node))
        found[node] = images.get(node) or (with_parts(node, parts, {}) if parts != parts_of(node) else node)
    return found[root]


def map_with(root: Map, images: Images) -> Map:
    """The map with images put in for symbols."""
    if not root.symbols & images.keys():
        return root
    found: dict[Map, Map] = {}
    for node in maps_below(root):
        if node in images:
            found[node] = images[node]
        elif not node.symbols & images.keys():
            found[node] = node
        elif isinstance(node, MeanOf):
            inside = _inside(images, node.data, node.body.symbols)
            found[node] = MeanOf(node.data, map_with(node.body, inside))
        else:
            found[node] = with_parts(node, tuple(found[part] for part in parts_of(node)), images)
    return found[root]


def _inside(images: Images, bound: tuple[Any, ...], symbols: frozenset[Any]) -> Images:
    """The images under a binder: without those of what it binds, refusing capture."""
    kept = {symbol: image for symbol, image in images.items() if symbol not in bound and symbol in symbols}
    for image in kept.values():
        held = image.symbols if isinstance(image, Map) else frozenset([image])
        if held & set(bound):
            raise KernelError("expected to put in nothing that is bound at that place")
    return kept


def _level(level: Level, images: Images) -> Level:
    if isinstance(level, KinkLevel):
        return KinkLevel(level.function, images.get(level.place, level.place))
    return level


def region_with(region: Region, images: Images) -> Region:
    """The set with images put in for symbols."""
    if not region.symbols & images.keys():
        return region
    match region:
        case SingularPoints(of=of):
            return SingularPoints(map_with(of, images))
        case Component(of=of, place=place):
            return Component(map_with(of, images), images.get(place, place))
        case LevelSet(of=of, level=level):
            return LevelSet(map_with(of, images), _level(level, images))
        case HitsSingular(outer=outer):
            return HitsSingular(map_with(outer, images))
        case Interior(of=inner):
            return Interior(region_with(inner, images))
        case Boundary(of=inner):
            return Boundary(region_with(inner, images))
        case Meet(left=left, right=right):
            return Meet(region_with(left, images), region_with(right, images))
        case Without(left=left, right=right):
            return Without(region_with(left, images), region_with(right, images))
        case Either(parts=parts):
            return Either(tuple(region_with(part, images) for part in parts))
        case UnionOver(place=place, of=inner):
            return UnionOver(place, region_with(inner, _inside(images, (place,), inner.symbols)))
        case Whole() | Empty():
            return region
        case _:
            raise KernelError(f"no parts are known of {type(region).__name__}")


def _dynamics(found: Dynamics, images: Images) -> Dynamics:
    match found:
        case Descent(loss=loss, step=step):
            return Descent(map_with(loss, images), images.get(step, step))
        case Proximal(loss=loss, step=step):
            return Proximal(map_with(loss, images), images.get(step, step))
        case Pushed(loss=loss, step=step, factor=factor):
            return Pushed(map_with(loss, images), images.get(step, step), factor)
        case OnPosition(of=of):
            return OnPosition(_dynamics(of, images))
        case Composed(parts=parts):
            return Composed(tuple(_dynamics(part, images) for part in parts))
        case Sheared():
            return found
        case _:
            raise KernelError(f"no parts are known of {type(found).__name__}")


def claim_with(claim: Claim, images: Images) -> Claim:
    """The claim with images put in for symbols; other claims speak of none and stay."""
    if not symbols_in(claim) & images.keys():
        return claim
    match claim:
        case Null(region=region):
            return Null(region_with(region, images))
        case Within(inner=inner, outer=outer):
            return Within(region_with(inner, images), region_with(outer, images))
        case NotWithin(inner=inner, outer=outer):
            return NotWithin(region_with(inner, images), region_with(outer, images))
        case AlmostEverywhereAnalytic(of=of):
            return AlmostEverywhereAnalytic(map_with(of, images))
        case OuterAnalytic(outer=outer, almost_everywhere=almost):
            return OuterAnalytic(map_with(outer, images), almost)
        case Positive(of=of, strict=strict):
            return Positive(map_with(of, images), strict)
        case Independent(of=of, block=block):
            return Independent(map_with(of, images), block)
        case NonSingular(of=of):
            return NonSingular(_dynamics(of, images))
        case Singular(of=of):
            return Singular(_dynamics(of, images))
        case Exceptional(loss=loss, step=step):
            return Exceptional(map_with(loss, images), images.get(step, step))
        case AvoidsExceptional(loss=loss, step=step):
            return AvoidsExceptional(map_with(loss, images), images.get(step, step))
        case ForAlmostAllSteps(step=step, claim=inner):
            return ForAlmostAllSteps(step, claim_with(inner, _inside(images, (step,), symbols_in(inner))))
        case LocallyOneOf() | SomewhereEqual() | ConstantEigenvalues() | PiecewiseAnalytic() | SetClaim():
            raise KernelError(f"expected no symbol in a claim of the kind {type(claim).__name__}")
        case _:
            return claim
