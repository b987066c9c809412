"""Which product shows the sky of which reference: by tile and time, never by the order of files."""

from collections.abc import Sequence
from dataclasses import dataclass

from alcd_otb.compare.finding import Failure, Reference
from alcd_otb.errors import ConfigurationError
from alcd_otb.masks.mask import Mask
from alcd_otb.masks.published_references import SUPERSEDED_FOLDER
from alcd_otb.workspace import checksum


@dataclass(frozen=True)
class ComparedScene:
    """A reference with the products of its acquisition, in the order of their processors."""

    name: str
    reference: Reference
    products: tuple[Mask, ...]


@dataclass(frozen=True)
class Pairing:
    """scenes: those with a product. The others are without a partner, or a second copy of a reference."""

    scenes: tuple[ComparedScene, ...]
    references_alone: tuple[Reference, ...]
    products_alone: tuple[Mask, ...]
    copies: tuple[Reference, ...]
    failures: tuple[Failure, ...]


def pair(references: Sequence[Reference], products: Sequence[Mask]) -> Pairing:
    """Pair references with products of the same tile whose times are less than an hour apart.

    Two products of one processor for one reference fail, since no figure would be that processor's; so does a product
    that shows the sky of two references.

    Raises ConfigurationError where two references differ and are of one acquisition and one making.
    """
    kept, copies = _without_copies(references)
    failures: list[Failure] = []
    partners: dict[int, list[Mask]] = {index: [] for index in range(len(kept))}
    alone = []
    for product in products:
        fitting = [
            index
            for index, reference in enumerate(kept)
            if reference.acquisition.shows_same_sky_as(product.acquisition)
            and not set(reference.files) & set(product.files)
        ]
        makers = [kept[index].processor for index in fitting]
        if not fitting:
            alone.append(product)
        elif len(set(makers)) < len(makers):
            listed = ", ".join(str(kept[index].path) for index in fitting)
            error = ConfigurationError(
                f"{product.path}: its name tells only the day, on which there are several references ({listed}); "
                "give it a name that tells the time"
            )
            failures.append(Failure(product.path, error, processor=product.processor))
        else:
            for index in fitting:
                partners[index].append(product)
    scenes, without = [], []
    names = [reference.acquisition.name for reference in kept]
    for index, reference in enumerate(kept):
        name = names[index] if names.count(names[index]) == 1 else f"{names[index]}_{reference.processor}"
        own, refused = _one_a_processor(name, partners[index])
        failures += refused
        if own:
            scenes.append(ComparedScene(name, reference, own))
        elif not refused:
            without.append(reference)
    return Pairing(
        tuple(sorted(scenes, key=lambda scene: scene.name)),
        tuple(without),
        tuple(alone),
        tuple(copies),
        tuple(failures),
    )


def _one_a_processor(scene: str, products: list[Mask]) -> tuple[tuple[Mask, ...], list[Failure]]:
    by_processor: dict[str, list[Mask]] = {}
    for product in products:
        by_processor.setdefault(product.processor, []).append(product)
    kept, failures = [], []
    for processor, several in sorted(by_processor.items()):
        if len(several) == 1:
            kept.append(several[0])
            continue
        listed = ", ".join(str(one.path) for one in several)
        error = ConfigurationError(
            f"{scene}: there are {len(several)} products of {processor} ({listed}); keep one, or tell releases "
            "apart by a label, LABEL=FOLDER"
        )
        failures.append(Failure(several[0].path, error, scene, processor))
    return tuple(kept), failures


def _without_copies(references: Sequence[Reference]) -> tuple[list[Reference], list[Reference]]:
    """(references, copies): of one acquisition and making one is kept, if all are the same or one is superseded."""
    kept: list[Reference] = []
    copies: list[Reference] = []
    for reference in sorted(references, key=_is_superseded):
        twin = next((one for one in kept if _is_twin(one, reference)), None)
        if twin is None:
            kept.append(reference)
        elif _is_superseded(reference) or checksum(twin.files[0]) == checksum(reference.files[0]):
            copies.append(reference)
        else:
            raise ConfigurationError(
                f"{reference.path} and {twin.path}: are two references of {reference.acquisition.name} that differ; "
                "name only one of them"
            )
    return kept, copies


def _is_twin(one: Reference, other: Reference) -> bool:
    return one.processor == other.processor and one.acquisition.shows_same_sky_as(other.acquisition)


def _is_superseded(reference: Reference) -> bool:
    return SUPERSEDED_FOLDER in reference.path.absolute().parts
