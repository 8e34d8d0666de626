// Waiting for a condition, with a bound; no test waits for time to pass.

const EVERY_MS = 50;

/** Calls `check` until it gives something; fails after `ms`, naming what it waited for. */
export async function until(what, check, ms = 30_000) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await check();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain for ${what}`);
    await new Promise((done) => setTimeout(done, EVERY_MS));
  }
}
