<qgis version="3.22.0" styleCategories="Symbology|Fields|Forms">
  <pipe>
    <rasterrenderer type="paletted" opacity="1" alphaBand="-1" band="1">
      <colorPalette>
        <paletteEntry value="1" label="background" color="#bb533a" alpha="255"/>
        <paletteEntry value="2" label="low_clouds" color="#d2d2d2" alpha="255"/>
        <paletteEntry value="3" label="high_clouds" color="#ff7bb8" alpha="255"/>
        <paletteEntry value="4" label="clouds_shadows" color="#0a0a0a" alpha="255"/>
        <paletteEntry value="5" label="land" color="#009738" alpha="255"/>
        <paletteEntry value="6" label="water" color="#008ed0" alpha="255"/>
        <paletteEntry value="7" label="snow" color="#4d4d4d" alpha="255"/>
      </colorPalette>
    </rasterrenderer>
  </pipe>
  <blendMode>0</blendMode>
</qgis>
