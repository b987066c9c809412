// Hold the visible part of the map, and draw it for each pixel of the screen, without WebGL.

import { inflated } from "./connection.js";

export const MODES = ["outlines", "fill", "confidence", "margin", "none"];
const STEPS = 250; // As alcd_otb/label/frames.py has it.
// From uncertain to certain, in the colours of cividis.
const CIVIDIS = [[0, [0xff, 0xea, 0x46]], [0.5, [0xcb, 0xba, 0x69]], [0.6, [0x95, 0x8f, 0x78]], [0.7, [0x66, 0x69, 0x70]], [0.8, [0x31, 0x44, 0x6b]], [0.9, [0x00, 0x20, 0x4d]]];

const rgba = (red, green, blue, alpha) => ((alpha << 24) | (blue << 16) | (green << 8) | red) >>> 0;
const components = (colour) => [1, 3, 5].map((start) => parseInt(colour.slice(start, start + 2), 16));

export class Overlay {
  constructor(scene) {
    this.grid = scene.grid;
    this.mode = MODES[0];
    this.part = null;
    this.whole = true; // Whether the last window was all of its extent.
    this.filled = new Uint32Array(256);
    this.outlined = new Uint32Array(256);
    for (const each of scene.classes) {
      this.filled[each.code] = rgba(...components(each.colour), 150);
      this.outlined[each.code] = rgba(...components(each.contour || each.colour), 255);
    }
    this.steps = new Uint32Array(256);
    for (let value = 1; value < 256; value++) {
      const [, colour] = CIVIDIS.findLast(([least]) => value / STEPS >= least);
      this.steps[value] = rgba(...colour, 190);
    }
  }

  get planes() {
    return this.mode === "confidence" || this.mode === "margin" ? ["labels", this.mode] : ["labels"];
  }

  // The rows and columns of the grid within an extent, at most so many pixels around its middle.
  windowOf([left, bottom, right, top], most) {
    const { extent, resolution, width, height } = this.grid;
    let first = Math.max(0, Math.floor((left - extent[0]) / resolution)), last = Math.min(width, Math.ceil((right - extent[0]) / resolution));
    let upper = Math.max(0, Math.floor((extent[3] - top) / resolution)), lower = Math.min(height, Math.ceil((extent[3] - bottom) / resolution));
    if (last <= first || lower <= upper) return null;
    const share = Math.sqrt(most / ((last - first) * (lower - upper)));
    this.whole = share >= 1;
    if (!this.whole) {
      const columns = Math.floor((last - first) * share), rows = Math.floor((lower - upper) * share);
      first += (last - first - columns) >> 1;
      upper += (lower - upper - rows) >> 1;
      last = first + columns;
      lower = upper + rows;
    }
    return [upper, first, lower - upper, last - first];
  }

  // The number of the part that the server need not send again.
  have(window) {
    const part = this.part;
    return part && String(part.window) === String(window) && String(part.planes) === String(this.planes) ? part.number : null;
  }

  async take(described, body) {
    if (!described || described.cancelled) return false;
    if (described.problem) {
      this.part = null;
      return true;
    }
    const bytes = await inflated(body);
    if (described.base !== null) {
      if (!this.part || this.part.number !== described.base) return null; // Another answer came between.
      const before = this.part.bytes;
      for (let index = 0; index < bytes.length; index++) bytes[index] ^= before[index];
    }
    this.part = { ...described, bytes };
    return true;
  }

  plane(name) {
    const { planes, window, bytes } = this.part, size = window[2] * window[3], index = planes.indexOf(name);
    return index < 0 ? null : bytes.subarray(index * size, (index + 1) * size);
  }

  classAt(x, y) {
    if (!this.part) return 0;
    const [row, column, rows, columns] = this.part.window;
    const c = Math.floor((x - this.grid.extent[0]) / this.grid.resolution) - column, r = Math.floor((this.grid.extent[3] - y) / this.grid.resolution) - row;
    return r < 0 || c < 0 || r >= rows || c >= columns ? 0 : this.plane("labels")[r * columns + c];
  }

  // Draw an extent on a canvas of so many pixels.
  draw(canvas, extent, [width, height]) {
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    if (!this.part || this.mode === "none") return;
    const values = this.plane(this.mode === "confidence" || this.mode === "margin" ? this.mode : "labels");
    if (!values) return;
    const image = context.createImageData(width, height), out = new Uint32Array(image.data.buffer);
    const columns = this.#indices(width, extent[0], (extent[2] - extent[0]) / width, 1);
    const rows = this.#indices(height, extent[3], (extent[3] - extent[1]) / height, 0);
    if (this.mode === "outlines") this.#outline(out, values, rows, columns, Math.max(1, Math.round(devicePixelRatio * 2)));
    else this.#fill(out, values, rows, columns, this.mode === "fill" ? this.filled : this.steps);
    context.putImageData(image, 0, 0);
  }

  // For each column or row of the screen the index within the part, or -1.
  #indices(count, start, step, axis) {
    const { extent, resolution } = this.grid, window = this.part.window, result = new Int32Array(count);
    for (let index = 0; index < count; index++) {
      const at = axis ? start + (index + 0.5) * step - extent[0] : extent[3] - (start - (index + 0.5) * step);
      const pixel = Math.floor(at / resolution) - window[axis];
      result[index] = pixel >= 0 && pixel < window[axis + 2] ? pixel : -1;
    }
    return result;
  }

  #fill(out, values, rows, columns, colours) {
    const wide = this.part.window[3];
    let place = 0;
    for (const row of rows) {
      for (const column of columns) {
        if (row >= 0 && column >= 0) out[place] = colours[values[row * wide + column]];
        place++;
      }
    }
  }

  #outline(out, values, rows, columns, thick) {
    const wide = this.part.window[3], width = columns.length;
    for (let y = 0; y < rows.length; y++) {
      const row = rows[y], before = rows[Math.max(0, y - thick)], after = rows[Math.min(rows.length - 1, y + thick)];
      if (row < 0) continue;
      for (let x = 0; x < width; x++) {
        const column = columns[x];
        if (column < 0) continue;
        const value = values[row * wide + column], left = columns[Math.max(0, x - thick)], right = columns[Math.min(width - 1, x + thick)];
        if ((left >= 0 && values[row * wide + left] !== value) || (right >= 0 && values[row * wide + right] !== value)
          || (before >= 0 && values[before * wide + column] !== value) || (after >= 0 && values[after * wide + column] !== value)) out[y * width + x] = this.outlined[value];
      }
    }
  }
}
