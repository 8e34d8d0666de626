// What this browser remembers. Storage may be switched off: then it is forgotten, nothing breaks.

const PREFIX = "grove.";

/** Reads a remembered value. */
export function recall(key: string): string | null {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

/** Remembers a value; `null` forgets it. */
export function remember(key: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, value);
  } catch {
    // Switched off or full: the value lives as long as the page.
  }
}
