"""Find the classes without a sample, and ask for samples."""

from collections.abc import Iterable, Sequence

from alcd_otb.settings.legend import Legend


def unlabelled_classes(labelled: Iterable[str], legend: Legend) -> tuple[str, ...]:
    """List the names of the classes that have no sample, in the order of the legend.

    Parameters
    ----------
    labelled
        Names of the classes that have samples.
    legend
        The classes.
    """
    known = set(labelled)
    return tuple(name for name in legend.names if name not in known)


def request(unlabelled: Sequence[str]) -> str:
    """Ask for samples of classes that have none. Empty if every class has one.

    Parameters
    ----------
    unlabelled
        Names of the classes without a sample.
    """
    if not unlabelled:
        return ""
    of_each = "one of each" if len(unlabelled) > 1 else "one"
    return f"no sample of {', '.join(unlabelled)}: label {of_each} if the scene has any"
