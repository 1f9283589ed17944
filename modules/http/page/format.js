// Numbers and places as a person reads them; the same forms as in `weir top`.

function digits(number, most) {
  return String(Number(number.toPrecision(most)));
}

// 0.25 s, 17.3 s, 5 min 7 s, 26 h 3 min, 12 d 5 h; 480 µs, 2.1 ms.
export function duration(seconds) {
  if (!Number.isFinite(seconds)) {
    return "";
  }
  if (seconds < 0.001) {
    return seconds <= 0 ? "0 s" : `${digits(seconds * 1e6, 3)} µs`;
  }
  if (seconds < 0.1) {
    return `${digits(seconds * 1000, 3)} ms`;
  }
  if (seconds < 60) {
    return `${digits(seconds, 3)} s`;
  }
  const whole = Math.floor(seconds);
  if (whole < 3600) {
    return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  }
  const minutes = Math.floor(whole / 60);
  if (minutes < 48 * 60) {
    return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  }
  const hours = Math.floor(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

// 512 B, 1.5 KiB, 300 KiB, 2.1 MiB.
export function size(bytes) {
  let value = bytes;
  for (const unit of ["B", "KiB", "MiB", "GiB"]) {
    if (Math.abs(value) < 1000 || unit === "GiB") {
      return `${digits(value, 3)} ${unit}`;
    }
    value /= 1024;
  }
  return "";
}

// 0, 0.5, 12, 1234, 56.8k, 1.23M.
export function figure(number) {
  if (!Number.isFinite(number)) {
    return "–";
  }
  const amount = Math.abs(number);
  if (amount >= 1e6) {
    return `${digits(number / 1e6, 3)}M`;
  }
  if (amount >= 1e4) {
    return `${digits(number / 1e3, 3)}k`;
  }
  return amount >= 100 ? String(Math.round(number)) : digits(number, 3);
}

export function percent(part) {
  return Number.isFinite(part) ? `${digits(part * 100, part < 1 ? 2 : 3)} %` : "–";
}

// 1 event, 2 events.
export function count(number, what) {
  return `${figure(number)} ${what}${number === 1 ? "" : "s"}`;
}

// The last parts of a file's path: lock/plugin/module.cpp:392.
export function place(path) {
  return path.split("/").slice(-3).join("/");
}

// 14:03:59, in the time zone of the browser.
export function clock(date) {
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, "0")).join(":");
}

// Cuts a text that is too long to be shown whole.
export function shortened(text, most = 80) {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
