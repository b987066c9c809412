// Turn keys into actions, by the table that the server sends.

export function nameOf(event) {
  const control = event.ctrlKey || event.metaKey;
  const letter = event.key.length === 1 && /[a-z]/i.test(event.key);
  // Keyboards differ in whether the keys of the digits give them with Shift or without.
  const digit = /^Digit([1-9])$/.exec(event.code)?.[1];
  if (digit && !control && !/^[0-9]$/.test(event.key)) return event.shiftKey ? `Shift+${digit}` : digit;
  if (control) return `Control+${event.shiftKey && letter ? "Shift+" : ""}${letter ? event.key.toLowerCase() : event.key}`;
  if (event.shiftKey && letter) return `Shift+${event.key.toUpperCase()}`;
  return letter ? event.key.toLowerCase() : event.key;
}

export function listenToKeys(table, acts) {
  const actions = new Map(table.flatMap((key) => key.keys.map((name) => [name, key.action])));
  const isText = (target) => target instanceof HTMLInputElement;
  addEventListener("keydown", (event) => {
    if (isText(event.target) && event.key !== "Escape") return;
    const name = nameOf(event), action = actions.get(name);
    if (!action || !(action in acts)) return;
    // A button that has the focus handles these keys itself.
    if (event.target instanceof HTMLButtonElement && name === "Enter") return;
    event.preventDefault();
    if (event.repeat && !["move", "zoom", "next_place", "previous_place", "undo", "redo"].includes(action)) return;
    acts[action](name, true);
  });
  addEventListener("keyup", (event) => {
    if (actions.get(event.key.toLowerCase()) === "clear_date") acts.clear_date("c", false);
  });
  addEventListener("blur", () => acts.clear_date("c", false));
}
