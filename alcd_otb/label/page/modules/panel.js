// The panel beside the map: classes, the place to visit, figures of the map, iterations.

const element = (id) => document.getElementById(id);
const percent = (share, digits = 1) => share === null || share === undefined ? "–" : `${(100 * share).toFixed(digits)} %`;

function made(tag, text = "", attributes = {}) {
  const node = document.createElement(tag);
  node.textContent = text;
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

function row(...cells) {
  const line = document.createElement("tr");
  for (const cell of cells) {
    const node = made("td", typeof cell === "object" ? "" : String(cell));
    if (typeof cell === "object") node.append(cell);
    else if (/^[\d.–-]/.test(String(cell))) node.className = "number";
    line.append(node);
  }
  return line;
}

export class Panel {
  constructor(scene, acts) {
    this.scene = scene;
    this.acts = acts;
    element("name").textContent = scene.name;
    document.title = `${scene.name} – label`;
    for (const id of ["undo", "redo", "help", "run"]) element(id).addEventListener("click", () => acts[id]());
    const author = element("author");
    author.value = localStorage.getItem("alcd_otb.author") ?? scene.author;
    author.addEventListener("change", () => localStorage.setItem("alcd_otb.author", author.value.trim()));
    this.#showClasses();
    this.#showKeys();
  }

  get author() {
    return element("author").value.trim().slice(0, 80);
  }

  #showClasses() {
    element("classes").replaceChildren(...this.scene.classes.map((each) => {
      const button = made("button", "", { role: "radio", "aria-checked": "false", "data-code": each.code });
      const swatch = made("span", "", { class: "swatch" });
      swatch.style.background = each.colour;
      button.append(made("kbd", each.code), swatch, made("span", each.name.replaceAll("_", " ")), made("span", "", { class: "share number" }), made("span", "0", { class: "points number" }));
      button.addEventListener("click", () => this.acts.setClass(each.code));
      return button;
    }));
  }

  #showKeys() {
    element("keys").querySelector("table").replaceChildren(...this.scene.keys.map((key) => row(key.shown.replaceAll("`", ""), key.what.replaceAll("`", ""))));
  }

  toggleKeys() {
    const dialog = element("keys");
    if (dialog.open) dialog.close();
    else dialog.showModal();
  }

  showClass(code) {
    for (const button of element("classes").children) button.setAttribute("aria-checked", String(Number(button.dataset.code) === code));
  }

  showCounts(entries) {
    const counts = new Map();
    for (const entry of entries) if (entry.layer === "samples") counts.set(entry.code, (counts.get(entry.code) ?? 0) + 1);
    for (const button of element("classes").children) {
      const count = counts.get(Number(button.dataset.code)) ?? 0;
      button.querySelector(".points").textContent = String(count);
      button.classList.toggle("empty", count === 0);
      button.title = count === 0 ? "no sample yet" : `${count} samples`;
    }
  }

  showShown(look, mode) {
    element("look").textContent = look;
    element("mode").textContent = mode;
  }

  showState(text, offline) {
    element("state").textContent = text;
    element("state").classList.toggle("offline", offline);
  }

  say(text) {
    element("message").textContent = text;
    element("message").hidden = !text;
  }

  showPlace(place, index, places, done) {
    if (!places.length) element("place").textContent = "No place is proposed.";
    else if (!place) element("place").textContent = `${places.length} places to visit, ${done} done: press N.`;
    else {
      const classes = place.class ? ` ${place.class}${place.second_class ? ` or ${place.second_class}` : ""}?` : "";
      element("place").textContent = `${index + 1} of ${places.length}, ${done} done:${classes} ${place.reason}`.replaceAll("_", " ");
    }
  }

  showSummary(summary) {
    for (const button of element("classes").children) {
      const { name } = this.scene.classes.find((each) => each.code === Number(button.dataset.code));
      button.querySelector(".share").textContent = summary.shares ? percent(summary.shares[name] ?? 0) : "";
    }
    const facts = [];
    if (summary.problem) facts.push(summary.problem);
    if (summary.unlabelled?.length) facts.push(`No sample yet: ${summary.unlabelled.join(", ").replaceAll("_", " ")}.`);
    if (summary.changed) facts.push(`The last ${summary.changed.clicks} changes of samples changed ${percent(summary.changed.share)} of the map.`);
    if (summary.two_class_changed !== null) facts.push(`Since iteration ${summary.iteration}, ${percent(summary.two_class_changed)} of the two-class map changed.`);
    if (typeof summary.validation?.overall_accuracy === "number") facts.push(`Agreement with kept-out samples: ${percent(summary.validation.overall_accuracy)}. It is not the accuracy of the map.`);
    if (summary.stopping?.text) facts.push(summary.stopping.text);
    element("figures").replaceChildren(...facts.map((fact) => made("p", fact)));
    element("warnings").replaceChildren(...summary.warnings.map((text) => made("li", text)));
    this.#showIterations(summary.iterations);
  }

  #showIterations(iterations) {
    const table = element("iterations");
    table.replaceChildren();
    if (!iterations.length) return;
    const head = document.createElement("tr");
    head.append(...["", "points", "agreement", "", ""].map((text) => made("th", text)));
    table.append(head);
    for (const each of [...iterations].reverse()) {
      const report = made("button", "report"), again = made("button", "return", { title: `make an iteration from the samples of iteration ${each.number}` });
      report.addEventListener("click", () => this.acts.report(each.number));
      again.addEventListener("click", () => this.acts.restart(each.number));
      table.append(row(String(each.number), each.points, percent(each.accuracy), each.report ? report : "", again));
    }
  }

  showProgress(progress) {
    element("progress").textContent = progress ? `${progress.stage}: ${Math.round(100 * progress.done / progress.of)} %` : "";
    element("run").disabled = progress !== null;
  }
}
