"""Pair products with the references of the same acquisition.

Tile and time decide, never the order of files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from alcd_otb.compare.finding import Failure, Reference
from alcd_otb.errors import ConfigurationError
from alcd_otb.files.writing import checksum
from alcd_otb.masks.mask import Mask
from alcd_otb.masks.published_references import SUPERSEDED_FOLDER


@dataclass(frozen=True)
class ComparedScene:
    """A reference with the products of its acquisition, in the order of their processors."""

    name: str
    reference: Reference
    products: tuple[Mask, ...]


@dataclass(frozen=True)
class Pairing:
    """References and products, paired.

    Attributes
    ----------
    scenes
        References with at least one product, by name.
    references_alone, products_alone
        Masks without a partner.
    copies
        Second copies of a reference, which are left out.
    failures
        Products that could not be paired.
    """

    scenes: tuple[ComparedScene, ...]
    references_alone: tuple[Reference, ...]
    products_alone: tuple[Mask, ...]
    copies: tuple[Reference, ...]
    failures: tuple[Failure, ...]


def pair(references: Sequence[Reference], products: Sequence[Mask]) -> Pairing:
    """Pair references with products of the same tile whose times are less than an hour apart.

    Two products of one processor for one reference fail, since no figure would be that processor's. A product that
    shows the sky of two references of one processor fails, too.

    Raises
    ------
    ConfigurationError
        If two references of one acquisition and one processor differ.
    """
    kept, copies = _without_copies(references)
    partners = _find_partners(kept, products)
    failures = list(partners.failures)
    scenes, references_alone = [], []
    names = [reference.acquisition.name for reference in kept]
    for reference, name, of_reference in zip(kept, names, partners.by_reference, strict=True):
        scene = name if names.count(name) == 1 else f"{name}_{reference.processor}"
        compared, refused = _one_a_processor(scene, of_reference)
        failures += refused
        if compared:
            scenes.append(ComparedScene(scene, reference, compared))
        elif not refused:
            references_alone.append(reference)
    return Pairing(
        tuple(sorted(scenes, key=lambda scene: scene.name)),
        tuple(references_alone),
        tuple(partners.products_alone),
        tuple(copies),
        tuple(failures),
    )


class _Partners(NamedTuple):
    """The products of each reference, in the order of the references, and the products without a reference."""

    by_reference: list[list[Mask]]
    products_alone: list[Mask]
    failures: list[Failure]


def _find_partners(references: Sequence[Reference], products: Sequence[Mask]) -> _Partners:
    partners = _Partners([[] for _ in references], [], [])
    for product in products:
        fitting = [
            index
            for index, reference in enumerate(references)
            if reference.acquisition.shows_same_sky_as(product.acquisition)
            and not set(reference.files) & set(product.files)
        ]
        processors = [references[index].processor for index in fitting]
        if not fitting:
            partners.products_alone.append(product)
        elif len(set(processors)) < len(processors):
            listed = ", ".join(str(references[index].path) for index in fitting)
            error = ConfigurationError(
                f"{product.path}: its name contains only the day, and several references are of that day ({listed}); "
                "give it a name with the time"
            )
            partners.failures.append(Failure(product.path, error, processor=product.processor))
        else:
            for index in fitting:
                partners.by_reference[index].append(product)
    return partners


def _one_a_processor(scene: str, products: list[Mask]) -> tuple[tuple[Mask, ...], list[Failure]]:
    """Keep the only product of each processor; several products of one processor fail."""
    by_processor: dict[str, list[Mask]] = {}
    for product in products:
        by_processor.setdefault(product.processor, []).append(product)
    kept, failures = [], []
    for processor, several in sorted(by_processor.items()):
        if len(several) == 1:
            kept.append(several[0])
            continue
        listed = ", ".join(str(product.path) for product in several)
        error = ConfigurationError(
            f"{scene}: there are {len(several)} products of {processor} ({listed}); keep one, or tell releases "
            "apart by a label, LABEL=FOLDER"
        )
        failures.append(Failure(several[0].path, error, scene, processor))
    return tuple(kept), failures


class _Sorted(NamedTuple):
    kept: list[Reference]
    copies: list[Reference]


def _without_copies(references: Sequence[Reference]) -> _Sorted:
    """Keep one reference of those of one acquisition and one processor.

    They must be the same, or one of them superseded.
    """
    kept: list[Reference] = []
    copies: list[Reference] = []
    for reference in sorted(references, key=_is_superseded):
        twin = next((other for other in kept if _is_twin(other, reference)), None)
        if twin is None:
            kept.append(reference)
        elif _is_superseded(reference) or checksum(twin.files[0]) == checksum(reference.files[0]):
            copies.append(reference)
        else:
            raise ConfigurationError(
                f"{reference.path} and {twin.path}: are two references of {reference.acquisition.name} that differ; "
                "name only one of them"
            )
    return _Sorted(kept, copies)


def _is_twin(reference: Reference, other: Reference) -> bool:
    same_processor = reference.processor == other.processor
    return same_processor and reference.acquisition.shows_same_sky_as(other.acquisition)


def _is_superseded(reference: Reference) -> bool:
    return SUPERSEDED_FOLDER in reference.path.absolute().parts
