"""Find damaged files of products before they are decoded."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from alcd_otb.products.checksums import Checksums
from alcd_otb.products.codestream import check_codestream
from alcd_otb.products.jpeg2000 import check_complete
from alcd_otb.products.refusals import damaged
from otb_pipelines.process import gdal


def check_files(paths: Iterable[str], threads: int) -> None:
    """Check all bytes of JPEG 2000 files, and their checksums where the product or its zip archive states any.

    Nothing is decoded. Each file is read once.

    Parameters
    ----------
    paths
        The files, by the paths that GDAL opens.
    threads
        Files that are read at the same time.

    Raises
    ------
    ProductError
        A file is absent, cut off or damaged. The message names the first such file.
    """
    with ThreadPoolExecutor(threads, "checking") as pool:
        for _ in pool.map(check_file, paths):
            pass


def check_file(path: str) -> None:
    """Check one file, as `check_files` does."""
    check_complete(path)
    checksums = Checksums.of(path, gdal.VSIStatL(path).size)
    check_codestream(path, checksums.update)
    problem = checksums.problem()
    if problem is not None:
        raise damaged(path, problem)
