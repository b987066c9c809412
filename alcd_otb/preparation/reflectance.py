"""The radiometry of bands: how digital numbers become reflectance."""

from alcd_otb.preparation.inputs import Inputs
from alcd_otb.products.stack import Stack
from alcd_otb.settings.band_names import date_and_band
from otb_pipelines.reading import Radiometry


def radiometry_of(inputs: Inputs, name: str) -> Radiometry:
    """Choose scale and offset of a band.

    For a product, reflectance = (DN + RADIO_ADD_OFFSET) / QUANTIFICATION_VALUE (Sentinel-2 product specification). For
    a stack, its file gives both. With the template's radiometry ``digital_number``, values stay as they are.

    Parameters
    ----------
    inputs
        The images of the scene, and the template.
    name
        The name of the band in the template, such as ``clear.B02``.
    """
    product = inputs.product_of(name)
    if inputs.template.radiometry == "digital_number":
        return Radiometry(1.0, 0.0, product.no_data)
    if isinstance(product, Stack):
        band = product.band(date_and_band(name).band)
        return Radiometry(band.scale, band.offset, product.no_data)
    return Radiometry(1 / product.quantification, inputs.band(name).offset / product.quantification, product.no_data)
