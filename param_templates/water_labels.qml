<qgis version="3.22.0" styleCategories="Symbology|Fields|Forms">
  <pipe>
    <rasterrenderer type="paletted" opacity="1" alphaBand="-1" band="1">
      <colorPalette>
        <paletteEntry value="1" label="clear_water" color="#0b4f9e" alpha="255"/>
        <paletteEntry value="2" label="turbid_water" color="#3fb6c8" alpha="255"/>
        <paletteEntry value="3" label="shadowed_water" color="#6a4fb3" alpha="255"/>
        <paletteEntry value="4" label="land" color="#8fbf6b" alpha="255"/>
        <paletteEntry value="5" label="shaded_land" color="#3d4a2f" alpha="255"/>
        <paletteEntry value="6" label="snow" color="#c9e4ff" alpha="255"/>
        <paletteEntry value="7" label="cloud" color="#b9a7a7" alpha="255"/>
      </colorPalette>
    </rasterrenderer>
  </pipe>
  <blendMode>0</blendMode>
</qgis>
