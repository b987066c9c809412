<qgis version="3.22.0" styleCategories="Symbology|Fields|Forms">
  <renderer-v2 type="categorizedSymbol" attr="class">
    <categories>
      <category symbol="0" value="sunlit_snow" label="sunlit_snow" render="true"/>
      <category symbol="1" value="shaded_snow" label="shaded_snow" render="true"/>
      <category symbol="2" value="veiled_snow" label="veiled_snow" render="true"/>
      <category symbol="3" value="land" label="land" render="true"/>
      <category symbol="4" value="shaded_land" label="shaded_land" render="true"/>
      <category symbol="5" value="water" label="water" render="true"/>
      <category symbol="6" value="cloud" label="cloud" render="true"/>
      <category symbol="7" value="" label="no class yet" render="true"/>
    </categories>
    <symbols>
      <symbol type="marker" alpha="1" clip_to_extent="1" name="0">
        <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="255,255,255,255"/>
            <Option type="QString" name="name" value="circle"/>
            <Option type="QString" name="size" value="4.2"/>
            <Option type="QString" name="outline_color" value="0,0,0,255"/>
            <Option type="QString" name="outline_width" value="0.2"/>
          </Option>
        </layer>
        <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="127,212,245,255"/>
            <Option type="QString" name="name" value="circle"/>
            <Option type="QString" name="size" value="2.8"/>
            <Option type="QString" name="outline_color" value="0,0,0,255"/>
            <Option type="QString" name="outline_width" value="0.1"/>
          </Option>
        </layer>
      </symbol>
      <symbol type="marker" alpha="1" clip_to_extent="1" name="1">
        <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="255,255,255,255"/>
            <Option type="QString" name="name" value="circle"/>
            <Option type="QString" name="size" value="4.2"/>
            <Option type="QString" name="outline_color" value="0,0,0,255"/>
            <Option type="QString" name="outline_width" value="0.2"/>
          </Option>
        </layer>
        <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="60,127,192,255"/>
            <Option type="QString" name="name" value="circle"/>
            <Option type="QString" name="size" value="2.8"/>
            <Option type="QString" name="outline_color" value="0,0,0,255"/>
            <Option type="QString" name="outline_width" value="0.1"/>
          </Option>
        </layer>
      </symbol>
      <symbol type="marker" alpha="1" clip_to_extent="1" name="2">
        <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="255,255,255,255"/>
            <Option type="QString" name="name" value="circle"/>
            <Option type="QString" name="size" value="4.2"/>
            <Option type="QString" name="outline_color" value="0,0,0,255"/>
            <Option type="QString" name="outline_width" value="0.2"/>
          </Option>
        </layer>
        <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="201,179,230,255"/>
            <Option type="QString" name="name" value="circle"/>
            <Option type="QString" name="size" value="2.8"/>
            <Option type="QString" name="outline_color" value="0,0,0,255"/>
            <Option type="QString" name="outline_width" value="0.1"/>
          </Option>
        </layer>
      </symbol>
      <symbol type="marker" alpha="1" clip_to_extent="1" name="3">
        <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="255,255,255,255"/>
            <Option type="QString" name="name" value="circle"/>
            <Option type="QString" name="size" value="4.2"/>
            <Option type="QString" name="outline_color" value="0,0,0,255"/>
            <Option type="QString" name="outline_width" value="0.2"/>
          </Option>
        </layer>
        <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="169,141,93,255"/>
            <Option type="QString" name="name" value="circle"/>
            <Option type="QString" name="size" value="2.8"/>
            <Option type="QString" name="outline_color" value="0,0,0,255"/>
            <Option type="QString" name="outline_width" value="0.1"/>
          </Option>
        </layer>
      </symbol>
      <symbol type="marker" alpha="1" clip_to_extent="1" name="4">
        <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="255,255,255,255"/>
            <Option type="QString" name="name" value="circle"/>
            <Option type="QString" name="size" value="4.2"/>
            <Option type="QString" name="outline_color" value="0,0,0,255"/>
            <Option type="QString" name="outline_width" value="0.2"/>
          </Option>
        </layer>
        <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="67,57,42,255"/>
            <Option type="QString" name="name" value="circle"/>
            <Option type="QString" name="size" value="2.8"/>
            <Option type="QString" name="outline_color" value="0,0,0,255"/>
            <Option type="QString" name="outline_width" value="0.1"/>
          </Option>
        </layer>
      </symbol>
      <symbol type="marker" alpha="1" clip_to_extent="1" name="5">
        <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="255,255,255,255"/>
            <Option type="QString" name="name" value="circle"/>
            <Option type="QString" name="size" value="4.2"/>
            <Option type="QString" name="outline_color" value="0,0,0,255"/>
            <Option type="QString" name="outline_width" value="0.2"/>
          </Option>
        </layer>
        <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="11,61,145,255"/>
            <Option type="QString" name="name" value="circle"/>
            <Option type="QString" name="size" value="2.8"/>
            <Option type="QString" name="outline_color" value="0,0,0,255"/>
            <Option type="QString" name="outline_width" value="0.1"/>
          </Option>
        </layer>
      </symbol>
      <symbol type="marker" alpha="1" clip_to_extent="1" name="6">
        <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="255,255,255,255"/>
            <Option type="QString" name="name" value="circle"/>
            <Option type="QString" name="size" value="4.2"/>
            <Option type="QString" name="outline_color" value="0,0,0,255"/>
            <Option type="QString" name="outline_width" value="0.2"/>
          </Option>
        </layer>
        <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="185,167,167,255"/>
            <Option type="QString" name="name" value="circle"/>
            <Option type="QString" name="size" value="2.8"/>
            <Option type="QString" name="outline_color" value="0,0,0,255"/>
            <Option type="QString" name="outline_width" value="0.1"/>
          </Option>
        </layer>
      </symbol>
      <symbol type="marker" alpha="1" clip_to_extent="1" name="7">
        <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="255,255,255,255"/>
            <Option type="QString" name="name" value="diamond"/>
            <Option type="QString" name="size" value="4.2"/>
            <Option type="QString" name="outline_color" value="0,0,0,255"/>
            <Option type="QString" name="outline_width" value="0.2"/>
          </Option>
        </layer>
        <layer class="SimpleMarker" enabled="1" locked="0" pass="0">
          <Option type="Map">
            <Option type="QString" name="color" value="255,0,0,255"/>
            <Option type="QString" name="name" value="diamond"/>
            <Option type="QString" name="size" value="2.8"/>
            <Option type="QString" name="outline_color" value="0,0,0,255"/>
            <Option type="QString" name="outline_width" value="0.1"/>
          </Option>
        </layer>
      </symbol>
    </symbols>
  </renderer-v2>
  <fieldConfiguration>
    <field name="class">
      <editWidget type="ValueMap">
        <config>
          <Option type="Map">
            <Option type="List" name="map">
              <Option type="Map">
                <Option type="QString" name="1 sunlit_snow" value="sunlit_snow"/>
              </Option>
              <Option type="Map">
                <Option type="QString" name="2 shaded_snow" value="shaded_snow"/>
              </Option>
              <Option type="Map">
                <Option type="QString" name="3 veiled_snow" value="veiled_snow"/>
              </Option>
              <Option type="Map">
                <Option type="QString" name="4 land" value="land"/>
              </Option>
              <Option type="Map">
                <Option type="QString" name="5 shaded_land" value="shaded_land"/>
              </Option>
              <Option type="Map">
                <Option type="QString" name="6 water" value="water"/>
              </Option>
              <Option type="Map">
                <Option type="QString" name="7 cloud" value="cloud"/>
              </Option>
            </Option>
          </Option>
        </config>
      </editWidget>
    </field>
  </fieldConfiguration>
  <aliases>
    <alias field="class" index="1" name="class (type its number)"/>
  </aliases>
  <defaults>
    <default field="iteration" expression="coalesce(aggregate('alcd_otb_iteration', 'max', &quot;iteration&quot;), 0) + 1" applyOnUpdate="0"/>
    <default field="author" expression="@user_account_name" applyOnUpdate="0"/>
    <default field="created" expression="now()" applyOnUpdate="0"/>
    <default field="class" expression="array_last(array_agg(&quot;class&quot;, order_by:=$id))" applyOnUpdate="0"/>
  </defaults>
  <constraints>
    <constraint field="class" constraints="1" notnull_strength="1"/>
  </constraints>
  <editorlayout>tablayout</editorlayout>
  <attributeEditorForm>
    <attributeEditorField name="class" index="1" showLabel="1"/>
    <attributeEditorField name="comment" index="4" showLabel="1"/>
  </attributeEditorForm>
  <reuseLastValue>
    <field name="class" reuseLastValue="1"/>
  </reuseLastValue>
</qgis>
