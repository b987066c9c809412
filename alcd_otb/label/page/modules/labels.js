// Keep the labels as they will be: those of the server, and the actions that it has not acknowledged yet.

export class Labels {
  constructor() {
    this.known = new Map();
    this.revision = null;
    this.problem = null;
  }

  take(labels) {
    if (!labels) return;
    if (labels.all) this.known = new Map(labels.all.map((entry) => [entry.key, entry]));
    else {
      for (const key of labels.gone) this.known.delete(key);
      for (const entry of labels.changed) this.known.set(entry.key, entry);
    }
    this.revision = labels.revision;
    this.problem = labels.problem;
  }

  // All labels, with what the actions of the queue change. Undo and redo need the server.
  shown(actions) {
    const shown = new Map(this.known);
    const find = (target) => target.action ? `pending.${target.action}` : [...shown.keys()].find((key) => {
      const entry = shown.get(key);
      return entry.layer === target.layer && entry.feature === target.feature;
    });
    for (const action of actions) {
      const key = `pending.${action.id}`;
      if (action.do === "add") shown.set(key, { key, layer: "samples", action: action.id, code: action.code, x: action.x, y: action.y, pending: true });
      else if (action.do === "draw") shown.set(key, { key, layer: "corrections", action: action.id, code: action.code, rings: [[...action.ring, action.ring[0]]], pending: true });
      else if (action.target) {
        const found = find(action.target);
        if (found === undefined || !shown.has(found)) continue;
        if (action.do === "delete") shown.delete(found);
        else shown.set(found, { ...shown.get(found), code: action.code, pending: true });
      }
    }
    return [...shown.values()];
  }

  static target(entry) {
    return entry.action ? { layer: entry.layer, action: entry.action } : { layer: entry.layer, feature: entry.feature };
  }
}
