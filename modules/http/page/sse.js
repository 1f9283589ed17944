// Reads server-sent events, piece by piece as they come.

export class EventReader {
  constructor() {
    this.rest = "";
    this.item = { event: "message", data: [], id: null };
  }

  // Returns the events that are complete with this piece of text: {event, data, id}.
  take(text) {
    const lines = (this.rest + text).split(/\r\n|\n/);
    this.rest = lines.pop();
    const items = [];
    for (const line of lines) {
      if (line === "") {
        if (this.item.data.length !== 0) {
          items.push({ ...this.item, data: this.item.data.join("\n") });
        }
        this.item = { event: "message", data: [], id: null };
        continue;
      }
      const colon = line.indexOf(":");
      const name = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
      if (name === "data") {
        this.item.data.push(value);
      } else if (name === "event" || name === "id") {
        this.item[name] = value;
      }
    }
    return items;
  }
}
