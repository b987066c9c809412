// Draw corrections: corner by corner, or freehand.

const ol = globalThis.ol;
const MOST_CORNERS = 2000; // As alcd_otb/label/actions.py has it.

export class Drawing {
  constructor(chart, drawn) {
    this.chart = chart;
    this.drawn = drawn;
    this.interaction = null;
  }

  get active() {
    return this.interaction !== null;
  }

  start(freehand) {
    this.cancel();
    this.interaction = new ol.interaction.Draw({ type: "Polygon", freehand, stopClick: true });
    this.interaction.on("drawend", ({ feature }) => {
      const ring = feature.getGeometry().getCoordinates()[0].slice(0, -1);
      const step = Math.ceil(ring.length / MOST_CORNERS);
      const kept = ring.filter((_, index) => index % step === 0);
      // After the event, since the interaction ends in it.
      setTimeout(() => {
        this.cancel();
        if (kept.length >= 3) this.drawn(kept);
      });
    });
    this.chart.map.addInteraction(this.interaction);
  }

  finish() {
    this.interaction?.finishDrawing();
  }

  cancel() {
    if (this.interaction) this.chart.map.removeInteraction(this.interaction);
    this.interaction = null;
  }
}
