"""Write what the panel says after a run."""


def run_lines(result, warnings, seconds, record):
    """Return the lines on a run, as rich text.

    Parameters
    ----------
    result
        What the program printed.
    warnings
        The warnings that the program printed.
    seconds
        Time that the run took.
    record
        The record of the new iteration; None if there is none.
    """
    number = result["iteration"]
    lines = [f"<b>Iteration {number}</b> took {seconds:.0f} s." if number else "The scene is prepared."]
    missing = result.get("classes_without_samples") or []
    if missing:
        lines.append(f"No sample yet: {', '.join(missing).replace('_', ' ')}.")
    if record is not None:
        lines += [record.stopping] if record.stopping else []
        warnings = [*warnings, *(each for each in record.warnings if each not in warnings)]
    return [*lines, *(f'<span style="color: #b05000">{escaped(each)}</span>' for each in warnings)]


def returned_text(made, earlier, kept):
    """Return the sentence after a return to an earlier iteration.

    Parameters
    ----------
    made
        Number of the new iteration.
    earlier
        Number of the iteration whose points were taken.
    kept
        File with the points before; None if the program left the points in their place.
    """
    text = f"Map {made} is shown, of the points of map {earlier}."
    return f"{text} {escaped(kept.name)} keeps the points before." if kept is not None else text


def escaped(text):
    """Return a text as rich text."""
    return text.replace("&", "&amp;").replace("<", "&lt;")
