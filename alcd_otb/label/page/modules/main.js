// The page to label a scene in: clicks go to a queue, the queue to the server, and its answers to the map.

import { get, listen, post, postForFrame, RefusedError } from "./connection.js";
import { Chart } from "./chart.js";
import { Drawing } from "./drawing.js";
import { listenToKeys } from "./keyboard.js";
import { Labels } from "./labels.js";
import { MODES, Overlay } from "./overlay.js";
import { Panel } from "./panel.js";
import { Queue } from "./queue.js";

const status = document.body.dataset;
const AT_ONCE = 20;
const SUMMARY_AFTER = 400;
const PLACES_AFTER = 3000;
const PLACE = "alcd_otb.place";

class Page {
  constructor(scene) {
    this.scene = scene;
    this.labels = new Labels();
    this.queue = new Queue(scene.samples);
    this.overlay = new Overlay(scene);
    this.chart = new Chart(document.getElementById("map"), scene, this.overlay);
    this.drawing = new Drawing(this.chart, (ring) => this.act({ do: "draw", code: this.code, ring }));
    this.panel = new Panel(scene, {
      setClass: (code) => this.setClass(code), undo: () => this.act({ do: "undo" }), redo: () => this.act({ do: "redo" }), help: () => this.panel.toggleKeys(),
      run: () => this.run(null), restart: (number) => this.restart(number), report: (number) => this.report(number),
    });
    this.code = scene.classes[0].code;
    this.places = [];
    this.place = -1;
    this.seen = new Set();
    this.sending = false;
    this.online = true;
    this.waiting = "";
    this.final = null;
    this.asked = null;
    this.painted = 0;
  }

  async start() {
    this.setClass(this.code, false);
    this.panel.showProgress(this.scene.making);
    this.#bindMouse();
    listenToKeys(this.scene.keys, this.#acts());
    const before = JSON.parse(sessionStorage.getItem(PLACE));
    sessionStorage.removeItem(PLACE);
    if (before) {
      this.chart.view.setCenter(before.center);
      this.chart.view.setResolution(before.resolution);
    }
    this.chart.map.on("moveend", () => this.askView());
    await this.queue.adopt();
    this.labels.take(await get("/api/labels"));
    this.showLabels();
    await this.loadPlaces();
    this.summarise();
    this.pump();
    listen((kind, content) => this.heard(kind, content), (online) => this.connected(online));
    setInterval(async () => { if (await this.queue.adopt()) this.pump(); }, 5000);
    status.ready = "yes";
  }

  // Labelling.

  act(action) {
    const author = this.panel.author;
    this.queue.add(author ? { author, ...action } : action);
    this.showLabels();
    this.pump();
  }

  setClass(code, labels = true) {
    if (!this.scene.classes.some((each) => each.code === code)) return;
    this.code = code;
    this.panel.showClass(code);
    if (labels && this.place >= 0) this.labelPlace();
  }

  label(x, y) {
    const [left, bottom, right, top] = this.scene.grid.extent;
    if (x < left || x >= right || y <= bottom || y > top) return this.panel.say("This place is outside the scene.");
    this.panel.say("");
    this.act({ do: "add", code: this.code, x, y });
  }

  labelPlace() {
    const place = this.places[this.place];
    const here = this.entries.find((entry) => entry.layer === "samples" && !entry.rings && Math.hypot(entry.x - place.x, entry.y - place.y) < this.scene.grid.resolution / 2);
    if (!here) this.label(place.x, place.y);
    else if (here.code !== this.code) this.act({ do: "class", code: this.code, target: Labels.target(here) });
  }

  // A point within three pixels answers a place, as `next` has it.
  isDone(place) {
    const near = 3 * this.scene.grid.resolution;
    return this.entries.some((entry) => entry.layer === "samples" && !entry.rings && Math.hypot(entry.x - place.x, entry.y - place.y) <= near);
  }

  // Neither done nor skipped.
  isOpen(place) {
    return !this.isDone(place) && !this.seen.has(`${place.x} ${place.y}`);
  }

  goToPlace(index) {
    if (!this.places.length) return;
    this.place = (index + this.places.length) % this.places.length;
    const { x, y } = this.places[this.place];
    this.seen.add(`${x} ${y}`);
    this.chart.go(x, y);
    this.showPlaces();
    this.proposeSoon();
  }

  nextPlace() {
    const order = this.places.map((_, offset) => (this.place + 1 + offset) % this.places.length);
    const open = order.find((index) => this.isOpen(this.places[index]));
    const passed = order.find((index) => !this.isDone(this.places[index]));
    if (open !== undefined) this.goToPlace(open);
    else if (passed === undefined || this.place >= 0) this.leavePlace();
    else this.goToPlace(passed);
  }

  leavePlace() {
    this.place = -1;
    this.showPlaces();
    this.proposeSoon();
  }

  showLabels() {
    this.entries = this.labels.shown(this.queue.actions);
    this.chart.showLabels(this.entries);
    this.panel.showCounts(this.entries);
    this.showPlaces();
    this.showState();
    status.queue = this.queue.actions.length;
    status.labels = this.entries.filter((entry) => entry.layer === "samples").length;
    status.corrections = this.entries.filter((entry) => entry.layer === "corrections").length;
  }

  showPlaces() {
    const done = this.places.filter((place) => this.isDone(place)).length;
    this.chart.showPlaces(this.places, this.place, (place) => this.isDone(place), this.scene.growth);
    this.panel.showPlace(this.places[this.place], this.place, this.places, done);
    status.place = this.place;
    status.places = this.places.length;
    status.done = done;
  }

  showState() {
    const count = this.queue.actions.length, waiting = count ? `${count} ${count === 1 ? "change waits" : "changes wait"}. ` : "";
    const text = this.waiting || (this.online ? "" : "The server does not answer. Nothing is lost: continue, or restart the server.");
    this.panel.showState(waiting + text, !this.online);
  }

  // One request to the server for each click. Its answer holds the visible part of the map.

  async pump() {
    if (this.sending || !this.queue.actions.length) return;
    this.sending = true;
    try {
      while (this.queue.actions.length) {
        const actions = this.queue.actions.slice(0, AT_ONCE);
        this.final = null;
        this.asked?.abort();
        const { header, body } = await postForFrame("/api/act", { actions, since: this.labels.revision, view: this.viewRequest() });
        this.setOnline(true);
        const dealt = header.results.filter((result) => !("wait" in result)), refused = header.results.find((result) => result.refused);
        this.queue.remove(new Set(dealt.map((result) => result.id)));
        this.labels.take(header.labels);
        this.waiting = header.results.find((result) => result.wait)?.wait ?? "";
        if (refused) this.panel.say(refused.refused);
        else if (this.labels.problem) this.panel.say(this.labels.problem);
        status.milliseconds = JSON.stringify(header.milliseconds);
        await this.takeMap(header.map, body);
        this.showLabels();
        this.summariseSoon();
        if (this.waiting) await new Promise((resolve) => setTimeout(resolve, 700));
      }
    } catch (error) {
      if (error instanceof RefusedError) this.panel.say(error.message);
      this.setOnline(false);
      setTimeout(() => this.pump(), 500);
    } finally {
      this.sending = false;
      this.takeFinal();
    }
  }

  // All trees have voted in a part of the map, which may belong to another page.
  takeFinal() {
    const { part } = this.overlay;
    if (!this.sending && part?.draft && this.final === String(part.window)) {
      this.final = null;
      this.askView();
    }
  }

  viewRequest() {
    if (this.overlay.mode === "none") return null;
    const window = this.overlay.windowOf(this.chart.extent(), this.scene.most_pixels);
    this.showShown();
    return window && { window, planes: this.overlay.planes, have: this.overlay.have(window) };
  }

  async askView() {
    const view = this.viewRequest();
    this.asked?.abort();
    if (!view) return this.chart.showMap();
    const asked = this.asked = new AbortController();
    try {
      const { header, body } = await postForFrame("/api/view", view, asked.signal);
      await this.takeMap(header.map, body);
      this.takeFinal();
    } catch (error) {
      if (error.name !== "AbortError" && error instanceof RefusedError) this.panel.say(error.message);
    }
  }

  async takeMap(described, body) {
    if (!described) return;
    const taken = await this.overlay.take(described, body);
    if (taken === null) {
      this.overlay.part = null;
      return this.askView();
    }
    if (!taken) return;
    this.chart.showMap();
    status.map = described.revision ?? "";
    status.draft = String(described.draft ?? false);
    this.chart.map.once("postrender", () => { status.painted = ++this.painted; });
    this.chart.map.render();
  }

  showShown() {
    const { lookName, contrast } = this.chart, { mode, whole } = this.overlay;
    const look = lookName + (contrast ? `, contrast ${contrast > 0 ? "+" : ""}${contrast}` : "");
    this.panel.showShown(look, mode + (whole || mode === "none" ? "" : ", of the middle only: zoom in"));
  }

  setOnline(online) {
    this.online = online;
    status.online = online ? "yes" : "no";
    this.showState();
  }

  async connected(online) {
    this.setOnline(online);
    if (!online) return;
    // Events in the meantime were missed.
    try {
      this.labels.take(await get(`/api/labels?since=${this.labels.revision}`));
      this.showLabels();
      await this.loadPlaces();
      this.summarise();
      this.askView();
      this.pump();
    } catch { /* The next connection tries again. */ }
  }

  async heard(kind, content) {
    if (kind === "labels" && content.revision !== this.labels.revision && !this.sending) {
      this.labels.take(await get(`/api/labels?since=${this.labels.revision}`));
      if (this.labels.problem) this.panel.say(this.labels.problem);
      this.showLabels();
      this.askView();
      this.summariseSoon();
    } else if (kind === "map") {
      this.final = String(content.window);
      this.takeFinal();
    } else if (kind === "summary") this.summarise();
    else if (kind === "progress") this.panel.showProgress(content);
    else if (kind === "made") {
      this.panel.showProgress(null);
      this.panel.say(content.iteration === null ? "The scene is prepared." : `Iteration ${content.iteration} is made.`);
      status.iteration = content.iteration ?? "";
      await this.loadPlaces();
      this.summarise();
    } else if (kind === "failed") {
      this.panel.showProgress(null);
      this.panel.say(content.message);
      status.failed = content.message;
    } else if (kind === "iterations") {
      await this.loadPlaces();
      this.summariseSoon();
    } else if (kind === "scene") {
      // The rasters have changed. Continue at the same place.
      sessionStorage.setItem(PLACE, JSON.stringify({ center: this.chart.view.getCenter(), resolution: this.chart.view.getResolution() }));
      location.reload();
    }
  }

  summariseSoon() {
    clearTimeout(this.summaryTimer);
    this.summaryTimer = setTimeout(() => this.summarise(), SUMMARY_AFTER);
    this.proposeSoon();
  }

  proposeSoon() {
    clearTimeout(this.placesTimer);
    this.placesTimer = setTimeout(() => this.proposeIfNeeded(), PLACES_AFTER);
  }

  async summarise() {
    try {
      this.panel.showSummary(await get("/api/summary"));
      status.summary = "yes";
    } catch { /* Asked again after the next click. */ }
  }

  async loadPlaces() {
    const before = this.places[this.place];
    this.places = await get("/api/places");
    this.place = before ? this.places.findIndex((place) => place.x === before.x && place.y === before.y) : -1;
    this.showPlaces();
  }

  // In a pause, once no place is left to visit, and at least one was labelled.
  async proposeIfNeeded() {
    if (this.queue.actions.length || this.places.some((place) => this.isOpen(place))) return;
    if (this.place >= 0 && !this.isDone(this.places[this.place])) return;
    if (!this.places.some((place) => this.isDone(place))) return;
    try {
      this.places = await post("/api/places", {});
      this.place = -1;
      this.showPlaces();
    } catch { /* A run has the workspace, and proposes places itself. */ }
  }

  async run(start) {
    try {
      await post("/api/run", start === null ? {} : { start });
      this.panel.showProgress({ stage: "start", done: 0, of: 1 });
    } catch (error) {
      this.panel.say(error.message);
    }
  }

  restart(number) {
    if (confirm(`Return to the samples of iteration ${number}? The present samples are kept in a copy beside the file.`)) this.run(number);
  }

  async report(iteration) {
    const opened = window.open("about:blank");
    const { path } = await post("/api/report", { iteration });
    opened.location = path;
  }

  // Mouse and keys.

  #bindMouse() {
    const { map } = this.chart, viewport = map.getViewport();
    map.on("click", (event) => {
      if (this.drawing.active) return;
      const entry = this.chart.labelAt(event.pixel);
      this.place = -1;
      if (entry?.layer === "samples") this.act({ do: "class", code: this.code, target: Labels.target(entry) });
      else this.label(...event.coordinate);
    });
    viewport.addEventListener("contextmenu", (event) => {
      event.preventDefault();
      const entry = this.chart.labelAt(map.getEventPixel(event));
      if (entry) this.act({ do: "delete", target: Labels.target(entry) });
    });
  }

  #acts() {
    const { chart } = this, { view } = chart;
    const count = this.scene.tiles.looks.length;
    const look = (number) => {
      if (number >= count) return;
      chart.look = (number + count) % count;
      chart.showImage();
      this.showShown();
    };
    const contrast = (step) => {
      const [least, most] = this.scene.contrasts;
      chart.contrast = Math.min(most, Math.max(least, chart.contrast + step));
      chart.showImage();
      this.showShown();
    };
    this.showShown();
    return {
      class: (key) => this.setClass(Number(key)),
      label: () => this.drawing.active ? this.drawing.finish() : this.label(...view.getCenter()),
      label_place: () => {
        if (this.place >= 0) this.labelPlace();
        this.nextPlace();
      },
      delete_nearest: () => this.deleteNearest(),
      next_place: () => this.goToPlace(this.place + 1),
      previous_place: () => this.goToPlace(this.place < 0 ? this.places.length - 1 : this.place - 1),
      undo: () => this.act({ do: "undo" }),
      redo: () => this.act({ do: "redo" }),
      polygon: () => this.drawing.start(false),
      freehand: () => this.drawing.start(true),
      cancel: () => {
        if (document.activeElement instanceof HTMLInputElement) document.activeElement.blur();
        this.drawing.cancel();
        this.leavePlace();
        this.panel.say("");
        document.getElementById("keys").close();
      },
      next_look: () => look((chart.look + 1) % count),
      previous_look: () => look(chart.look - 1),
      look: (name) => look(Number(name.at(-1)) - 1),
      clear_date: (_, down) => {
        if (chart.clear === down) return;
        chart.clear = down;
        chart.showImage();
        this.showShown();
      },
      more_contrast: () => contrast(1),
      less_contrast: () => contrast(-1),
      outlines: () => {
        this.overlay.mode = MODES[(MODES.indexOf(this.overlay.mode) + 1) % MODES.length];
        this.showShown();
        this.askView();
      },
      move: (key) => {
        const step = view.getResolution() * 120, [x, y] = view.getCenter();
        view.setCenter([x + step * ((key === "ArrowRight") - (key === "ArrowLeft")), y + step * ((key === "ArrowUp") - (key === "ArrowDown"))]);
      },
      zoom: (key) => view.setResolution(view.getResolution() * (key === "+" ? 0.5 : 2)),
      whole: () => chart.whole(),
      run: () => this.run(null),
      help: () => this.panel.toggleKeys(),
    };
  }

  deleteNearest() {
    const [x, y] = this.chart.view.getCenter();
    const points = this.entries.filter((entry) => entry.layer === "samples" && !entry.rings);
    if (!points.length) return;
    const distance = (entry) => Math.hypot(entry.x - x, entry.y - y);
    const nearest = points.reduce((best, entry) => distance(entry) < distance(best) ? entry : best);
    // Only if the click is close: within 40 pixels of the screen.
    if (distance(nearest) < 40 * this.chart.view.getResolution()) this.act({ do: "delete", target: Labels.target(nearest) });
  }
}

async function begin() {
  const panel = document.getElementById("state");
  for (;;) {
    try {
      const scene = await get("/api/scene");
      if (scene.open) {
        const page = new Page(scene);
        globalThis.page = page;
        return await page.start();
      }
      document.getElementById("name").textContent = scene.name;
      const { making } = scene;
      panel.textContent = making ? `The scene is being prepared. ${making.stage}: ${Math.round(100 * making.done / making.of)} %` : "The scene is not prepared.";
    } catch (error) {
      panel.textContent = error.message;
      panel.classList.add("offline");
    }
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
}

begin();
