"""Check the names in a protocol against the masks.

A mistyped name would change the figures, and nothing would show it.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence

from alcd_otb.compare.finding import Reference
from alcd_otb.compare.protocol import Protocol
from alcd_otb.errors import ConfigurationError
from alcd_otb.masks.mask import COMMON_MEANINGS, Mask
from alcd_otb.settings.legend import Legend
from alcd_otb.text import did_you_mean

log = logging.getLogger(__name__)


def check_protocol(
    protocol: Protocol, legend: Legend, references: Sequence[Reference], products: Sequence[Mask]
) -> None:
    """Check the meanings and processors that a protocol names.

    A processor without a product is only a warning, since a protocol may be made for more processors than are
    compared.

    Parameters
    ----------
    protocol
        The protocol to check.
    legend
        Classes of the published reference masks. A protocol may name them whatever is compared.
    references, products
        The masks.

    Raises
    ------
    ConfigurationError
        If no mask has a meaning, and it is not common to all readers either.
    """
    every = frozenset((*COMMON_MEANINGS, *legend.names)).union(*map(_meanings, (*references, *products)))
    for key, names in {
        "positive.reference": protocol.positive.reference,
        "positive.product": protocol.positive.product,
        "exclude.reference": protocol.exclude.reference,
        "exclude.product": protocol.exclude.product,
    }.items():
        _check(protocol, key, names, every)
    by_processor: dict[str, frozenset[str]] = {}
    for product in products:
        by_processor[product.processor] = by_processor.get(product.processor, frozenset()) | product.meanings
    for processor, names in protocol.positive.processors.items():
        if processor in by_processor:
            _check(protocol, f"positive.processors.{processor}", names, by_processor[processor])
    _warn_of_absent("positive.processors", protocol.positive.processors, by_processor)
    _warn_of_absent("dilation.delivered", protocol.dilation.delivered, by_processor)


def _check(protocol: Protocol, key: str, names: Iterable[str], known: frozenset[str]) -> None:
    for name in names:
        if name not in known:
            raise ConfigurationError(
                f"protocol {protocol.name}: {key}: no mask has the class {name!r}{did_you_mean(name, known)}"
            )


def _warn_of_absent(key: str, named: Mapping[str, object], processors: Mapping[str, object]) -> None:
    for processor in named:
        if processor not in processors:
            log.warning("%s: there is no product of %s%s", key, processor, did_you_mean(processor, processors))


def _meanings(reference: Reference) -> frozenset[str]:
    if isinstance(reference, Mask):
        return reference.meanings
    return frozenset().union(*(labelled.means | {labelled.name} for labelled in reference.classes))
