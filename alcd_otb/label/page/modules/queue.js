// Keep actions in the browser's storage until the server has acknowledged them.
// Each open page has a queue of its own, and takes over those of pages that were closed.

const PREFIX = "alcd_otb.queue.";

export class Queue {
  constructor(scene) {
    this.prefix = `${PREFIX}${scene}.`;
    this.key = this.prefix + crypto.randomUUID();
    this.actions = [];
    // Held as long as the page is open: another page may take over a queue without its lock.
    navigator.locks.request(this.key, () => new Promise(() => {}));
  }

  add(action) {
    const complete = { id: crypto.randomUUID(), ...action };
    this.actions.push(complete);
    this.save();
    return complete;
  }

  remove(ids) {
    this.actions = this.actions.filter((action) => !ids.has(action.id));
    this.save();
  }

  save() {
    if (this.actions.length) localStorage.setItem(this.key, JSON.stringify(this.actions));
    else localStorage.removeItem(this.key);
  }

  // Take over the actions of closed pages. Sending an action twice does no harm.
  async adopt() {
    const held = new Set((await navigator.locks.query()).held.map((lock) => lock.name));
    const adopted = [];
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(this.prefix) || key === this.key || held.has(key)) continue;
      try {
        adopted.push(...JSON.parse(localStorage.getItem(key)));
      } catch { /* No queue of this page. */ }
      localStorage.removeItem(key);
    }
    if (adopted.length) {
      this.actions = [...adopted, ...this.actions];
      this.save();
    }
    return adopted.length;
  }
}
