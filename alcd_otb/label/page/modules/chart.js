// The map of OpenLayers: the image in tiles, the overlay, labels, and places to visit, in the scene's own projection.

import { picture } from "./connection.js";

const ol = globalThis.ol;
const ABOVE = 1_000_000; // All images are below the map and the labels.
const KEPT = 5; // Looks whose tiles are kept.
const contrasting = (colour) => [1, 3, 5].reduce((sum, start, index) => sum + parseInt(colour.slice(start, start + 2), 16) * [0.3, 0.59, 0.11][index], 0) > 140 ? "#000" : "#fff";

export class Chart {
  constructor(element, scene, overlay) {
    this.scene = scene;
    this.overlay = overlay;
    this.look = 0;
    this.contrast = 0;
    this.clear = false;
    this.colours = new Map(scene.classes.map((each) => [each.code, each.colour]));
    const { grid, tiles } = scene;
    this.projection = new ol.proj.Projection({ code: grid.crs, units: "m", extent: tiles.extent });
    this.images = new Map();
    this.shown = 0;
    this.canvas = document.createElement("canvas");
    const drawn = new ol.source.ImageCanvas({
      projection: this.projection, ratio: 1, interpolate: false,
      canvasFunction: (extent, resolution, ratio, size) => {
        overlay.draw(this.canvas, extent, size.map(Math.round));
        return this.canvas;
      },
    });
    this.drawn = drawn;
    this.corrections = this.#vector((feature) => this.#polygonStyle(feature));
    this.places = this.#vector((feature) => this.#placeStyle(feature));
    this.points = this.#vector((feature) => this.#pointStyle(feature));
    const [left, bottom, right, top] = tiles.extent;
    this.view = new ol.View({
      projection: this.projection, 
      center: [(left + right) / 2, (bottom + top) / 2], minResolution: 0.5, maxResolution: 2 * tiles.resolutions[0], constrainResolution: false,
    });
    this.map = new ol.Map({
      target: element, view: this.view, controls: [new ol.control.ScaleLine()],
      interactions: ol.interaction.defaults.defaults({ doubleClickZoom: false, keyboard: false, altShiftDragRotate: false, pinchRotate: false }),
      layers: [new ol.layer.Image({ source: drawn, zIndex: ABOVE }), this.corrections, this.places, this.points],
    });
    this.showImage();
    this.whole();
  }

  #vector(style) {
    return new ol.layer.Vector({ source: new ol.source.Vector(), style, zIndex: ABOVE });
  }

  #imageSource() {
    const { tiles } = this.scene, look = this.#shownLook();
    return new ol.source.TileImage({
      projection: this.projection, interpolate: false, transition: 0,
      tileGrid: new ol.tilegrid.TileGrid({ origin: tiles.origin, extent: tiles.extent, resolutions: tiles.resolutions, tileSize: tiles.size }),
      tileUrlFunction: ([level, column, row]) => `/api/tiles/${look}/${level}/${column}/${row}?contrast=${this.contrast}&version=${tiles.version}`,
      tileLoadFunction: async (tile, path) => {
        try {
          const address = URL.createObjectURL(await picture(path)), image = tile.getImage();
          image.addEventListener("load", () => URL.revokeObjectURL(address), { once: true });
          image.src = address;
        } catch {
          tile.setState(3);
        }
      },
    });
  }

  #shownLook() {
    const { looks } = this.scene.tiles, { name } = looks[this.look];
    if (!this.clear) return this.look;
    const other = looks.findIndex((each) => each.clear && each.name === `clear ${name}`);
    const any = looks.findIndex((each) => each.clear);
    return other >= 0 ? other : any >= 0 ? any : this.look;
  }

  get lookName() {
    return this.scene.tiles.looks[this.#shownLook()].name;
  }

  // Show the chosen look over the previous look, which is hidden once the tiles are loaded.
  showImage() {
    const key = `${this.#shownLook()} ${this.contrast}`;
    let layer = this.images.get(key);
    if (!layer) {
      layer = new ol.layer.Tile({ source: this.#imageSource() });
      this.map.addLayer(layer);
    }
    this.images.delete(key);
    this.images.set(key, layer);
    layer.setZIndex(++this.shown % ABOVE);
    layer.setVisible(true);
    this.map.once("rendercomplete", () => {
      const others = [...this.images].filter(([, other]) => other !== layer);
      if ([...this.images.values()].at(-1) !== layer) return;
      for (const [, other] of others) other.setVisible(false);
      for (const [old, other] of others.slice(0, -KEPT)) {
        this.images.delete(old);
        this.map.removeLayer(other);
      }
    });
  }

  showMap() {
    this.drawn.changed();
  }

  whole() {
    this.map.updateSize();
    this.view.fit(this.scene.grid.extent, { size: this.map.getSize(), padding: [8, 8, 8, 8] });
  }

  extent() {
    return this.view.calculateExtent(this.map.getSize());
  }

  showLabels(entries) {
    const points = [], polygons = [];
    for (const entry of entries) {
      const geometry = entry.rings ? new ol.geom.Polygon(entry.rings) : new ol.geom.Point([entry.x, entry.y]);
      const feature = new ol.Feature({ geometry });
      feature.set("entry", entry);
      (entry.rings && entry.layer === "corrections" ? polygons : points).push(feature);
    }
    for (const [layer, features] of [[this.points, points], [this.corrections, polygons]]) {
      layer.getSource().clear(true);
      layer.getSource().addFeatures(features);
    }
  }

  showPlaces(places, current, isDone, growth) {
    const half = Math.max(growth, this.scene.grid.resolution / 2);
    this.places.getSource().clear(true);
    this.places.getSource().addFeatures(places.map((place, index) => {
      const feature = new ol.Feature({ geometry: square(place, half) });
      feature.set("place", { index, current: index === current, done: isDone(place) });
      return feature;
    }));
  }

  // The label under a pixel of the screen; points before corrections.
  labelAt(pixel) {
    let found = null;
    for (const layer of [this.points, this.corrections]) {
      this.map.forEachFeatureAtPixel(pixel, (feature) => { found ??= feature.get("entry") ?? null; }, { layerFilter: (each) => each === layer, hitTolerance: 4 });
      if (found) break;
    }
    return found;
  }

  go(x, y) {
    this.view.setCenter([x, y]);
    // Near enough to see the surroundings of the place.
    const near = this.scene.grid.resolution / 8;
    if (this.view.getResolution() > 4 * near) this.view.setResolution(4 * near);
  }

  #pointStyle(feature) {
    const entry = feature.get("entry"), colour = this.colours.get(entry.code) ?? "#888";
    const shape = entry.rings ? {} : { image: new ol.style.Circle({ radius: 7, fill: new ol.style.Fill({ color: colour }), stroke: new ol.style.Stroke({ color: entry.pending ? "#ffb000" : contrasting(colour), width: 2 }) }) };
    return new ol.style.Style({
      ...shape, fill: new ol.style.Fill({ color: `${colour}80` }), stroke: new ol.style.Stroke({ color: colour, width: 2 }),
      text: new ol.style.Text({ text: String(entry.code), font: "bold 11px sans-serif", fill: new ol.style.Fill({ color: contrasting(colour) }) }),
    });
  }

  #polygonStyle(feature) {
    const entry = feature.get("entry"), colour = this.colours.get(entry.code) ?? "#888";
    return new ol.style.Style({
      stroke: new ol.style.Stroke({ color: colour, width: 2, lineDash: [6, 4] }), fill: new ol.style.Fill({ color: "#00000001" }),
      text: new ol.style.Text({ text: String(entry.code), font: "bold 12px sans-serif", fill: new ol.style.Fill({ color: "#fff" }), stroke: new ol.style.Stroke({ color: "#000", width: 3 }) }),
    });
  }

  #placeStyle(feature) {
    const { index, current, done } = feature.get("place");
    return new ol.style.Style({
      stroke: new ol.style.Stroke({ color: current ? "#ffb000" : done ? "#777" : "#00e5ff", width: current ? 3 : 2 }),
      text: new ol.style.Text({ text: done ? "✓" : String(index + 1), offsetY: -16, font: "bold 12px sans-serif", fill: new ol.style.Fill({ color: "#fff" }), stroke: new ol.style.Stroke({ color: "#000", width: 3 }) }),
    });
  }
}

function square({ x, y }, half) {
  return new ol.geom.Polygon([[[x - half, y - half], [x + half, y - half], [x + half, y + half], [x - half, y + half], [x - half, y - half]]]);
}
