<qgis version="3.22.0" styleCategories="Symbology|Fields|Forms">
  <pipe>
    <rasterrenderer type="paletted" opacity="1" alphaBand="-1" band="1">
      <colorPalette>
        <paletteEntry value="1" label="sunlit_snow" color="#7fd4f5" alpha="255"/>
        <paletteEntry value="2" label="shaded_snow" color="#3c7fc0" alpha="255"/>
        <paletteEntry value="3" label="veiled_snow" color="#c9b3e6" alpha="255"/>
        <paletteEntry value="4" label="land" color="#a98d5d" alpha="255"/>
        <paletteEntry value="5" label="shaded_land" color="#43392a" alpha="255"/>
        <paletteEntry value="6" label="water" color="#0b3d91" alpha="255"/>
        <paletteEntry value="7" label="cloud" color="#b9a7a7" alpha="255"/>
      </colorPalette>
    </rasterrenderer>
  </pipe>
  <blendMode>0</blendMode>
</qgis>
