// Ask the server. The token is in the address behind "#", and goes to the server in a header alone.

const token = location.hash.slice(1);
const headers = { Authorization: `Bearer ${token}` };

export class RefusedError extends Error {}

async function answered(response) {
  if (response.ok) return response;
  if (response.status === 401) throw new RefusedError("The address of this page is not valid any more: open the one that the command printed.");
  let text = "";
  try {
    const content = await response.text();
    text = JSON.parse(content).error;
  } catch { /* The status says enough. */ }
  throw new RefusedError(text || `the server answered ${response.status}`);
}

export async function get(path) {
  return (await answered(await fetch(path, { headers }))).json();
}

export async function post(path, content) {
  const response = await fetch(path, { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(content) });
  return (await answered(response)).json();
}

// An answer with a header in JSON and a packed part of the map behind it.
export async function postForFrame(path, content, signal) {
  const response = await answered(await fetch(path, { method: "POST", signal, headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(content) }));
  const bytes = new Uint8Array(await response.arrayBuffer());
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  return { header, body: bytes.subarray(4 + length) };
}

export async function inflated(body) {
  const stream = new Blob([body]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

export async function picture(path) {
  return (await answered(await fetch(path, { headers }))).blob();
}

// Server-Sent Events. EventSource sends no headers, therefore they are read from fetch.
export async function listen(heard, connected) {
  for (;;) {
    try {
      const response = await answered(await fetch("/api/events", { headers }));
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      connected(true);
      let text = "";
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        text += value;
        const parts = text.split("\n\n");
        text = parts.pop();
        for (const part of parts) {
          const kind = /^event: (.*)$/m.exec(part), data = /^data: (.*)$/m.exec(part);
          if (kind && data) heard(kind[1], JSON.parse(data[1]));
        }
      }
    } catch { /* Tried again below. */ }
    connected(false);
    await new Promise((resolve) => setTimeout(resolve, 700));
  }
}
